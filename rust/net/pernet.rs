// SPDX-License-Identifier: GPL-2.0

//! Data that every network namespace has one of.
//!
//! C headers: [`include/net/net_namespace.h`](srctree/include/net/net_namespace.h),
//! [`include/net/netns/generic.h`](srctree/include/net/netns/generic.h)
//!
//! Registering and unregistering sleep; [`get`] may be called in any context
//! but NMIs.
//!
//! The data is a *subsystem's*, not a *device's*: when a namespace is dismantled,
//! it is dropped after all devices have left the namespace, so that devices may
//! use it until their end.
//!
//! # Why a reference stays valid
//!
//! The C side has one array of pointers in each namespace, and a number for each
//! subsystem in it. It clears neither the pointers nor the number, and leaves it
//! to the subsystem that nobody follows them too early or too late. Here:
//!
//! - [`get`] gives [`None`] unless the registration is complete ([`Id`]), and
//!   unless the data of this namespace is initialised and its end has not begun;
//! - this is checked, and the reference counted, in one RCU read-side section.
//!   The C side waits for all such sections between `pre_exit`, which takes the
//!   readiness back, and `exit`, and frees the memory after that;
//! - `exit` waits until no counted reference is left, and then drops the data.
//!
//! So a reference that is kept for ever blocks the end of its namespace, or of
//! the module, and says so in the log; nothing worse.

use super::{
    bindings,
    namespace::Namespace,
    placement::initialise, //
};
use core::{
    cell::UnsafeCell,
    marker::{
        PhantomData,
        PhantomPinned, //
    },
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed,
                Release, //
            },
            Atomic, //
        },
        rcu, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque,
};

/// Data that every network namespace has one of.
///
/// The implementing type is the data. It is made by [`PerNamespace::init`] and
/// dropped in process context, which may sleep, without RTNL, and for several
/// namespaces at the same time.
pub(crate) trait PerNamespace: Send + Sync + Sized + 'static {
    /// Where the number of this sort of data is: a `static` of its own.
    const ID: IdRef<Self>;

    /// Makes the data of one namespace.
    ///
    /// Called for all namespaces that exist at registration, and then for every
    /// new one. An error makes the registration, or the new namespace, fail.
    fn init(founding: Founding<'_>) -> impl PinInit<Self, Error>;

    /// Called when the namespace, or the registration, is about to end.
    ///
    /// [`get`] gives nothing any more, but all devices are still there and work.
    /// Process context, RTNL not held; may sleep.
    fn leaving(&self, namespace: &Namespace) {
        let _ = namespace;
    }
}

/// The number that the kernel gives to a sort of per-namespace data.
pub(crate) struct Id<T> {
    /// Written by the C side while `state` is [`BUSY`].
    number: Opaque<kernel::ffi::c_uint>,
    state: Atomic<u32>,
    _data: PhantomData<fn() -> T>,
}

/// Nothing is registered.
const FREE: u32 = 0;
/// Being registered or unregistered.
const BUSY: u32 = 1;
/// Registered, and the registration is complete.
const LIVE: u32 = 2;

// SAFETY: `state` is atomic, and says who may touch `number`.
unsafe impl<T> Sync for Id<T> {}

impl<T> Id<T> {
    /// Makes a number with which nothing is registered.
    pub(crate) const fn new() -> Self {
        Self {
            number: Opaque::zeroed(),
            state: Atomic::new(FREE),
            _data: PhantomData,
        }
    }

    /// Reads the number.
    fn number(&self) -> kernel::ffi::c_uint {
        // SAFETY: The pointer is valid, and the number changes only while the
        // kernel registers the data, before it calls back or anything is live.
        unsafe { self.number.get().read_volatile() }
    }
}

/// A reference to a `static` [`Id`] in a constant.
///
/// # Invariants
///
/// The pointer comes from a `&'static Id<T>`.
pub(crate) struct IdRef<T: 'static>(NonNull<Id<T>>);

