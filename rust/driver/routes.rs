// SPDX-License-Identifier: GPL-2.0

//! Keeping the routing tables in step with who is MASTER.
//!
//! What happens elsewhere (in softirq context, under spin locks, under the RTNL) only
//! queues a work; the work looks at how things are then, and puts the tables right.
//! So a group that changes its state faster than routes can follow ends right. There
//! is one work for each namespace, which keeps no device: its ledger knows the routes
//! by numbers, and what is no longer wanted is deleted, whoever has gone.
//! `Documentation/routes.md` tells what is done, and why.

use super::{
    link::Carp,
    network,
    route_ledger::Ledger,
    route_plan::Plan, //
};
use crate::{
    net::{
        inet_device,
        link_device::Device,
        netdevice::NetDevice,
        notifier::netdevice::Event,
        pernet::Founding,
        rtnl::Rtnl,
        spin_lock_bh::{
            new_spin_lock_bh,
            SpinLockBh, //
        },
        workqueue::{
            self,
            Pause,
            Queue,
            Task,
            Work, //
        }, //
    },
    proto::ownership::{
        Ip,
        Kind,
        Prefixed,
        Route, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        new_mutex,
        rcu,
        Mutex, //
    }, //
};

/// Where the works of all namespaces are done.
static QUEUE: Queue = Queue::urgent(c"carp_routes");

/// Opens the queue, before the first namespace has a work. Process context.
pub(crate) fn open_queue() -> Result<workqueue::Open> {
    QUEUE.open()
}

/// What keeps the routes of one namespace.
#[pin_data]
pub(crate) struct Keeper {
    /// There is, or was, a group.
    active: Atomic<bool>,
    /// Something changed since the last round.
    news: Atomic<bool>,
    /// Something changed under the RTNL, and may not be over.
    unsettled: Atomic<bool>,
    /// A packet came that only the tables can judge.
    asks_for_sources: Atomic<bool>,
    #[pin]
    doubts: SpinLockBh<Doubts>,
    #[pin]
    ledger: Mutex<Ledger>,
}

impl Keeper {
    /// The keeper of a namespace, with its work.
    pub(super) fn new(founding: &Founding<'_>) -> impl PinInit<Work<Self>, Error> {
        let ledger = Ledger::new(founding.home());
        Work::new(
            &QUEUE,
            try_pin_init!(Self {
                active: Atomic::new(false),
                news: Atomic::new(false),
                unsettled: Atomic::new(false),
                asks_for_sources: Atomic::new(false),
                doubts <- new_spin_lock_bh!(Doubts::NONE, "carp_route_doubts"),
                ledger <- new_mutex!(ledger, "carp_route_ledger"),
            }),
        )
    }

    fn doubt(&self, doubt: Doubt) {
        self.doubts.lock().add(doubt);
    }
}

impl Task for Keeper {
    fn run(&self) -> Option<Pause> {
        // Whoever holds the RTNL may be in the middle of a change of which we were
        // told already: of an address whose routes the kernel makes next.
        if self.unsettled.xchg(false, Full) {
            drop(Rtnl::lock());
        }
        let news = self.news.xchg(false, Full);
        let doubts = core::mem::replace(&mut *self.doubts.lock(), Doubts::NONE);
        let mut ledger = self.ledger.lock();
        if news {
            ledger.forget_patience();
        }
        let Ok(mut plan) = Plan::of(ledger.namespace()) else {
            self.doubt(Doubt::Everything);
            return Some(Pause(1000));
        };
        let watched = network::watch(ledger.namespace(), plan.shares_v6, plan.elsewhere).is_ok();
        if self.asks_for_sources.load(Relaxed) {
            plan.asks_for_sources = true;
        }
        let is_stale = || self.news.load(Acquire) || self.unsettled.load(Acquire);
        let pause = ledger.follow(&plan, &doubts, is_stale);
        // After the routes, as packets that wait in a queue for a program (NFQUEUE) are lost
        // with any hook.
        if !plan.elsewhere && !is_stale() {
            network::watch_no_sources(ledger.namespace());
        }
        pause.or((!watched).then_some(Pause(1000)))
    }
}

/// A reason to look whether a route is still there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// This device went down, or elsewhere, or lost a family, and took its routes with it.
    Device(u32),
    /// This source address is gone, and with it the routes that name it.
    Source(Ip),
    /// The kernel may have made its route for multicast by this device.
    Multicast(u32),
    Everything,
}

impl Doubt {
    fn is_about(self, route: &Route) -> bool {
        match self {
            Self::Device(index) => route.device == index,
            Self::Source(address) => route.source == Some(address),
            Self::Multicast(index) => route.kind == Kind::Multicast && route.device == index,
            Self::Everything => true,
        }
    }
}

