// SPDX-License-Identifier: GPL-2.0

//! The Common Address Redundancy Protocol, as a network driver.
//!
//! Three rings, each of which knows only those inside it: [`proto`], the pure
//! protocol; [`net`], safe abstractions of kernel interfaces; [`driver`], which
//! joins the two. See `Documentation/architecture.md`.

use kernel::prelude::*;

#[deny(unsafe_code)]
mod driver;
#[allow(dead_code, reason = "an abstraction is more than its first user needs")]
mod net;
#[forbid(unsafe_code)]
#[allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "the tools on the host use more of it"
)]
mod proto;

use driver::{
    address,
    generic_netlink::FAMILY,
    link::Carp,
    link_messages,
    network::Network,
    parent,
    reboot,
    receive::Advertisements,
    routes, //
};
use net::{
    generic_netlink,
    inet_protocol,
    link_device::Driver,
    notifier,
    pernet,
    rtnl_link,
    workqueue, //
};

module! {
    type: Module,
    name: "carp",
    authors: ["The carp developers"],
    description: "Common Address Redundancy Protocol",
    license: "GPL",
    // The second: what is asked for by the name of the family.
    alias: ["rtnl-link-carp", "net-pf-16-proto-16-family-carp"],
}

/// All that is registered. Dropped from the first to the last: first the devices
/// go, while everything that they use is still there.
#[pin_data]
struct Module {
    link: rtnl_link::Registration<Carp>,
    family: generic_netlink::Registration,
    #[pin]
    reboot: notifier::reboot::Registration<reboot::Leave>,
    #[pin]
    addresses_v6: notifier::inet6addr::Registration<address::Watch>,
    #[pin]
    expected_v6: notifier::inet6addr_validator::Registration<address::Watch>,
    #[pin]
    addresses_v4: notifier::inetaddr::Registration<address::Watch>,
    #[pin]
    parents: notifier::netdevice::Registration<parent::Watch>,
    #[pin]
    advertisements_v6: inet_protocol::RegistrationV6<Advertisements>,
    #[pin]
    advertisements_v4: inet_protocol::RegistrationV4<Advertisements>,
    #[pin]
    network: pernet::Registration<Network>,
    routes: workqueue::Open,
    links: workqueue::Open,
}

impl kernel::InPlaceModule for Module {
    /// Registers from the inside out: the kind comes last, when all is ready for
    /// the first device.
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            links: link_messages::open_queue()?,
            routes: routes::open_queue()?,
            network <- pernet::Registration::new(),
            advertisements_v4 <- inet_protocol::RegistrationV4::new(),
            advertisements_v6 <- inet_protocol::RegistrationV6::new(),
            parents <- notifier::netdevice::Registration::new(),
            addresses_v4 <- notifier::inetaddr::Registration::new(),
            expected_v6 <- notifier::inet6addr_validator::Registration::new(),
            addresses_v6 <- notifier::inet6addr::Registration::new(),
            reboot <- notifier::reboot::Registration::new(),
            family: FAMILY.register(module)?,
            link: Carp::link().register()?,
        })
    }
}