impl<T> IdRef<T> {
    /// Makes a reference to `id`.
    pub(crate) const fn new(id: &'static Id<T>) -> Self {
        // INVARIANT: `id` is such a reference.
        // SAFETY: A reference is never null.
        Self(unsafe { NonNull::new_unchecked(core::ptr::from_ref(id).cast_mut()) })
    }

    /// Gives the reference back.
    fn get(self) -> &'static Id<T> {
        // SAFETY: By the type invariants this was a `&'static Id<T>`.
        unsafe { &*self.0.as_ptr() }
    }
}

/// What the kernel allocates in each namespace, filled with zeroes.
///
/// # Invariants
///
/// `value` is initialised and pinned from when `ready` was set until `exit` has
/// found `borrowed` at zero.
#[repr(C)]
struct Slot<T> {
    /// Whether the value may be borrowed.
    ready: Atomic<i32>,
    /// Whether the value is initialised; for `exit` only.
    initialized: Atomic<i32>,
    /// How many [`Ref`]s there are.
    borrowed: Atomic<i32>,
    /// How many [`Hold`]s there are.
    held: Atomic<i32>,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T: PerNamespace> Slot<T> {
    /// The kernel's allocator promises no more for any size.
    const ALIGNED: () = assert!(align_of::<Self>() <= align_of::<u64>());

    /// Finds the slot of a namespace.
    ///
    /// # Safety
    ///
    /// `T` must be registered, and the caller must be in one of its callbacks
    /// or in an RCU read-side section in which `T::ID` was found to be live.
    unsafe fn find(net: *mut bindings::net) -> *const Self {
        // SAFETY: `net` is valid by the invariants of `Namespace`, and the
        // caller promises that the number is the registered one.
        unsafe { bindings::net_generic(net, T::ID.get().number()) }.cast()
    }
}

/// A namespace for which data is being made.
///
/// What has to be undone before the namespace goes can be kept by data that is
/// made with it ([`Founding::hold`]).
pub(crate) struct Founding<'a> {
    namespace: &'a Namespace,
    held: &'a Atomic<i32>,
}

impl Founding<'_> {
    /// Keeps the namespace from being freed until the hold is dropped.
    ///
    /// To be part of the data that is being made: kept anywhere else, it blocks
    /// the end of the namespace.
    pub(super) fn hold(&self) -> Hold {
        self.held.add(1, Relaxed);
        // INVARIANT: Just counted.
        Hold(NonNull::from(self.held))
    }
}

impl Founding<'_> {
    /// The namespace, for data that has something to do in it at any time.
    ///
    /// To be part of the data that is being made, as [`Founding::hold`].
    pub(crate) fn home(&self) -> Home {
        // INVARIANT: The hold is for this namespace.
        Home {
            namespace: NonNull::from(self.namespace),
            _hold: self.hold(),
        }
    }
}

/// The namespace that data belongs to.
///
/// # Invariants
///
/// The namespace is not freed before the hold is dropped.
pub(crate) struct Home {
    namespace: NonNull<Namespace>,
    _hold: Hold,
}

// SAFETY: A namespace, and a hold, belong to no thread.
unsafe impl Send for Home {}

// SAFETY: As above.
unsafe impl Sync for Home {}

impl Deref for Home {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        // SAFETY: By the type invariants; `exit` waits for the hold, so that the
        // invariants of `Namespace` hold as in that callback.
        unsafe { self.namespace.as_ref() }
    }
}

impl Deref for Founding<'_> {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        self.namespace
    }
}

/// Keeps a namespace from being freed.
///
/// # Invariants
///
/// The counter is that of a slot, which counts this hold and is not freed before
/// it is given back.
pub(crate) struct Hold(NonNull<Atomic<i32>>);

// SAFETY: The counter is atomic, and nothing else is behind the pointer.
unsafe impl Send for Hold {}

// SAFETY: As above.
unsafe impl Sync for Hold {}

