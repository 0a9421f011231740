// SPDX-License-Identifier: GPL-2.0
/*
 * Static inlines, macros and bit fields of the kernel that bindgen cannot
 * bind, as functions. Nothing is decided here.
 */
#include "helpers.h"

void carp_helper_dev_hold(struct net_device *dev)
{
	dev_hold(dev);
}

void carp_helper_dev_put(struct net_device *dev)
{
	dev_put(dev);
}

struct net *carp_helper_dev_net(const struct net_device *dev)
{
	return dev_net(dev);
}

struct net_device *carp_helper_first_net_device(struct net *net)
{
	return first_net_device(net);
}

struct net_device *carp_helper_next_net_device(struct net_device *dev)
{
	return next_net_device(dev);
}

struct net_device *carp_helper_first_net_device_rcu(struct net *net)
{
	return list_first_or_null_rcu(&net->dev_base_head, struct net_device, dev_list);
}

struct net_device *carp_helper_next_net_device_rcu(struct net_device *dev)
{
	return next_net_device_rcu(dev);
}

struct net_device *carp_helper_next_net_device_by_index(struct net *net, unsigned long from)
{
	return xa_find(&net->dev_by_index, &from, ULONG_MAX, XA_PRESENT);
}

void *carp_helper_netdev_priv(const struct net_device *dev)
{
	return netdev_priv(dev);
}

int carp_helper_dev_queue_xmit(struct sk_buff *skb)
{
	return dev_queue_xmit(skb);
}

unsigned int carp_helper_ll_reserved_space(const struct net_device *dev)
{
	return LL_RESERVED_SPACE(dev);
}

/* What a device is that queues nothing and takes no transmit lock, and has none above it. */
void carp_helper_setup_virtual(struct net_device *dev)
{
	/* A bridge's frames have addresses of their own, which would be lost. */
	dev->priv_flags |= IFF_NO_QUEUE | IFF_DONT_BRIDGE;
	/* What comes in stays below: a VLAN, a macvlan or a bond above would hear nothing. */
	dev->features |= NETIF_F_VLAN_CHALLENGED;
	dev->priv_flags |= IFF_NO_RX_HANDLER;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->lltx = true;
}

void carp_helper_netif_addr_lock_bh(struct net_device *dev)
{
	netif_addr_lock_bh(dev);
}

void carp_helper_netif_addr_unlock_bh(struct net_device *dev)
{
	netif_addr_unlock_bh(dev);
}

bool carp_helper_is_vlan_dev(const struct net_device *dev)
{
	return is_vlan_dev(dev);
}

struct net_device *carp_helper_vlan_dev_below(const struct net_device *dev)
{
#if IS_ENABLED(CONFIG_VLAN_8021Q)
	return vlan_dev_priv(dev)->real_dev;
#else
	BUG();
#endif
}

bool carp_helper_netif_is_macvlan(const struct net_device *dev)
{
	return netif_is_macvlan(dev);
}

bool carp_helper_macvlan_is_passthru(const struct net_device *dev)
{
	const struct macvlan_dev *vlan = netdev_priv(dev);

	return vlan->mode == MACVLAN_MODE_PASSTHRU;
}

struct net_device *carp_helper_macvlan_below(const struct net_device *dev)
{
	const struct macvlan_dev *vlan = netdev_priv(dev);

	return vlan->lowerdev;
}

bool carp_helper_netif_is_bridge_master(const struct net_device *dev)
{
	return netif_is_bridge_master(dev);
}

bool carp_helper_netif_is_l3_master(const struct net_device *dev)
{
	return netif_is_l3_master(dev);
}

int carp_helper_notifier_from_errno(int err)
{
	return notifier_from_errno(err);
}

void carp_helper_eth_hw_addr_set(struct net_device *dev, const u8 *address)
{
	eth_hw_addr_set(dev, address);
}

struct nlattr *carp_helper_nla_nest_start_noflag(struct sk_buff *skb, int attrtype)
{
	return nla_nest_start_noflag(skb, attrtype);
}

