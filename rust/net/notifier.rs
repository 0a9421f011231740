// SPDX-License-Identifier: GPL-2.0

//! Notifier chains: being told what happens elsewhere in the kernel.
//!
//! C header: [`include/linux/notifier.h`](srctree/include/linux/notifier.h)
//!
//! One module per chain; each says in which context its handler runs. Handlers
//! are registered and unregistered in process context; unregistering waits for
//! those that are running.

use super::bindings;
use core::marker::{
    PhantomData,
    PhantomPinned, //
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_ulong, //
    },
    prelude::*,
    types::Opaque,
};

pub(crate) mod inet6addr;
pub(crate) mod inet6addr_validator;
pub(crate) mod inetaddr;
pub(crate) mod netdevice;
pub(crate) mod reboot;

/// A function of the C side that takes a notifier block.
type BlockFn = unsafe extern "C" fn(*mut bindings::notifier_block) -> c_int;

/// A chain with a handler for it.
///
/// # Safety
///
/// - `REGISTER` and `UNREGISTER` are those of one chain, may be called in process
///   context, and fail only if they change nothing.
/// - When `UNREGISTER` returns, no call of the block's function is running.
/// - `notify` accepts what the chain calls it with.
pub(crate) unsafe trait Chain {
    /// Handlers of greater priority are called first.
    const PRIORITY: c_int;
    /// Adds a block to the chain.
    const REGISTER: BlockFn;
    /// Takes a block out of the chain.
    const UNREGISTER: BlockFn;

    /// Tells the handler of an event.
    ///
    /// # Errors
    ///
    /// What the handler refuses, if this chain lets things be refused.
    ///
    /// # Safety
    ///
    /// Only to be called by the chain, with its events and their data.
    unsafe fn notify(event: c_ulong, data: *mut c_void) -> Result;
}

/// The function of a notifier block.
///
/// # Safety
///
/// Only to be called by the chain in which the block of a `C` is registered.
unsafe extern "C" fn call<C: Chain>(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    data: *mut c_void,
) -> c_int {
    // SAFETY: The chain calls this with its events and their data.
    match unsafe { C::notify(event, data) } {
        Ok(()) => bindings::NOTIFY_DONE as c_int,
        // SAFETY: A function of a number.
        Err(error) => unsafe { bindings::notifier_from_errno(error.to_errno()) },
    }
}

/// The registration of a handler with a chain.
///
/// # Invariants
///
/// `block` is registered in the chain.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<C: Chain> {
    #[pin]
    block: Opaque<bindings::notifier_block>,
    #[pin]
    _pin: PhantomPinned,
    _chain: PhantomData<C>,
}

// SAFETY: All that can be done with it is to drop it, in any thread.
unsafe impl<C: Chain> Send for Registration<C> {}

// SAFETY: It has no methods.
unsafe impl<C: Chain> Sync for Registration<C> {}

impl<C: Chain> Registration<C> {
    /// Registers the handler, which may be called before this returns.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            block <- Opaque::try_ffi_init(|place: *mut bindings::notifier_block| {
                // SAFETY: `place` is valid for writes, and pinned until the drop
                // of `Self` unregisters it.
                // INVARIANT: Registered, if this succeeds.
                to_result(unsafe {
                    place.write(bindings::notifier_block {
                        notifier_call: Some(call::<C>),
                        priority: C::PRIORITY,
                        ..pin_init::zeroed()
                    });
                    (C::REGISTER)(place)
                })
            }),
            _pin: PhantomPinned,
            _chain: PhantomData,
        })
    }
}

#[pinned_drop]
impl<C: Chain> PinnedDrop for Registration<C> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants, the block is registered.
        unsafe { (C::UNREGISTER)(self.block.get()) };
    }
}