impl Drop for Hold {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, the counter is valid until this.
        unsafe { self.0.as_ref() }.fetch_sub(1, Release);
    }
}

/// A reference to the data of a namespace.
///
/// # Invariants
///
/// The slot is not freed, and its value initialised, as long as the reference is
/// counted in `borrowed`.
pub(crate) struct Ref<'a, T: PerNamespace> {
    slot: NonNull<Slot<T>>,
    _namespace: PhantomData<&'a Namespace>,
}

// SAFETY: It gives shared access to a `T`, which is `Sync`.
unsafe impl<T: PerNamespace> Send for Ref<'_, T> {}

// SAFETY: As above.
unsafe impl<T: PerNamespace> Sync for Ref<'_, T> {}

impl<T: PerNamespace> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: By the type invariants, the slot is valid and its value is
        // initialised; nobody has exclusive access to it meanwhile.
        unsafe { (*(*self.slot.as_ptr()).value.get()).assume_init_ref() }
    }
}

impl<T: PerNamespace> Drop for Ref<'_, T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants, the slot is valid until this.
        unsafe { self.slot.as_ref() }.borrowed.fetch_sub(1, Release);
    }
}

/// Finds the data of a namespace.
///
/// [`None`] before the registration is complete, while the data of the namespace
/// is being made, and once the end of the namespace, or of the registration, has
/// begun.
pub(crate) fn get<T: PerNamespace>(namespace: &Namespace) -> Option<Ref<'_, T>> {
    let _section = rcu::read_lock();
    if T::ID.get().state.load(Acquire) != LIVE {
        return None;
    }
    // SAFETY: Live, and in a read-side section.
    let slot = NonNull::new(unsafe { Slot::<T>::find(namespace.as_raw()) }.cast_mut())?;
    // SAFETY: The memory is freed after a grace period from when the state was
    // taken back (`Registration`), or, if the namespace ends, after what the
    // invariants of `Namespace` exclude.
    let fields = unsafe { slot.as_ref() };
    if fields.ready.load(Acquire) == 0 {
        return None;
    }
    fields.borrowed.add(1, Relaxed);
    // INVARIANT: Ready, and counted before the end of the read-side section that
    // `exit` comes after.
    Some(Ref {
        slot,
        _namespace: PhantomData,
    })
}

/// The callbacks of `struct pernet_operations`.
struct Adapter<T>(PhantomData<T>);