/// As many as there is room for, or else one about everything.
pub(super) struct Doubts([Option<Doubt>; 8]);

impl Doubts {
    const NONE: Self = Self([None; 8]);

    fn add(&mut self, doubt: Doubt) {
        if self.0.contains(&Some(doubt)) {
            return;
        }
        match self.0.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(doubt),
            None => self.0 = [Some(Doubt::Everything); 8],
        }
    }

    /// Whether a route may be gone.
    pub(super) fn are_about(&self, route: &Route) -> bool {
        self.0.iter().flatten().any(|doubt| doubt.is_about(route))
    }
}

/// The state of a group changed. Any context.
pub(super) fn state_changed(device: &Device<Carp>) {
    network::with_routes(device.namespace(), |work| {
        work.active.store(true, Relaxed);
        tell(work);
    });
}

/// An address or the parent of a group changed. Any context; if the RTNL is held, what
/// is done for it waits until it is given back.
pub(super) fn changed(device: &Device<Carp>) {
    network::with_routes(device.namespace(), |work| {
        work.active.store(true, Relaxed);
        work.unsettled.store(true, Relaxed);
        work.news.store(true, Release);
        // A new address has no routes yet. Who is looking at this moment does not say so, as
        // there are news; who begins after it, does.
        set_routed(device, false);
        tell(work);
    });
}

/// An IPv6 address of a group went, perhaps sooner than the work could delete the kernel's
/// route to its prefix: the kernel leaves that to those addresses that stay. So there may be
/// one again for them. Any context. Of a device that is down there is none.
pub(super) fn doubt_prefix_v6(device: &Device<Carp>, address: [u8; 16], prefix_len: u8) {
    if !device.is_running() {
        return;
    }
    let gone = Prefixed {
        address: Ip::V6(address),
        prefix_len,
    };
    let network = gone.network();
    inet_device::set_makes_prefix_route_v6(device, &rcu::read_lock(), true, |stays| {
        network.has(Ip::V6(stays))
    });
}

/// An address of a device that is no group's came, or went; with the last one of a family, the
/// kernel deletes all routes of that family by the device. Any context.
pub(super) fn own_address_changed(device: &NetDevice, address: Ip) {
    doubt(device, Doubt::Source(address));
    doubt(device, Doubt::Device(device.index()));
}

/// Something happened to a device, of whatever kind.
pub(super) fn device_changed(device: &NetDevice, event: Event, _: &Rtnl) {
    match event {
        Event::Up | Event::Down | Event::ChangeUpper | Event::Unregister => {
            doubt(device, Doubt::Device(device.index()));
        }
        // A device that was up is configured when it has carrier for the first time, or room
        // for IPv6 again.
        Event::Change | Event::ChangeMtu => {
            if let Some(group) = Device::<Carp>::downcast(device) {
                doubt_multicast(group);
            }
        }
        _ => {}
    }
}

/// The kernel may have made its route for multicast by the device of a group; it has done so
/// when this is called. Any context.
fn doubt_multicast(device: &Device<Carp>) {
    network::with_routes(device.namespace(), |work| {
        if work.active.load(Relaxed) {
            work.doubt(Doubt::Multicast(device.index()));
            tell(work);
        }
    });
}

/// An IPv6 address of a group is about to come. The kernel has just made sure of its route for
/// multicast, and makes those of the address later: who looks for them before that is told
/// that he does not see everything.
pub(super) fn expect_v6(device: &Device<Carp>) {
    network::with_routes(device.namespace(), |work| {
        work.unsettled.store(true, Release);
    });
    doubt_multicast(device);
}

/// Something came from the address of a MASTER, and was not for an address of the parent
/// itself: from now on, the namespace has to ask its tables who may send what. Any
/// context, for each such packet.
pub(super) fn ask_for_sources(device: &NetDevice) {
    network::with_routes(device.namespace(), |work| {
        if !work.asks_for_sources.load(Relaxed) && !work.asks_for_sources.xchg(true, Relaxed) {
            tell(work);
        }
    });
}

fn doubt(device: &NetDevice, doubt: Doubt) {
    network::with_routes(device.namespace(), |work| {
        if work.active.load(Relaxed) {
            work.doubt(doubt);
            work.unsettled.store(true, Relaxed);
            tell(work);
        }
    });
}

/// Tells frames whether the tables have the addresses of a MASTER as this host's.
pub(super) fn set_routed(device: &Device<Carp>, routed: bool) {
    let place = device.private().machine.lock().place();
    if let Some((port, vhid)) = place {
        port.set_routed(vhid, routed);
    }
}

fn tell(work: &Work<Keeper>) {
    work.news.store(true, Release);
    work.queue();
}
