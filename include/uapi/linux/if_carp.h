/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * CARP, the Common Address Redundancy Protocol: what user space and the
 * kernel say to each other about a network device of kind "carp", over
 * rtnetlink (IFLA_CARP_*) and over the generic netlink family "carp".
 *
 * This file is the only source of these numbers. The module, the `ip` plugin
 * and carpctl take them from here through bindgen.
 */
#ifndef _UAPI_LINUX_IF_CARP_H
#define _UAPI_LINUX_IF_CARP_H

/* The longest key in bytes; a shorter one is padded with zeros. */
#define CARP_KEY_LEN		20

#define CARP_VHID_MIN		1
#define CARP_VHID_MAX		255

/* Seconds. */
#define CARP_ADVBASE_MAX	255
#define CARP_ADVBASE_DEFAULT	1

/* 1/256 seconds. */
#define CARP_ADVSKEW_MAX	254
#define CARP_ADVSKEW_DEFAULT	0

/* The state of a group on this host. The numbers are the BSDs'. */
enum carp_state {
	CARP_STATE_INIT,
	CARP_STATE_BACKUP,
	CARP_STATE_MASTER,
};

/* Why a group is in its state. */
enum carp_reason {
	CARP_REASON_CREATED,		/* INIT: nothing happened yet */
	CARP_REASON_NO_VHID,		/* INIT: no vhid is set */
	CARP_REASON_NO_PARENT,		/* INIT: no parent device */
	CARP_REASON_NO_ADDRESS,		/* INIT: no virtual address */
	CARP_REASON_DEVICE_DOWN,	/* INIT: the carp device is down */
	CARP_REASON_PARENT_DOWN,	/* INIT: the parent is down */
	CARP_REASON_NO_CARRIER,		/* INIT: the parent has no carrier */
	CARP_REASON_NOT_ALLOWED,	/* INIT: net.inet.carp.allow is 0 */
	CARP_REASON_READY,		/* BACKUP: configuration complete */
	CARP_REASON_BETTER_MASTER,	/* BACKUP: a more frequent advertisement */
	CARP_REASON_EQUAL_MASTER,	/* BACKUP: a tie, the peer's address wins */
	CARP_REASON_REQUESTED,		/* asked for by a user */
	CARP_REASON_TIMED_OUT,		/* MASTER: no advertisement was heard */
	CARP_REASON_PREEMPTED,		/* MASTER: the old one was less frequent */
	CARP_REASON_MASTER_DEMOTED,	/* MASTER: the old one is demoted more */
	CARP_REASON_MASTER_TOO_SLOW,	/* MASTER: the old one would time out */
	CARP_REASON_MASTER_BOWED_OUT,	/* MASTER: the old one took its leave */
};

/* What keeps a group in INIT; a bit set. */
#define CARP_MISSING_VHID	(1 << 0)
#define CARP_MISSING_PARENT	(1 << 1)
#define CARP_MISSING_ADDRESS	(1 << 2)
#define CARP_MISSING_DEVICE_UP	(1 << 3)
#define CARP_MISSING_PARENT_UP	(1 << 4)
#define CARP_MISSING_CARRIER	(1 << 5)
#define CARP_MISSING_ALLOWED	(1 << 6)

/* Why a received advertisement was not used, in the order of the checks. */
enum carp_discard {
	CARP_DISCARD_NOT_ALLOWED,	/* net.inet.carp.allow is 0 */
	CARP_DISCARD_BAD_HOP_LIMIT,	/* TTL or hop limit is not 255 */
	CARP_DISCARD_BAD_LENGTH,	/* shorter than a CARP header */
	CARP_DISCARD_BAD_VERSION,	/* not CARP version 2 */
	CARP_DISCARD_BAD_TYPE,		/* not an advertisement */
	CARP_DISCARD_BAD_CHECKSUM,
	CARP_DISCARD_UNKNOWN_VHID,	/* no such group on this parent */
	CARP_DISCARD_NOT_RUNNING,	/* the group is in INIT */
	CARP_DISCARD_BAD_DIGEST,	/* key or address list differ */
	CARP_DISCARD_OWN_ECHO,		/* our own, sent back by the network */
};

