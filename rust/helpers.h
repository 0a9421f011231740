/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines of the kernel as functions that Rust can call. */
#ifndef CARP_HELPERS_H
#define CARP_HELPERS_H

#include <crypto/sha1.h>
#include <linux/etherdevice.h>
#include <linux/if_macvlan.h>
#include <linux/if_vlan.h>
#include <linux/inetdevice.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <net/netlink.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <net/addrconf.h>
#include <net/genetlink.h>
#include <net/ip.h>
#include <net/l3mdev.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

/* linux/netdevice.h */
void carp_helper_dev_hold(struct net_device *dev);
void carp_helper_dev_put(struct net_device *dev);
struct net *carp_helper_dev_net(const struct net_device *dev);
struct net_device *carp_helper_first_net_device(struct net *net);
struct net_device *carp_helper_next_net_device(struct net_device *dev);
struct net_device *carp_helper_first_net_device_rcu(struct net *net);
struct net_device *carp_helper_next_net_device_rcu(struct net_device *dev);
struct net_device *carp_helper_next_net_device_by_index(struct net *net, unsigned long from);
void *carp_helper_netdev_priv(const struct net_device *dev);
int carp_helper_dev_queue_xmit(struct sk_buff *skb);
unsigned int carp_helper_ll_reserved_space(const struct net_device *dev);
void carp_helper_setup_virtual(struct net_device *dev);

bool carp_helper_netif_is_bridge_master(const struct net_device *dev);
bool carp_helper_netif_is_l3_master(const struct net_device *dev);

/* linux/if_vlan.h */
void carp_helper_netif_addr_lock_bh(struct net_device *dev);
void carp_helper_netif_addr_unlock_bh(struct net_device *dev);
bool carp_helper_is_vlan_dev(const struct net_device *dev);
struct net_device *carp_helper_vlan_dev_below(const struct net_device *dev);
bool carp_helper_netif_is_macvlan(const struct net_device *dev);
bool carp_helper_macvlan_is_passthru(const struct net_device *dev);
struct net_device *carp_helper_macvlan_below(const struct net_device *dev);

/* linux/notifier.h */
int carp_helper_notifier_from_errno(int err);

/* linux/etherdevice.h */
void carp_helper_eth_hw_addr_set(struct net_device *dev, const u8 *address);

/* net/netlink.h */
struct nlattr *carp_helper_nla_nest_start_noflag(struct sk_buff *skb, int attrtype);
void carp_helper_nla_nest_end(struct sk_buff *skb, struct nlattr *start);
void carp_helper_nla_nest_cancel(struct sk_buff *skb, struct nlattr *start);

/* net/genetlink.h */
struct sk_buff *carp_helper_genlmsg_new(size_t payload, gfp_t flags);
void carp_helper_genlmsg_end(struct sk_buff *skb, void *hdr);
void carp_helper_genlmsg_cancel(struct sk_buff *skb, void *hdr);
void carp_helper_genl_dump_check_consistent(struct netlink_callback *cb, void *user_hdr);
struct net *carp_helper_genl_info_net(const struct genl_info *info);
const struct genl_info *carp_helper_genl_info_dump(struct netlink_callback *cb);
int carp_helper_genlmsg_reply(struct sk_buff *skb, struct genl_info *info);
int carp_helper_genlmsg_multicast_netns(const struct genl_family *family, struct net *net,
					struct sk_buff *skb, u32 portid, unsigned int group,
					gfp_t flags);
int carp_helper_genl_has_listeners(const struct genl_family *family, struct net *net,
				   unsigned int group);
int carp_helper_genl_set_err(const struct genl_family *family, struct net *net, u32 portid,
			     u32 group, int code);

