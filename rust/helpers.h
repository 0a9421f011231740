/* SPDX-License-Identifier: GPL-2.0 */
/* Static inlines of the kernel as functions that Rust can call. */
#ifndef CARP_HELPERS_H
#define CARP_HELPERS_H

struct net_device;

void *carp_helper_netdev_priv(const struct net_device *dev);

#endif
