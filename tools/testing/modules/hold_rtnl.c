// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the RTNL as long as a test wants, as a slow driver or a reload of a
 * thousand interfaces does.
 *
 *	echo 2000 >/sys/module/hold_rtnl/parameters/milliseconds
 *
 * returns as soon as the lock is held, and the lock is given back after that time
 * or when 0 is written.  Reading tells whether it is held.
 */

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>

static unsigned int milliseconds;
static bool held;
static DECLARE_COMPLETION(taken);
static DECLARE_COMPLETION(enough);

static void hold(struct work_struct *work)
{
	rtnl_lock();
	WRITE_ONCE(held, true);
	complete(&taken);
	wait_for_completion_timeout(&enough, msecs_to_jiffies(milliseconds));
	WRITE_ONCE(held, false);
	rtnl_unlock();
}

static DECLARE_WORK(holding, hold);

/* The module's parameters are written one at a time: no lock of our own. */
static int set_milliseconds(const char *value, const struct kernel_param *kp)
{
	unsigned int wanted;
	int error;

	error = kstrtouint(value, 0, &wanted);
	if (error)
		return error;
	complete(&enough);
	flush_work(&holding);
	if (!wanted)
		return 0;
	milliseconds = wanted;
	reinit_completion(&enough);
	reinit_completion(&taken);
	schedule_work(&holding);
	wait_for_completion(&taken);
	return 0;
}

static int get_milliseconds(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%u\n", READ_ONCE(held) ? milliseconds : 0);
}

static const struct kernel_param_ops milliseconds_ops = {
	.set = set_milliseconds,
	.get = get_milliseconds,
};
module_param_cb(milliseconds, &milliseconds_ops, NULL, 0600);
MODULE_PARM_DESC(milliseconds, "hold the RTNL so long; 0: give it back");

static void __exit hold_rtnl_exit(void)
{
	complete(&enough);
	flush_work(&holding);
}

static int __init hold_rtnl_init(void)
{
	return 0;
}

module_init(hold_rtnl_init);
module_exit(hold_rtnl_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("holds the RTNL, for tests");