void carp_helper_nla_nest_end(struct sk_buff *skb, struct nlattr *start)
{
	nla_nest_end(skb, start);
}

void carp_helper_nla_nest_cancel(struct sk_buff *skb, struct nlattr *start)
{
	nla_nest_cancel(skb, start);
}

struct sk_buff *carp_helper_alloc_skb(unsigned int size, gfp_t flags)
{
	return alloc_skb(size, flags);
}

int carp_helper_skb_network_offset(const struct sk_buff *skb)
{
	return skb_network_offset(skb);
}

void carp_helper_skb_reserve(struct sk_buff *skb, int len)
{
	skb_reserve(skb, len);
}

void carp_helper_skb_reset_mac_header(struct sk_buff *skb)
{
	skb_reset_mac_header(skb);
}

void carp_helper_skb_set_network_header(struct sk_buff *skb, int offset)
{
	skb_set_network_header(skb, offset);
}

void carp_helper_skb_set_transport_header(struct sk_buff *skb, int offset)
{
	skb_set_transport_header(skb, offset);
}

unsigned char *carp_helper_skb_mac_header(const struct sk_buff *skb)
{
	return skb_mac_header(skb);
}

struct sk_buff *carp_helper_skb_share_check(struct sk_buff *skb)
{
	return skb_share_check(skb, GFP_ATOMIC);
}

struct net_device *carp_helper_skb_device(const struct sk_buff *skb)
{
	return skb->dev;
}

void carp_helper_skb_set_device(struct sk_buff *skb, struct net_device *dev)
{
	skb->dev = dev;
}

u16 carp_helper_skb_protocol(const struct sk_buff *skb)
{
	return (__force u16)skb->protocol;
}

void carp_helper_skb_set_protocol(struct sk_buff *skb, u16 protocol)
{
	skb->protocol = (__force __be16)protocol;
}

void carp_helper_skb_set_priority(struct sk_buff *skb, u32 priority)
{
	skb->priority = priority;
}

void carp_helper_skb_dst_set(struct sk_buff *skb, struct dst_entry *dst)
{
	skb_dst_set(skb, dst);
}

void carp_helper_skb_dst_drop(struct sk_buff *skb)
{
	skb_dst_drop(skb);
}

void carp_helper_dst_hold(struct dst_entry *dst)
{
	dst_hold(dst);
}

void carp_helper_neigh_release(struct neighbour *neigh)
{
	neigh_release(neigh);
}

struct inet6_dev *carp_helper_in6_dev_get(const struct net_device *dev)
{
	return in6_dev_get(dev);
}

u16 carp_helper_skb_vlan_tag_id(const struct sk_buff *skb)
{
	return skb_vlan_tag_get_id(skb);
}

u8 carp_helper_skb_pkt_type(const struct sk_buff *skb)
{
	return skb->pkt_type;
}

void carp_helper_skb_set_pkt_type(struct sk_buff *skb, u8 type)
{
	skb->pkt_type = type;
}

void carp_helper_spin_lock_bh(spinlock_t *lock)
{
	spin_lock_bh(lock);
}

bool carp_helper_spin_trylock_bh(spinlock_t *lock)
{
	return spin_trylock_bh(lock);
}

void carp_helper_spin_unlock_bh(spinlock_t *lock)
{
	spin_unlock_bh(lock);
}

struct in_device *carp_helper___in_dev_get_rcu(const struct net_device *dev)
{
	return __in_dev_get_rcu(dev);
}

struct in_device *carp_helper___in_dev_get_rtnl(const struct net_device *dev)
{
	return __in_dev_get_rtnl(dev);
}

bool carp_helper_in_dev_forward(const struct in_device *in_dev)
{
	return IN_DEV_FORWARD(in_dev);
}

struct inet6_dev *carp_helper___in6_dev_get(const struct net_device *dev)
{
	return __in6_dev_get(dev);
}

void carp_helper_hmac_sha1_update(struct hmac_sha1_ctx *ctx, const u8 *data, size_t data_len)
{
	hmac_sha1_update(ctx, data, data_len);
}

bool carp_helper_ipv6_mod_enabled(void)
{
	return ipv6_mod_enabled();
}