/* As many nodes as a group can have. */
#define CARP_MAX_NODES		32

/*
 * How the hosts of a group with several nodes come to see each packet, so that each
 * can take its share. The numbers are OpenBSD's.
 */
enum carp_balancing {
	CARP_BALANCING_NONE,		/* one node: the MASTER takes all */
	CARP_BALANCING_IP,		/* the group's MAC is a multicast one */
	CARP_BALANCING_IP_STEALTH,	/* nobody sends from it: switches flood it */
	CARP_BALANCING_IP_UNICAST,	/* a hub, or a mirrored port */
};

/* By what a node is selected for a packet. */
enum carp_selection {
	CARP_SELECTION_ADDRESSES,	/* source and destination, as OpenBSD */
	CARP_SELECTION_FLOW,		/* addresses, protocol and ports */
};

/* Attributes of IFLA_INFO_DATA; the parent is IFLA_LINK. */
enum {
	IFLA_CARP_UNSPEC,
	IFLA_CARP_VHID,		/* u32, CARP_VHID_MIN..CARP_VHID_MAX */
	IFLA_CARP_ADVBASE,	/* u32, seconds, 0..CARP_ADVBASE_MAX */
	IFLA_CARP_ADVSKEW,	/* u32, 1/256 s, 0..CARP_ADVSKEW_MAX */
	IFLA_CARP_KEY,		/* binary, at most CARP_KEY_LEN; write only */
	IFLA_CARP_STATE,	/* u32, enum carp_state; settable to MASTER, BACKUP */
	IFLA_CARP_REASON,	/* u32, enum carp_reason; read only */
	IFLA_CARP_MISSING,	/* u32, CARP_MISSING_*; read only */
	IFLA_CARP_TRANSITIONS,	/* u32, changes of state so far; read only */
	IFLA_CARP_SINCE,	/* u64, ns since the last change; read only */
	IFLA_CARP_PAD,
	IFLA_CARP_BALANCING,	/* u32, enum carp_balancing; shown if there are several nodes */
	IFLA_CARP_SELECTION,	/* u32, enum carp_selection; the same */
	IFLA_CARP_NODES,	/* nest of CARP_NODES_NODE; the same */
	__IFLA_CARP_MAX,
};
#define IFLA_CARP_MAX (__IFLA_CARP_MAX - 1)

/*
 * The nodes of a group: all of them, in a request; sorted by vhid, in an answer. The first
 * one is what IFLA_CARP_VHID, IFLA_CARP_ADVSKEW and the virtual MAC are about, while
 * IFLA_CARP_STATE is MASTER if that of any node is.
 */
enum {
	CARP_NODES_UNSPEC,
	CARP_NODES_NODE,	/* nest of CARP_NODE_*; repeated, CARP_MAX_NODES at most */
	__CARP_NODES_MAX,
};
#define CARP_NODES_MAX (__CARP_NODES_MAX - 1)

/* Attributes of one node. */
enum carp_node_attribute {
	CARP_NODE_UNSPEC,
	CARP_NODE_PAD,
	CARP_NODE_VHID,		/* u32, CARP_VHID_MIN..CARP_VHID_MAX */
	CARP_NODE_ADVSKEW,	/* u32, 1/256 s, 0..CARP_ADVSKEW_MAX */
	CARP_NODE_STATE,	/* u32, enum carp_state; read only */
	CARP_NODE_REASON,	/* u32, enum carp_reason; read only */
	CARP_NODE_MISSING,	/* u32, CARP_MISSING_*; read only */
	CARP_NODE_TRANSITIONS,	/* u32, changes of state so far; read only */
	CARP_NODE_SINCE,	/* u64, ns since the last change; read only */
	__CARP_NODE_MAX,
};
#define CARP_NODE_MAX (__CARP_NODE_MAX - 1)