/* linux/skbuff.h */
struct sk_buff *carp_helper_alloc_skb(unsigned int size, gfp_t flags);
int carp_helper_skb_network_offset(const struct sk_buff *skb);
void carp_helper_skb_reserve(struct sk_buff *skb, int len);
void carp_helper_skb_reset_mac_header(struct sk_buff *skb);
void carp_helper_skb_set_network_header(struct sk_buff *skb, int offset);
void carp_helper_skb_set_transport_header(struct sk_buff *skb, int offset);
unsigned char *carp_helper_skb_mac_header(const struct sk_buff *skb);
unsigned char *carp_helper_skb_network_header(const struct sk_buff *skb);
struct sk_buff *carp_helper_skb_share_check(struct sk_buff *skb);
struct net_device *carp_helper_skb_device(const struct sk_buff *skb);
void carp_helper_skb_set_device(struct sk_buff *skb, struct net_device *dev);
u16 carp_helper_skb_protocol(const struct sk_buff *skb);
void carp_helper_skb_set_protocol(struct sk_buff *skb, u16 protocol);
void carp_helper_skb_set_priority(struct sk_buff *skb, u32 priority);
void carp_helper_skb_dst_set(struct sk_buff *skb, struct dst_entry *dst);
void carp_helper_skb_dst_drop(struct sk_buff *skb);
void carp_helper_dst_hold(struct dst_entry *dst);
void carp_helper_neigh_release(struct neighbour *neigh);
struct inet6_dev *carp_helper_in6_dev_get(const struct net_device *dev);
u16 carp_helper_skb_vlan_tag_id(const struct sk_buff *skb);
u8 carp_helper_skb_pkt_type(const struct sk_buff *skb);
void carp_helper_skb_set_pkt_type(struct sk_buff *skb, u8 type);

/* linux/spinlock.h */
void carp_helper_spin_lock_bh(spinlock_t *lock);
bool carp_helper_spin_trylock_bh(spinlock_t *lock);
void carp_helper_spin_unlock_bh(spinlock_t *lock);

/* linux/inetdevice.h */
struct in_device *carp_helper___in_dev_get_rcu(const struct net_device *dev);
struct in_device *carp_helper___in_dev_get_rtnl(const struct net_device *dev);
bool carp_helper_in_dev_forward(const struct in_device *in_dev);

/* net/addrconf.h */
struct inet6_dev *carp_helper___in6_dev_get(const struct net_device *dev);
bool carp_helper_ipv6_mod_enabled(void);
bool carp_helper_in6_dev_forwarding(const struct inet6_dev *idev);
void carp_helper_in6_dev_keep_addresses(struct inet6_dev *idev);
void carp_helper_in6_dev_ignore_routers(struct inet6_dev *idev);
void carp_helper_in6_dev_set_addr_gen_mode(struct inet6_dev *idev, int mode);

/* net/ip.h, linux/ipv6.h */
int carp_helper_inet_sdif(const struct sk_buff *skb);
int carp_helper_inet6_sdif(const struct sk_buff *skb);

/* net/l3mdev.h */
u32 carp_helper_vrf_table_rcu(const struct net_device *dev);

/* linux/workqueue.h */
void carp_helper_init_delayed_work(struct delayed_work *work, work_func_t function);

/* net/net_namespace.h, net/netns/generic.h */
int carp_helper_check_net(const struct net *net);
void *carp_helper_net_generic(const struct net *net, unsigned int id);

/* linux/percpu.h */
#define UNREAD_COUNTERS 4
DECLARE_PER_CPU(u64[UNREAD_COUNTERS], carp_helper_unread_counters);
u64 __percpu *carp_helper_alloc_counters(unsigned int number);
void carp_helper_count(u64 __percpu *counter, u64 number);
u64 carp_helper_sum_counters(const u64 __percpu *counter);

/* crypto/sha1.h, linux/string.h */
void carp_helper_hmac_sha1_update(struct hmac_sha1_ctx *ctx, const u8 *data, size_t data_len);
void carp_helper_memzero_explicit(void *s, size_t count);

#endif
