/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel headers that rust/net/bindings.rs is made from: all that they
 * declare, and kernel::bindings does not have yet, is bound.
 */

#include <crypto/sha1.h>
#include <crypto/utils.h>
#include <linux/etherdevice.h>
#include <linux/hrtimer.h>
#include <linux/if_vlan.h>
#include <linux/igmp.h>
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netdevice.h>
#include <linux/netfilter_arp.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/reboot.h>
#include <linux/rtnetlink.h>
#include <linux/skbuff.h>
#include <linux/sysctl.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/arp.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/protocol.h>
#include <net/route.h>
#include <net/rtnetlink.h>

#include <uapi/linux/if_carp.h>
#include <uapi/linux/pkt_sched.h>

#include "helpers.h"

/*
 * What a device offers that only hands its packets on: whatever the one below
 * cannot do itself, the core does in software as late as possible, there.
 */
static const netdev_features_t CARP_FEATURES_STACKED =
	NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | NETIF_F_HW_CSUM |
	NETIF_F_SCTP_CRC | NETIF_F_GSO_SOFTWARE | NETIF_F_GSO_ROBUST |
	NETIF_F_GSO_ENCAP_ALL;
/* What is done to packets before such a device could see them. */
static const netdev_features_t CARP_FEATURES_RECEIVING = NETIF_F_RXCSUM | NETIF_F_LRO;
