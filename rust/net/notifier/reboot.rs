// SPDX-License-Identifier: GPL-2.0

//! The chain that is called before the machine reboots, halts or powers off.
//!
//! C header: [`include/linux/reboot.h`](srctree/include/linux/reboot.h)
//!
//! Handlers run in process context, without RTNL, before devices are shut down;
//! they delay the reboot as long as they take.

use crate::net::bindings;
use core::marker::PhantomData;
use kernel::{
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
};

/// Is told that the machine goes down.
pub(crate) trait Handler: 'static {
    /// Handlers of greater priority are called first.
    const PRIORITY: c_int = 0;

    /// Called once, before a reboot, halt, power-off or kexec.
    ///
    /// Not called for a crash, nor for `reboot -f` on some architectures.
    fn shutting_down();
}

/// The chain, with a handler.
pub(crate) struct Chain<H>(PhantomData<H>);

/// The registration of a handler.
pub(crate) type Registration<H> = super::Registration<Chain<H>>;

// SAFETY: The functions are those of `reboot_notifier_list`, which waits in both
// for the calls that are running.
unsafe impl<H: Handler> super::Chain for Chain<H> {
    const PRIORITY: c_int = H::PRIORITY;
    const REGISTER: super::BlockFn = bindings::register_reboot_notifier;
    const UNREGISTER: super::BlockFn = bindings::unregister_reboot_notifier;

    unsafe fn notify(_event: c_ulong, _data: *mut c_void) -> Result {
        H::shutting_down();
        Ok(())
    }
}
