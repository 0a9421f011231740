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
use kernel::sync::atomic::{
    Atomic,
    Relaxed, //
};

static SHUTTING_DOWN: Atomic<bool> = Atomic::new(false);

/// Whether this machine is about to stop: no group runs any more.
pub(super) fn is_shutting_down() -> bool {
    SHUTTING_DOWN.load(Relaxed)
}

/// Has every MASTER bow out.
pub(crate) struct Leave;

impl Handler for Leave {
    fn shutting_down() {
        SHUTTING_DOWN.store(true, Relaxed);
        let rtnl = Rtnl::lock();
        Namespace::for_each(&rtnl, |namespace| {
            conditions::refresh_namespace(namespace, &rtnl)
        });
    }
}