/* Attributes of IFLA_INFO_XSTATS: counters, all u64 and of this group alone
 * unless said otherwise.
 */
enum {
	IFLA_CARP_STATS_UNSPEC,
	IFLA_CARP_STATS_PAD,
	IFLA_CARP_STATS_TX_V4,			/* advertisements sent */
	IFLA_CARP_STATS_TX_V6,
	IFLA_CARP_STATS_TX_BOW_OUT,		/* of these, bow-outs */
	IFLA_CARP_STATS_TX_ERRORS,		/* advertisements, announcements, ARP replies not sent */
	IFLA_CARP_STATS_RX_V4,			/* advertisements accepted */
	IFLA_CARP_STATS_RX_V6,
	IFLA_CARP_STATS_ANNOUNCEMENTS,		/* gratuitous ARPs, unsolicited NAs sent */
	IFLA_CARP_STATS_ARP_REPLIES,		/* ARP requests answered */
	IFLA_CARP_STATS_OTHER_MASTER,		/* heard another MASTER while MASTER */
	IFLA_CARP_STATS_RX_NOT_MASTER,		/* frames for the virtual MAC dropped: not MASTER */
	IFLA_CARP_STATS_TX_NOT_MASTER,		/* dropped, not MASTER: of the device, from its addresses */
	IFLA_CARP_STATS_DISCARD_NOT_ALLOWED,	/* as enum carp_discard, same order */
	IFLA_CARP_STATS_DISCARD_BAD_HOP_LIMIT,
	IFLA_CARP_STATS_DISCARD_BAD_LENGTH,
	IFLA_CARP_STATS_DISCARD_BAD_VERSION,
	IFLA_CARP_STATS_DISCARD_BAD_TYPE,
	IFLA_CARP_STATS_DISCARD_BAD_CHECKSUM,
	IFLA_CARP_STATS_DISCARD_UNKNOWN_VHID,	/* of all groups of this parent */
	IFLA_CARP_STATS_DISCARD_NOT_RUNNING,
	IFLA_CARP_STATS_DISCARD_BAD_DIGEST,
	IFLA_CARP_STATS_DISCARD_OWN_ECHO,
	IFLA_CARP_STATS_DISCARD_UNATTRIBUTED,	/* with no vhid of this parent's groups; all groups of this parent */
	IFLA_CARP_STATS_ND_REPLIES,		/* neighbour solicitations answered */
	IFLA_CARP_STATS_NOT_SELECTED,		/* questions left to another group with the address: arpbalance */
	IFLA_CARP_STATS_RX_NOT_SELECTED,	/* packets for the virtual MAC left to another node: balancing */
	IFLA_CARP_STATS_ADDRESS_CONFLICT,	/* heard another host announce an address while MASTER */
	__IFLA_CARP_STATS_MAX,
};
#define IFLA_CARP_STATS_MAX (__IFLA_CARP_STATS_MAX - 1)

/* ---- The generic netlink family ---- */

#define CARP_GENL_NAME		"carp"
#define CARP_GENL_VERSION	1

/* The multicast group of events. */
#define CARP_MCGRP_EVENTS	"events"

/*
 * Commands and events. A reply has the number of its request.
 *
 * Each event of a network namespace has the next CARP_A_SEQUENCE; a reply has
 * that of the last event before it. Who misses a number has lost an event, asks
 * for all groups (a dump), and goes on with what comes after its sequence.
 */
