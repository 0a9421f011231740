// SPDX-License-Identifier: GPL-2.0

//! Announcing a kind of device to rtnetlink: `ip link add … type KIND`.
//!
//! C header: [`include/net/rtnetlink.h`](srctree/include/net/rtnetlink.h)
//!
//! All callbacks run in process context with the RTNL held, but for the writing
//! of answers, which may run under RCU alone, and for `transmit` and
//! `statistics` (see [`Driver`]).

use super::{
    attribute::{
        size_of_attribute,
        Attributes,
        Message,
        Policy, //
    },
    bindings,
    extended_ack::ExtendedAck,
    features::Features,
    link_device::{
        drop_slot,
        initialise_slot,
        Device,
        Driver,
        Slot,
        Statistics, //
    },
    namespace::Namespace,
    netdevice::NetDevice,
    rtnl::Rtnl,
    skbuff::Packet, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Release, //
    },
    types::Opaque, //
};

/// A request to make or change a device.
pub(crate) struct Request<'a> {
    /// The attributes that all kinds of devices have (`IFLA_*`).
    pub(crate) general: Attributes<'a>,
    /// Those of this kind alone (`IFLA_INFO_DATA`).
    pub(crate) own: Attributes<'a>,
    /// The namespace in which the sender looks at `IFLA_LINK`, if that can be told:
    /// not in a request to change a device.
    pub(crate) link_namespace: Option<&'a Namespace>,
}

/// One kind of device, announced or to be announced. Lives in a static.
///
/// Wraps the kernel's [`struct rtnl_link_ops`](srctree/include/net/rtnetlink.h)
/// and what it points to.
pub(crate) struct Link<T: Driver> {
    registered: Atomic<bool>,
    ops: Opaque<bindings::rtnl_link_ops>,
    device_ops: bindings::net_device_ops,
    device_type: Opaque<kernel::bindings::device_type>,
    driver: PhantomData<T>,
}

// SAFETY: Written to by `register` alone, which says so; the core has its own
// locks for what it keeps in the ops.
unsafe impl<T: Driver> Sync for Link<T> {}

