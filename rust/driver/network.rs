// SPDX-License-Identifier: GPL-2.0

//! The knobs of a network namespace: `net.inet.carp.*`.
//!
//! Read in any context. Written in process context without the RTNL, which is
//! then taken to tell the namespace's groups.

use super::{
    conditions,
    events::Events,
    link_messages::Announcer,
    own_source::OwnSource,
    own_stack::OwnStack,
    routes::Keeper, //
};
use crate::{
    net::{
        arp_output,
        local_output,
        namespace::Namespace,
        neighbour_output,
        pernet::{
            self,
            Founding,
            Id,
            IdRef,
            PerNamespace, //
        },
        rtnl::Rtnl,
        sysctl::{
            Entry,
            Table,
            Values, //
        },
        workqueue::Work, //
    },
    proto::Balance,
};
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    }, //
};

/// What a namespace has of its own.
#[pin_data]
pub(crate) struct Network {
    #[pin]
    knobs: Table<Knobs>,
    #[pin]
    arp_output: arp_output::Hook<OwnStack>,
    #[pin]
    neighbour_output: neighbour_output::Hook<OwnStack>,
    #[pin]
    sources_v4: local_output::HookV4<OwnSource>,
    #[pin]
    sources_v6: local_output::HookV6<OwnSource>,
    #[pin]
    routes: Work<Keeper>,
    #[pin]
    links: Work<Announcer>,
    #[pin]
    events: Events,
}

static NETWORK: Id<Network> = Id::new();

impl PerNamespace for Network {
    const ID: IdRef<Self> = IdRef::new(&NETWORK);

    fn init(founding: Founding<'_>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            knobs <- Table::new(&founding, Knobs::new()),
            arp_output <- arp_output::Hook::new(&founding),
            _: { arp_output.register()? },
            neighbour_output <- neighbour_output::Hook::new(&founding),
            sources_v4 <- local_output::HookV4::new(&founding),
            sources_v6 <- local_output::HookV6::new(&founding),
            routes <- Keeper::new(&founding),
            links <- Announcer::new(&founding),
            events <- Events::new(),
        })
    }

    /// Has every MASTER of the namespace bow out. Later is too late: devices go
    /// in any order, and a veth has lost its peer before it goes down. No more routes
    /// are made: the kernel empties its tables next, and never again.
    fn leaving(&self, namespace: &Namespace) {
        self.routes.stop();
        self.links.stop();
        conditions::refresh_namespace(namespace, &Rtnl::lock());
    }
}

/// `net.inet.carp.*`.
pub(crate) struct Knobs {
    /// Whether CARP is spoken and listened to at all.
    allow: Atomic<i32>,
    /// Whether a better BACKUP takes over from a MASTER that works.
    preempt: Atomic<i32>,
    /// What is logged, 0 (nothing) to 7.
    log: Atomic<i32>,
    /// Which of several groups with one address answers: a [`Balance`], or 0.
    arpbalance: Atomic<i32>,
}

impl Knobs {
    const ALLOW: i32 = 1;
    const PREEMPT: i32 = 0;
    const LOG: i32 = 2;
    const ARPBALANCE: i32 = 0;

    fn new() -> Self {
        Self {
            allow: Atomic::new(Self::ALLOW),
            preempt: Atomic::new(Self::PREEMPT),
            log: Atomic::new(Self::LOG),
            arpbalance: Atomic::new(Self::ARPBALANCE),
        }
    }
}

impl Values for Knobs {
    const PATH: &'static CStr = c"net/inet/carp";

    const ENTRIES: &'static [Entry<Self>] = &[
        Entry {
            name: c"allow",
            min: 0,
            max: 1,
            value: |knobs| &knobs.allow,
        },
        Entry {
            name: c"preempt",
            min: 0,
            max: 1,
            value: |knobs| &knobs.preempt,
        },
        Entry {
            name: c"log",
            min: 0,
            max: 7,
            value: |knobs| &knobs.log,
        },
        Entry {
            name: c"arpbalance",
            min: 0,
            max: Balance::ALL.len() as i32,
            value: |knobs| &knobs.arpbalance,
        },
    ];

    fn changed(&self, namespace: &Namespace, entry: &Entry<Self>) {
        // What is logged, and who answers, is looked up when it is asked for.
        if ![c"log", c"arpbalance"].contains(&entry.name) {
            conditions::refresh_namespace(namespace, &Rtnl::lock());
        }
    }
}

/// Reads a knob; `None` in a namespace on its way out.
fn knob(namespace: &Namespace, value: fn(&Knobs) -> &Atomic<i32>) -> Option<i32> {
    pernet::get::<Network>(namespace).map(|network| value(&network.knobs).load(Relaxed))
}

/// Whether CARP is allowed in the namespace; never in one on its way out.
pub(super) fn allowed(namespace: &Namespace) -> bool {
    knob(namespace, |knobs| &knobs.allow).is_some_and(|allow| allow != 0)
}

/// Whether a better BACKUP takes over.
pub(super) fn preempt(namespace: &Namespace) -> bool {
    knob(namespace, |knobs| &knobs.preempt).unwrap_or(Knobs::PREEMPT) != 0
}

/// How much is logged.
pub(super) fn log_level(namespace: &Namespace) -> i32 {
    knob(namespace, |knobs| &knobs.log).unwrap_or(Knobs::LOG)
}

/// Which of several groups with one address answers; `None`: every MASTER.
pub(super) fn balance(namespace: &Namespace) -> Option<Balance> {
    knob(namespace, |knobs| &knobs.arpbalance).and_then(Balance::from_number)
}

/// Has what the namespace's own stack sends looked at: neighbour discovery from now on, if a
/// group shares an IPv6 address with its parent; sources until [`watch_no_sources`], if a
/// virtual address is `elsewhere`. Process context.
///
/// # Errors
///
/// As [`register`](crate::net::netfilter::Hook::register).
pub(super) fn watch(namespace: &Namespace, shares_v6: bool, elsewhere: bool) -> Result {
    let Some(network) = pernet::get::<Network>(namespace) else {
        return Ok(());
    };
    if shares_v6 {
        network.neighbour_output.register()?;
    }
    if elsewhere {
        network.sources_v4.register()?;
        network.sources_v6.register()?;
    }
    Ok(())
}

/// Has sources looked at no more. Process context.
pub(super) fn watch_no_sources(namespace: &Namespace) {
    if let Some(network) = pernet::get::<Network>(namespace) {
        network.sources_v4.unregister();
        network.sources_v6.unregister();
    }
}

/// Has something done to the work that keeps the namespace's routes; nothing in a
/// namespace on its way out.
pub(super) fn with_routes(namespace: &Namespace, act: impl FnOnce(&Work<Keeper>)) {
    if let Some(network) = pernet::get::<Network>(namespace) {
        act(&network.routes);
    }
}

/// As [`with_routes`], to the work that tells the listeners of rtnetlink.
pub(super) fn with_links(namespace: &Namespace, act: impl FnOnce(&Work<Announcer>)) {
    if let Some(network) = pernet::get::<Network>(namespace) {
        act(&network.links);
    }
}

/// Asks the namespace's events, or has one told; `None` in a namespace on its way out, in
/// which nobody listens.
pub(super) fn with_events<R>(namespace: &Namespace, act: impl FnOnce(&Events) -> R) -> Option<R> {
    pernet::get::<Network>(namespace).map(|network| act(&network.events))
}