impl<T: PerNamespace> Adapter<T> {
    /// # Safety
    ///
    /// Only to be called by the C side, in the `init` of a registered `T`.
    unsafe extern "C" fn init(net: *mut bindings::net) -> kernel::ffi::c_int {
        from_result(|| {
            // SAFETY: The C side made the slot, of this type's size and zeroed,
            // before this call.
            let slot = unsafe { &*Slot::<T>::find(net) };
            let founding = Founding {
                // SAFETY: The namespace outlives this callback.
                namespace: unsafe { Namespace::from_raw(net) },
                held: &slot.held,
            };
            // SAFETY: The memory is valid, nobody uses it before it is ready,
            // and it is not moved. If this fails, it is not used at all.
            let made = unsafe { initialise(slot.value.get().cast(), T::init(founding)) };
            if let Err(error) = made {
                wait_for_none(&slot.held, c"held");
                return Err(error);
            }
            slot.initialized.store(1, Relaxed);
            // INVARIANT: The value was just initialised.
            slot.ready.store(1, Release);
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only to be called by the C side, in the `pre_exit` of a registered `T`.
    unsafe extern "C" fn pre_exit(net: *mut bindings::net) {
        // SAFETY: The slot is freed after `exit` only. It is null if `init` was
        // not called for this namespace, or failed.
        if let Some(slot) = unsafe { Slot::<T>::find(net).as_ref() } {
            slot.ready.store(0, Relaxed);
            if slot.initialized.load(Relaxed) != 0 {
                // SAFETY: The value is initialised, and dropped in `exit` only.
                let value = unsafe { (*slot.value.get()).assume_init_ref() };
                // SAFETY: The namespace outlives this callback.
                value.leaving(unsafe { Namespace::from_raw(net) });
            }
        }
    }

    /// # Safety
    ///
    /// Only to be called by the C side, in the `exit` of a registered `T`, a
    /// grace period after `pre_exit`.
    unsafe extern "C" fn exit(net: *mut bindings::net) {
        // SAFETY: The slot is freed after this callback only.
        let Some(slot) = (unsafe { Slot::<T>::find(net).as_ref() }) else {
            return;
        };
        if slot.initialized.xchg(0, Full) == 0 {
            return;
        }
        wait_for_none(&slot.borrowed, c"used");
        // SAFETY: The value is initialised. No reference is left, and as it is
        // not ready, and all read-side sections that saw it ready are over, no
        // new one can be had.
        unsafe { (*slot.value.get()).assume_init_drop() };
        wait_for_none(&slot.held, c"held");
    }
}

/// Waits until a counter is zero; says so if that takes long.
fn wait_for_none(counter: &Atomic<i32>, what: &CStr) {
    let mut turns = 0_u32;
    while counter.load(Acquire) != 0 {
        fsleep(Delta::from_millis(1));
        turns = turns.wrapping_add(1);
        if turns % 10_000 == 0 {
            pr_warn!(
                "per-namespace data is still {}\n",
                what.to_str().unwrap_or("")
            );
        }
    }
}

/// The registration of a sort of per-namespace data.
///
/// Drop it after everything that uses the data.
///
/// # Invariants
///
/// `operations` are registered, with `T::ID`, which is live.
#[pin_data(PinnedDrop)]
pub(crate) struct Registration<T: PerNamespace> {
    #[pin]
    operations: Opaque<bindings::pernet_operations>,
    #[pin]
    _pin: PhantomPinned,
    _data: PhantomData<T>,
}

// SAFETY: All that can be done with it is to drop it, in any thread.
unsafe impl<T: PerNamespace> Send for Registration<T> {}

// SAFETY: It has no methods.
unsafe impl<T: PerNamespace> Sync for Registration<T> {}

impl<T: PerNamespace> Registration<T> {
    /// Registers the data, and makes it for all namespaces that there are.
    ///
    /// Process context. `EBUSY` if the type is registered already.
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        let () = Slot::<T>::ALIGNED;
        try_pin_init!(Self {
            operations <- Opaque::try_ffi_init(|place: *mut bindings::pernet_operations| {
                let id = T::ID.get();
                if id.state.cmpxchg(FREE, BUSY, Full).is_err() {
                    return Err(EBUSY);
                }
                let operations = bindings::pernet_operations {
                    init: Some(Adapter::<T>::init),
                    pre_exit: Some(Adapter::<T>::pre_exit),
                    exit: Some(Adapter::<T>::exit),
                    id: id.number.get(),
                    size: size_of::<Slot<T>>(),
                    ..pin_init::zeroed()
                };
                // SAFETY: `place` is valid for writes, and pinned until the drop
                // of `Self` unregisters it. `id` is static.
                let result = to_result(unsafe {
                    place.write(operations);
                    bindings::register_pernet_subsys(place)
                });
                // INVARIANT: Registered, and live.
                id.state.store(if result.is_ok() { LIVE } else { FREE }, Release);
                result
            }),
            _pin: PhantomPinned,
            _data: PhantomData,
        })
    }
}

#[pinned_drop]
impl<T: PerNamespace> PinnedDrop for Registration<T> {
    fn drop(self: Pin<&mut Self>) {
        let id = T::ID.get();
        // From now on nobody comes to the slots; who is there already, is in a
        // read-side section, which is waited for before they are freed.
        id.state.store(BUSY, Release);
        // SAFETY: By the type invariants, the operations are registered.
        unsafe { bindings::unregister_pernet_subsys(self.operations.get()) };
        id.state.store(FREE, Release);
    }
}