impl<T: Driver> Link<T> {
    /// A kind of device with these attributes of its own.
    ///
    /// Entry 0 of the policy is no attribute.
    pub(crate) const fn new(policy: &'static [Policy]) -> Self {
        assert!(align_of::<Slot<T>>() <= bindings::NETDEV_ALIGN as usize);
        #[expect(
            clippy::disallowed_methods,
            reason = "as_char_ptr is no constant function"
        )]
        let kind = T::KIND.as_ptr().cast();
        // SAFETY: All three are C structures for which zero is a valid state.
        let (mut ops, mut device_ops, mut device_type) = unsafe {
            (
                MaybeUninit::<bindings::rtnl_link_ops>::zeroed().assume_init(),
                MaybeUninit::<bindings::net_device_ops>::zeroed().assume_init(),
                MaybeUninit::<kernel::bindings::device_type>::zeroed().assume_init(),
            )
        };

        ops.kind = kind;
        ops.priv_size = size_of::<Slot<T>>();
        ops.setup = Some(Self::setup_callback);
        ops.maxtype = (policy.len() - 1) as u32;
        ops.policy = policy.as_ptr().cast();
        ops.newlink = Some(Self::newlink_callback);
        ops.changelink = Some(Self::changelink_callback);
        ops.dellink = Some(Self::dellink_callback);
        ops.get_size = Some(Self::get_size_callback);
        ops.fill_info = Some(Self::fill_info_callback);
        ops.get_xstats_size = Some(Self::get_xstats_size_callback);
        ops.fill_xstats = Some(Self::fill_xstats_callback);

        device_ops.ndo_init = Some(Self::init_callback);
        device_ops.ndo_uninit = Some(Self::uninit_callback);
        device_ops.ndo_open = Some(Self::open_callback);
        device_ops.ndo_stop = Some(Self::stop_callback);
        device_ops.ndo_set_rx_mode = Some(Self::set_rx_mode_callback);
        device_ops.ndo_start_xmit = Some(Self::transmit_callback);
        device_ops.ndo_fix_features = Some(Self::fix_features_callback);
        device_ops.ndo_features_check = Some(bindings::passthru_features_check);
        device_ops.ndo_get_iflink = Some(Self::get_iflink_callback);
        device_ops.ndo_get_stats64 = Some(Self::get_stats64_callback);

        device_type.name = kind;

        Self {
            registered: Atomic::new(false),
            ops: Opaque::new(ops),
            device_ops,
            device_type: Opaque::new(device_type),
            driver: PhantomData,
        }
    }

    pub(super) fn as_raw(&self) -> *mut bindings::rtnl_link_ops {
        self.ops.get()
    }

    /// Announces the kind; dropping the registration deletes its devices.
    ///
    /// Process context, RTNL not held.
    ///
    /// # Errors
    ///
    /// `EBUSY` if this is registered, `EEXIST` if another driver has such a kind,
    /// `ENOMEM`.
    pub(crate) fn register(&'static self) -> Result<Registration<T>> {
        if self.registered.xchg(true, Full) {
            return Err(EBUSY);
        }
        // SAFETY: Lives for ever, and what it points to as well, and is not
        // registered.
        let status = to_result(unsafe { bindings::rtnl_link_register(self.as_raw()) });
        if status.is_err() {
            self.registered.store(false, Release);
        }
        status.map(|()| Registration(self))
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `setup` of a device of this kind.
    unsafe extern "C" fn setup_callback(raw: *mut bindings::net_device) {
        let link = T::link();
        // SAFETY: The core has just allocated the device and nobody else sees
        // it; everything that is pointed to lives for ever.
        unsafe {
            bindings::ether_setup(raw);
            // Below this, the core takes the IPv6 configuration away, and makes
            // a new one with other settings later.
            (*raw).min_mtu = bindings::IPV6_MIN_MTU;
            // As large as what it is stacked on allows.
            (*raw).max_mtu = bindings::ETH_MAX_MTU;
            (*raw).netdev_ops = &raw const link.device_ops;
            (*raw).needs_free_netdev = true;
            (*raw).priv_destructor = Some(Self::destructor_callback);
            // The address is the driver's to choose: no daemon may change it.
            (*raw).addr_assign_type = bindings::NET_ADDR_SET as u8;
            (*raw).dev.type_ = link.device_type.get();
            // A state of the parent's segment: it cannot go elsewhere alone.
            (*raw).set_netns_immutable(1);
            let offered = Features::STACKED.union(Features::RECEIVING).as_raw();
            (*raw).features |= offered;
            (*raw).hw_features |= offered;
            (*raw).hw_enc_features |= Features::STACKED.as_raw();
            (*raw).mpls_features |= Features::STACKED.as_raw();
            bindings::setup_virtual(raw);
            bindings::netif_carrier_off(raw);
        }
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_init` of a device of this kind.
    unsafe extern "C" fn init_callback(raw: *mut bindings::net_device) -> c_int {
        // SAFETY: Called once, while the device is being registered, before
        // anybody can see it.
        from_result(|| unsafe { initialise_slot::<T>(raw) }.map(|()| 0))
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `priv_destructor` of a device of this kind.
    unsafe extern "C" fn destructor_callback(raw: *mut bindings::net_device) {
        // SAFETY: The core calls this once after a successful `init`, when
        // nobody has a count of the device any more.
        unsafe { drop_slot::<T>(raw) };
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_uninit` of a device of this kind.
    unsafe extern "C" fn uninit_callback(raw: *mut bindings::net_device) {
        // SAFETY: A device of ours after `init`; the core holds the RTNL.
        let (device, rtnl) = unsafe { (Device::<T>::from_raw(raw), Rtnl::assume_held()) };
        T::uninit(device, &rtnl);
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_open` of a device of this kind.
    unsafe extern "C" fn open_callback(raw: *mut bindings::net_device) -> c_int {
        // SAFETY: A registered device of ours; the core holds the RTNL.
        let (device, rtnl) = unsafe { (Device::<T>::from_raw(raw), Rtnl::assume_held()) };
        from_result(|| T::open(device, &rtnl).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_stop` of a device of this kind.
    unsafe extern "C" fn stop_callback(raw: *mut bindings::net_device) -> c_int {
        // SAFETY: A registered device of ours; the core holds the RTNL.
        let (device, rtnl) = unsafe { (Device::<T>::from_raw(raw), Rtnl::assume_held()) };
        T::stop(device, &rtnl);
        if let Some(below) = T::below(device) {
            device.unshare_filter(below, &rtnl);
        }
        0
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_set_rx_mode` of a device of this kind.
    unsafe extern "C" fn set_rx_mode_callback(raw: *mut bindings::net_device) {
        // SAFETY: A registered device of ours.
        let device = unsafe { Device::<T>::from_raw(raw) };
        if let Some(below) = T::below(device) {
            // SAFETY: The core holds the lock of the device's addresses.
            unsafe { device.share_filter_locked(below) };
        }
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_start_xmit` of a device of this kind.
    unsafe extern "C" fn transmit_callback(
        skb: *mut kernel::bindings::sk_buff,
        raw: *mut bindings::net_device,
    ) -> bindings::netdev_tx_t {
        // SAFETY: A registered device of ours.
        let device = unsafe { Device::<T>::from_raw(raw) };
        if let Some(skb) = NonNull::new(skb) {
            // SAFETY: The core gives the packet away with this call.
            T::transmit(device, unsafe { Packet::from_raw(skb) });
        }
        bindings::netdev_tx_NETDEV_TX_OK
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_fix_features` of a device of this kind.
    unsafe extern "C" fn fix_features_callback(
        raw: *mut bindings::net_device,
        wanted: bindings::netdev_features_t,
    ) -> bindings::netdev_features_t {
        // SAFETY: A device of ours after `init`.
        let device = unsafe { Device::<T>::from_raw(raw) };
        T::fix_features(device, Features::from_raw(wanted)).as_raw()
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_get_iflink` of a device of this kind.
    unsafe extern "C" fn get_iflink_callback(raw: *const bindings::net_device) -> c_int {
        // SAFETY: A registered device of ours.
        let device = unsafe { Device::<T>::from_raw(raw.cast_mut()) };
        // A device on top of itself is on top of nothing: no `IFLA_LINK` is shown.
        T::link_index(device).unwrap_or_else(|| device.index()) as c_int
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `ndo_get_stats64` of a device of this kind.
    unsafe extern "C" fn get_stats64_callback(
        raw: *mut bindings::net_device,
        storage: *mut bindings::rtnl_link_stats64,
    ) {
        // SAFETY: A registered device of ours, and room that nobody else uses.
        let (device, storage) = unsafe { (Device::<T>::from_raw(raw), &mut *storage) };
        T::statistics(device, &mut Statistics(storage));
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `newlink` of a device of this kind.
    unsafe extern "C" fn newlink_callback(
        raw: *mut bindings::net_device,
        params: *mut bindings::rtnl_newlink_params,
        ack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: The core's arguments are valid during the call, and it holds
        // the RTNL.
        let (params, mut ack, rtnl) =
            unsafe { (&*params, ExtendedAck::from_raw(ack), Rtnl::assume_held()) };
        // Where the sender is, unless it names another one for `IFLA_LINK`.
        let link_namespace = if params.link_net.is_null() {
            params.src_net
        } else {
            params.link_net
        };
        // SAFETY: The core parsed the request into tables of these sizes, and
        // keeps the namespaces during the call.
        let request = unsafe { Self::request(raw, params.tb, params.data, link_namespace.cast()) };
        from_result(|| {
            // SAFETY: The core has just allocated the device.
            let unregistered = unsafe { NetDevice::from_raw(raw) };
            let prepared = T::prepare(unregistered, &request, &mut ack, &rtnl)?;
            // SAFETY: Allocated for this call, and the RTNL is held.
            to_result(unsafe { bindings::register_netdevice(raw) })?;
            // SAFETY: Registered, so `init` has filled the slot.
            let device = unsafe { Device::<T>::from_raw(raw) };
            if let Err(error) = T::configure(device, prepared, &mut ack, &rtnl) {
                // SAFETY: Registered above, and the RTNL is held. The core's
                // error path then leaves the freeing to `rtnl_unlock`.
                unsafe { bindings::unregister_netdevice_queue(raw, core::ptr::null_mut()) };
                return Err(error);
            }
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `changelink` of a device of this kind.
    unsafe extern "C" fn changelink_callback(
        raw: *mut bindings::net_device,
        general: *mut *mut bindings::nlattr,
        own: *mut *mut bindings::nlattr,
        ack: *mut bindings::netlink_ext_ack,
    ) -> c_int {
        // SAFETY: A registered device of ours; the core's arguments are valid
        // during the call, and it holds the RTNL.
        let (device, mut ack, rtnl, request) = unsafe {
            (
                Device::<T>::from_raw(raw),
                ExtendedAck::from_raw(ack),
                Rtnl::assume_held(),
                Self::request(raw, general, own, core::ptr::null_mut()),
            )
        };
        from_result(|| T::change(device, &request, &mut ack, &rtnl).map(|()| 0))
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `dellink` of a device of this kind.
    unsafe extern "C" fn dellink_callback(
        raw: *mut bindings::net_device,
        head: *mut kernel::bindings::list_head,
    ) {
        // SAFETY: A registered device of ours, and the core holds the RTNL.
        unsafe { bindings::unregister_netdevice_queue(raw, head) };
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `get_size` of a device of this kind.
    unsafe extern "C" fn get_size_callback(raw: *const bindings::net_device) -> usize {
        // SAFETY: A registered device of ours.
        T::information_size(unsafe { Device::<T>::from_raw(raw.cast_mut()) })
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `fill_info` of a device of this kind.
    unsafe extern "C" fn fill_info_callback(
        skb: *mut kernel::bindings::sk_buff,
        raw: *const bindings::net_device,
    ) -> c_int {
        // SAFETY: The core's arguments are valid during the call.
        unsafe { Self::fill(skb, raw, T::fill_information) }
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `get_xstats_size` of a device of this kind.
    unsafe extern "C" fn get_xstats_size_callback(_: *const bindings::net_device) -> usize {
        size_of_attribute(T::STATISTICS_SIZE)
    }

    /// # Safety
    ///
    /// Only to be called by the networking core, as `fill_xstats` of a device of this kind.
    unsafe extern "C" fn fill_xstats_callback(
        skb: *mut kernel::bindings::sk_buff,
        raw: *const bindings::net_device,
    ) -> c_int {
        // Unlike `IFLA_INFO_DATA`, the nest is ours to make.
        // SAFETY: The core's arguments are valid during the call; the nest is
        // ended, or taken back, if it was begun.
        unsafe {
            let nest = bindings::nla_nest_start_noflag(skb, bindings::IFLA_INFO_XSTATS as c_int);
            if nest.is_null() {
                return EMSGSIZE.to_errno();
            }
            let status = Self::fill(skb, raw, T::fill_statistics);
            if status < 0 {
                bindings::nla_nest_cancel(skb, nest);
            } else {
                bindings::nla_nest_end(skb, nest);
            }
            status
        }
    }

    /// Lets the driver write to an answer.
    ///
    /// # Safety
    ///
    /// `skb` must be a netlink message of which nobody else has a reference,
    /// and `raw` a registered device of driver `T`.
    unsafe fn fill(
        skb: *mut kernel::bindings::sk_buff,
        raw: *const bindings::net_device,
        write: fn(&Device<T>, &mut Message<'_>) -> Result,
    ) -> c_int {
        // SAFETY: The caller promises that both are valid.
        let (device, message) = unsafe {
            (
                Device::<T>::from_raw(raw.cast_mut()),
                NonNull::new(skb).map(|skb| Message::from_raw(skb)),
            )
        };
        from_result(|| write(device, &mut message.ok_or(EINVAL)?).map(|()| 0))
    }

    /// Wraps the tables of a request.
    ///
    /// # Safety
    ///
    /// The pointers must be those that the core hands to `newlink` or
    /// `changelink` for the device, and stay valid for `'a`.
    unsafe fn request<'a>(
        device: *const bindings::net_device,
        general: *mut *mut bindings::nlattr,
        own: *mut *mut bindings::nlattr,
        link_namespace: *mut kernel::bindings::net,
    ) -> Request<'a> {
        // SAFETY: The core's tables have an entry for each number up to the
        // largest general one, and up to `maxtype` for our own.
        unsafe {
            Request {
                general: Attributes::from_raw(general, bindings::__IFLA_MAX as usize),
                own: Attributes::from_raw(own, (*(*device).rtnl_link_ops).maxtype as usize + 1),
                link_namespace: (!link_namespace.is_null())
                    .then(|| Namespace::from_raw(link_namespace.cast())),
            }
        }
    }
}

/// An announced kind of device.
///
/// # Invariants
///
/// The link is registered.
pub(crate) struct Registration<T: Driver>(&'static Link<T>);

impl<T: Driver> Drop for Registration<T> {
    fn drop(&mut self) {
        // SAFETY: Registered, by the type invariants. Deletes all devices of the
        // kind and waits until they are gone.
        unsafe { bindings::rtnl_link_unregister(self.0.as_raw()) };
        self.0.registered.store(false, Release);
    }
}
