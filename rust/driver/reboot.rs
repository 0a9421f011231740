// SPDX-License-Identifier: GPL-2.0

//! Leaving in time when the machine is rebooted or switched off.
//!
//! Process context.

use super::conditions;
use crate::net::{
    namespace::Namespace,
    notifier::reboot::Handler,
    rtnl::Rtnl, //
};
use kernel::{
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

static SHUTTING_DOWN: Atomic<bool> = Atomic::new(false);

/// Whether this machine is about to stop: no group runs any more.
pub(super) fn is_shutting_down() -> bool {
    SHUTTING_DOWN.load(Relaxed)
}

/// Has every MASTER bow out.
pub(crate) struct Leave;

/// How long the bow-outs get to leave the machine: the next thing that happens to
/// its devices is that they are reset, with what is queued in them.
const GRACE: Delta = Delta::from_millis(50);

impl Handler for Leave {
    fn shutting_down() {
        SHUTTING_DOWN.store(true, Relaxed);
        let mut master = false;
        {
            let rtnl = Rtnl::lock();
            Namespace::for_each(&rtnl, |namespace| {
                master |= conditions::any_master(namespace, &rtnl);
                conditions::refresh_namespace(namespace, &rtnl);
            });
        }
        if master {
            fsleep(GRACE);
        }
    }
}