bool carp_helper_in6_dev_forwarding(const struct inet6_dev *idev)
{
	return READ_ONCE(idev->cnf.forwarding);
}

void carp_helper_in6_dev_keep_addresses(struct inet6_dev *idev)
{
	WRITE_ONCE(idev->cnf.keep_addr_on_down, 1);
}

void carp_helper_in6_dev_ignore_routers(struct inet6_dev *idev)
{
	WRITE_ONCE(idev->cnf.accept_ra, 0);
	WRITE_ONCE(idev->cnf.accept_redirects, 0);
}

void carp_helper_in6_dev_set_addr_gen_mode(struct inet6_dev *idev, int mode)
{
	WRITE_ONCE(idev->cnf.addr_gen_mode, mode);
}

int carp_helper_inet_sdif(const struct sk_buff *skb)
{
	return inet_sdif(skb);
}

int carp_helper_inet6_sdif(const struct sk_buff *skb)
{
	return inet6_sdif(skb);
}

void carp_helper_memzero_explicit(void *s, size_t count)
{
	memzero_explicit(s, count);
}

void *carp_helper_net_generic(const struct net *net, unsigned int id)
{
	return net_generic(net, id);
}

unsigned char *carp_helper_skb_network_header(const struct sk_buff *skb)
{
	return skb_network_header(skb);
}

/* For who counts before there is memory for it: what comes here is not read. */
DEFINE_PER_CPU(u64[UNREAD_COUNTERS], carp_helper_unread_counters);

u64 __percpu *carp_helper_alloc_counters(unsigned int number)
{
	return __alloc_percpu(number * sizeof(u64), SMP_CACHE_BYTES);
}

/* One instruction, as a word has 64 bits on every machine that Kbuild builds for. */
void carp_helper_count(u64 __percpu *counter, u64 number)
{
	BUILD_BUG_ON(sizeof(unsigned long) != sizeof(u64));
	this_cpu_add(*counter, number);
}

u64 carp_helper_sum_counters(const u64 __percpu *counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*per_cpu_ptr(counter, cpu));
	return sum;
}

int carp_helper_check_net(const struct net *net)
{
	return check_net(net);
}

u32 carp_helper_vrf_table_rcu(const struct net_device *dev)
{
	return l3mdev_fib_table_rcu(dev);
}

void carp_helper_init_delayed_work(struct delayed_work *work, work_func_t function)
{
	INIT_DELAYED_WORK(work, function);
}

struct sk_buff *carp_helper_genlmsg_new(size_t payload, gfp_t flags)
{
	return genlmsg_new(payload, flags);
}

void carp_helper_genlmsg_end(struct sk_buff *skb, void *hdr)
{
	genlmsg_end(skb, hdr);
}

void carp_helper_genlmsg_cancel(struct sk_buff *skb, void *hdr)
{
	genlmsg_cancel(skb, hdr);
}

void carp_helper_genl_dump_check_consistent(struct netlink_callback *cb, void *user_hdr)
{
	genl_dump_check_consistent(cb, user_hdr);
}

struct net *carp_helper_genl_info_net(const struct genl_info *info)
{
	return genl_info_net(info);
}

const struct genl_info *carp_helper_genl_info_dump(struct netlink_callback *cb)
{
	return genl_info_dump(cb);
}

int carp_helper_genlmsg_reply(struct sk_buff *skb, struct genl_info *info)
{
	return genlmsg_reply(skb, info);
}

int carp_helper_genlmsg_multicast_netns(const struct genl_family *family, struct net *net,
					struct sk_buff *skb, u32 portid, unsigned int group,
					gfp_t flags)
{
	return genlmsg_multicast_netns(family, net, skb, portid, group, flags);
}

int carp_helper_genl_has_listeners(const struct genl_family *family, struct net *net,
				   unsigned int group)
{
	return genl_has_listeners(family, net, group);
}

int carp_helper_genl_set_err(const struct genl_family *family, struct net *net, u32 portid,
			     u32 group, int code)
{
	return genl_set_err(family, net, portid, group, code);
}
