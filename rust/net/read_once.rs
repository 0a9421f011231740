// SPDX-License-Identifier: GPL-2.0

//! Reading a shared number in place.
//!
//! C header: [`include/asm-generic/rwonce.h`](srctree/include/asm-generic/rwonce.h)
//!
//! `Atomic::load` is the call of a C function in kernels that do not inline those
//! (`CONFIG_RUST_INLINE_HELPERS`). Where something is looked at for each frame, the
//! call costs more than all the rest. Any context.

use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// As `READ_ONCE` of C, to which a relaxed load is equal by the kernel's memory model.
#[inline(always)]
pub(crate) fn read_once<T: AtomicType>(place: &Atomic<T>) -> T {
    // SAFETY: An atomic is valid and aligned; a volatile read of a machine word is
    // atomic and not torn.
    unsafe { place.as_ptr().read_volatile() }
}