enum carp_command {
	CARP_CMD_UNSPEC,
	CARP_CMD_GROUP_GET,	/* do: one group by ifindex or ifname; dump: all */
	CARP_CMD_KEY_GET,	/* do, CAP_NET_ADMIN: the key of one group */
	CARP_CMD_GROUP_NEW,	/* event: there is a new group */
	CARP_CMD_GROUP_CHANGE,	/* event: parameters, key, parent, addresses or names are others, or what is missing */
	CARP_CMD_GROUP_DELETE,	/* event: a group is gone */
	CARP_CMD_TRANSITION,	/* event: a group changed its state */
	CARP_CMD_OTHER_MASTER,	/* event: a MASTER heard another MASTER; of a group, once a second */
	CARP_CMD_BAD_DIGEST,	/* event: a wrong digest was heard; of a group, once a second */
	CARP_CMD_PARENT_LOST,	/* event: the parent goes, and its groups with it */
	__CARP_CMD_MAX,
};
#define CARP_CMD_MAX (__CARP_CMD_MAX - 1)

/* Attributes of commands and events. */
enum carp_attribute {
	CARP_A_UNSPEC,
	CARP_A_PAD,
	CARP_A_IFINDEX,		/* u32, of the carp device */
	CARP_A_IFNAME,		/* string */
	CARP_A_PARENT,		/* u32, ifindex of the parent; missing: none */
	CARP_A_PARENT_IFNAME,	/* string */
	CARP_A_VHID,		/* u32; missing: none is set. Of a transition, a digest or another MASTER: the node's */
	CARP_A_ADVBASE,		/* u32, seconds */
	CARP_A_ADVSKEW,		/* u32, 1/256 s */
	CARP_A_STATE,		/* u32, enum carp_state */
	CARP_A_OLD_STATE,	/* u32, enum carp_state; of a transition */
	CARP_A_REASON,		/* u32, enum carp_reason */
	CARP_A_MISSING,		/* u32, CARP_MISSING_* */
	CARP_A_SINCE,		/* u64, ns since the last transition */
	CARP_A_CHANGED_AT,	/* u64, ns, CLOCK_REALTIME at the last transition */
	CARP_A_TRANSITIONS,	/* u32, all transitions so far */
	CARP_A_TRANSITIONS_BY_REASON, /* nest of u32, numbered by reason + 1; those that are not 0 */
	CARP_A_ADDRESS,		/* binary, 4 or 16 bytes: one that the digest covers; repeated */
	CARP_A_PEER,		/* nest of CARP_PEER_*, one that was heard; repeated */
	CARP_A_COUNTERS,	/* nest of IFLA_CARP_STATS_* */
	CARP_A_SEQUENCE,	/* u32, of the namespace's events */
	CARP_A_KEY,		/* binary, CARP_KEY_LEN; only in a reply to CARP_CMD_KEY_GET */
	CARP_A_BALANCING,	/* u32, enum carp_balancing; if there are several nodes */
	CARP_A_SELECTION,	/* u32, enum carp_selection; the same */
	CARP_A_NODE,		/* nest of CARP_NODE_*; repeated; the same */
	__CARP_A_MAX,
};
#define CARP_A_MAX (__CARP_A_MAX - 1)

/* Attributes of one sender of advertisements for a group. */
enum carp_peer_attribute {
	CARP_PEER_UNSPEC,
	CARP_PEER_PAD,
	CARP_PEER_ADDRESS,	/* binary, 4 or 16 bytes: where its advertisements come from */
	CARP_PEER_ADVBASE,	/* u32, seconds, of the last one */
	CARP_PEER_ADVSKEW,	/* u32, 1/256 s, of the last one; 255 with advbase 255: it bowed out */
	CARP_PEER_DEMOTE,	/* u32, of the last one */
	CARP_PEER_SINCE,	/* u64, ns since the last one */
	CARP_PEER_RECEIVED,	/* u64, advertisements with a right digest */
	CARP_PEER_BAD_DIGEST,	/* u64, those with a wrong one */
	CARP_PEER_VHID,		/* u32, of the node that they are for, if there are several */
	__CARP_PEER_MAX,
};
#define CARP_PEER_MAX (__CARP_PEER_MAX - 1)

#endif /* _UAPI_LINUX_IF_CARP_H */
