// SPDX-License-Identifier: GPL-2.0
#include <linux/netdevice.h>

#include "helpers.h"

void *carp_helper_netdev_priv(const struct net_device *dev)
{
	return netdev_priv(dev);
}
