// SPDX-License-Identifier: GPL-2.0

//! One group on this host: its state machine, its timers and what it knows.
//!
//! The machine is stepped in softirq and process context, under its own lock;
//! what a step asks for is done after the lock was given back.

use super::{
    advertise::{
        self,
        Outbox, //
    },
    announce,
    bridge::Entry,
    conditions,
    counters::Counters,
    events,
    inherit::Limits,
    key::Key,
    link::Carp,
    link_messages,
    log,
    news::{
        News,
        Snapshot, //
    },
    node::{
        NewNodes,
        Nodes, //
    },
    place::Standing,
    port::Port,
    request_nodes::Settings,
    routes, //
};
use crate::{
    net::{
        device_slot::DeviceSlot,
        inet_device,
        link_device::Device,
        rx_handler::Shared,
        spin_lock_bh::{
            new_spin_lock_bh,
            SpinLockBh, //
        },
        timer::{
            self,
            Expire,
            SoftTimer,
            UrgentTimer, //
        }, //
    },
    proto::{
        Actions,
        Balancing,
        Discard,
        Event,
        Identity,
        Instant,
        NodeList,
        Notice,
        Reason,
        Selection,
        Sources,
        State,
        Vhid, //
    }, //
};
use kernel::{
    alloc::AllocError,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        rcu, //
    }, //
};

/// What the driver keeps for one device of kind `carp`.
#[pin_data]
pub(crate) struct Group {
    /// The state machine and what it needs to speak for the group.
    #[pin]
    pub(super) machine: SpinLockBh<Machine>,
    /// The parent, for packets that are sent through the device.
    pub(super) parent: DeviceSlot,
    /// What the group looks like, for those who send without the machine's lock.
    identity: Atomic<u32>,
    /// Whether this host is MASTER of it, or of one of its nodes, for the same.
    master: Atomic<bool>,
    /// What a bridge as parent keeps for this host.
    pub(super) bridge_entry: Entry,
    /// What follows the parent's.
    pub(super) limits: Limits,
    /// What is counted.
    pub(super) counters: Counters,
    /// Whether there may be events to tell; what they are has the machine.
    pub(super) untold: Atomic<bool>,
    /// Whether there may be states to show to rtnetlink's listeners.
    pub(super) unshown: Atomic<bool>,
}

/// What the lock of a group protects.
pub(crate) struct Machine {
    /// One election each.
    pub(super) nodes: Nodes,
    /// How several hosts come to see each packet; with several nodes only.
    pub(super) balancing: Balancing,
    /// By what packets are told from each other then.
    pub(super) selection: Selection,
    /// Wiped when it is replaced or the group goes.
    pub(super) key: Key,
    /// Where the group sends and listens.
    pub(super) port: Option<Shared<Port>>,
    /// The addresses advertisements are sent from.
    pub(super) sources: Sources,
    /// The last advertisement of a MASTER that stepped down, until the bridge that is
    /// its parent lets it out.
    pub(super) waiting_for_bridge: Option<Outbox>,
    /// What is to be told.
    pub(super) news: News,
    /// What rtnetlink's listeners are being told now, if it is not the present.
    pub(super) shown: Option<Snapshot>,
    /// When the timers expire, if they run: when the first of the nodes wants them to.
    advertisement_armed: Option<Instant>,
    time_out_armed: Option<Instant>,
}

/// The timers of a group; see `Documentation/contexts.md` for why they are
/// of two kinds.
#[pin_data]
pub(crate) struct Timers {
    /// The next advertisement of a MASTER is due. Not to be delayed behind
    /// received packets.
    #[pin]
    pub(super) advertisement: UrgentTimer<Device<Carp>, AdvertisementDue>,
    /// The MASTER has been silent for too long. Looked at after the packets that
    /// are queued already.
    #[pin]
    pub(super) time_out: SoftTimer<Device<Carp>, TimedOut>,
    /// There was no memory, or no address; there may be now.
    #[pin]
    pub(super) look_again: SoftTimer<Device<Carp>, LookAgain>,
}

impl Timers {
    /// Stopped timers.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            advertisement <- UrgentTimer::new(),
            time_out <- SoftTimer::new(),
            look_again <- SoftTimer::new(),
        })
    }
}

impl timer::Timers for Timers {
    fn stop_all_and_wait(&self) {
        self.advertisement.stop_and_wait();
        self.time_out.stop_and_wait();
        self.look_again.stop_and_wait();
    }
}

/// [`Timers::advertisement`] expired.
pub(crate) struct AdvertisementDue;

impl Expire<Device<Carp>> for AdvertisementDue {
    fn expired(device: &Device<Carp>) {
        handle(device, Event::AdvertisementTimer);
    }
}

/// [`Timers::time_out`] expired.
pub(crate) struct TimedOut;

impl Expire<Device<Carp>> for TimedOut {
    fn expired(device: &Device<Carp>) {
        handle(device, Event::TimeOutTimer);
    }
}

/// [`Timers::look_again`] expired.
pub(crate) struct LookAgain;

impl Expire<Device<Carp>> for LookAgain {
    fn expired(device: &Device<Carp>) {
        conditions::refresh_addresses(device);
    }
}

impl Group {
    /// A group of which nothing is known yet.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            machine <- new_spin_lock_bh!(Machine::new()?, "carp_group"),
            parent: DeviceSlot::new(),
            identity: Atomic::new(0),
            master: Atomic::new(false),
            bridge_entry: Entry::new(),
            limits: Limits::new(),
            counters: Counters::new()?,
            untold: Atomic::new(false),
            unshown: Atomic::new(false),
        })
    }

    /// What the group looks like, once it has a vhid. Any context.
    pub(super) fn identity(&self) -> Option<Identity> {
        let [_, _, leader, balancing] = self.identity.load(Relaxed).to_be_bytes();
        Some(Identity {
            leader: Vhid::new(leader)?,
            balancing: Balancing::from_number(balancing.into())?,
        })
    }

    /// Whether this host is MASTER of it, or of one of its nodes. Any context.
    pub(super) fn is_master(&self) -> bool {
        self.master.load(Relaxed)
    }

    /// Whether nothing is sent from the virtual MAC. Any context.
    pub(super) fn hides_source(&self) -> bool {
        self.identity()
            .is_some_and(|identity| identity.balancing.hides_source())
    }

    /// Has those see what the group looks like who do not take the machine's lock: the
    /// leader and the balancing at once, so that nobody answers with a virtual MAC of one
    /// and the other.
    pub(super) fn show_identity(&self, identity: Identity) {
        let number = [0, 0, identity.leader.get(), identity.balancing as u8];
        self.identity.store(u32::from_be_bytes(number), Relaxed);
    }
}

/// Tells each node of a group that something happened, and does what follows. Softirq or
/// process context.
pub(super) fn handle(device: &Device<Carp>, event: Event) {
    each_node(device, |machine, place| {
        [Some(machine.step(device, place, event))]
    });
}

/// Has each node of a group step, as `steps` says of the one at a place, and does what
/// follows before it goes on with the next. Softirq or process context.
pub(super) fn each_node<const STEPS: usize>(
    device: &Device<Carp>,
    mut steps: impl FnMut(&mut Machine, usize) -> [Option<Outcome>; STEPS],
) {
    for place in 0.. {
        let (outcomes, is_last) = {
            let mut machine = device.private().machine.lock();
            (steps(&mut machine, place), machine.is_last(place))
        };
        for outcome in outcomes.iter().flatten() {
            outcome.perform(device);
        }
        if is_last {
            break;
        }
    }
}

impl Machine {
    /// That of a new group. Process context.
    fn new() -> Result<Self, AllocError> {
        Ok(Self {
            nodes: Nodes::new()?,
            balancing: Balancing::None,
            selection: Selection::default(),
            key: Key::empty(),
            port: None,
            sources: Sources::default(),
            waiting_for_bridge: None,
            news: News::new(),
            shown: None,
            advertisement_armed: None,
            time_out_armed: None,
        })
    }

    /// Whether there is no node behind a place.
    fn is_last(&self, place: usize) -> bool {
        place + 1 >= self.nodes.len()
    }

    /// What is set for the nodes, and for how they share.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            nodes: self.nodes.list(),
            parameters: self.nodes.leader().core.parameters(),
            balancing: self.balancing,
            selection: self.selection,
        }
    }

    /// What the group looks like, once it has a vhid.
    pub(super) fn identity(&self) -> Option<Identity> {
        Some(Identity {
            leader: self.nodes.leader().vhid?,
            balancing: self.balancing,
        })
    }

    /// Where the group is, and who leads it.
    pub(super) fn place(&self) -> Option<(Shared<Port>, Vhid)> {
        self.port.clone().zip(self.nodes.leader().vhid)
    }

    /// Lets the state machine of a node decide, and takes note of what is to be done
    /// without the lock.
    ///
    /// The timers are for all nodes: what becomes of them is seen when the last one has
    /// been told that one expired.
    pub(super) fn step(&mut self, device: &Device<Carp>, place: usize, event: Event) -> Outcome {
        let expired = matches!(event, Event::AdvertisementTimer | Event::TimeOutTimer);
        match event {
            // It has expired, perhaps too early, and does not run any more.
            Event::AdvertisementTimer => self.advertisement_armed = None,
            Event::TimeOutTimer => self.time_out_armed = None,
            _ => {}
        }
        let now = Instant::from_nanos(timer::now());
        let mut actions = Actions::default();
        let mut vhid = None;
        if let Some(node) = self.nodes.get_mut(place) {
            let before = (node.core.reason(), node.core.missing());
            actions = node.core.handle(now, event);
            vhid = node.vhid;
            if let Some(transition) = actions.transition {
                node.changed_at = timer::time_of_day();
                let snapshot = node.snapshot();
                let shown = self.snapshot();
                self.news.transition(vhid, transition.from, snapshot, shown);
            } else if place == 0 && before != (node.core.reason(), node.core.missing()) {
                // What is missing is missing to all of them.
                self.news.change();
            }
        }
        self.note_untold(device);
        let mut outbox = actions
            .advertise
            .map(|advertise| Outbox::new(self, place, advertise));
        if actions.transition.is_some() {
            self.publish(device);
            let entry = &device.private().bridge_entry;
            self.waiting_for_bridge =
                outbox.take_if(|outbox| outbox.is_for_master() && entry.is_there());
        }
        if !expired || self.is_last(place) {
            self.arm(device);
        }
        Outcome {
            actions,
            outbox,
            vhid,
            identity: self.identity(),
            port: self.port.clone(),
        }
    }

    /// Lets those see that there is news who tell it.
    pub(super) fn note_untold(&self, device: &Device<Carp>) {
        let group = device.private();
        if self.news.has_events() {
            group.untold.store(true, Relaxed);
        }
        if self.news.has_links() {
            group.unshown.store(true, Relaxed);
        }
    }

    /// The state of the group, and how its leader came into its own.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.nodes.state(),
            ..self.nodes.leader().snapshot()
        }
    }

    /// Looks up where advertisements come from: addresses of the parent's own,
    /// never virtual ones. Looked at anew for each, as a link-local address comes
    /// to be usable without anybody being told.
    pub(super) fn learn_sources(&mut self) {
        let guard = rcu::read_lock();
        let parent = self.port.as_ref().map(|port| port.parent());
        let sources = Sources {
            v4: parent.and_then(|parent| inet_device::first_v4(parent, &guard)),
            v6: parent.and_then(|parent| inet_device::first_link_local_v6(parent, &guard)),
        };
        if sources != self.sources {
            self.sources = sources;
            self.tell_sources();
        }
    }

    /// Tells all nodes what was learnt.
    fn tell_sources(&mut self) {
        let now = Instant::from_nanos(timer::now());
        for node in self.nodes.iter_mut() {
            let nothing = node.core.handle(now, Event::Sources(self.sources));
            debug_assert!(nothing == Actions::default());
        }
    }

    /// Replaces the nodes, and how they share. Those that stay keep their states.
    pub(super) fn arrange(
        &mut self,
        list: &NodeList,
        new: NewNodes,
        balancing: Balancing,
        selection: Selection,
    ) {
        self.nodes.become_list(list, new);
        self.balancing = balancing;
        self.selection = selection;
        self.tell_sources();
    }

    /// Shows the state to those who look at it without the lock: the frames of
    /// the parent, what plans routes and looks at sources, and everybody who knows carrier.
    pub(super) fn publish(&self, device: &Device<Carp>) {
        let state = self.nodes.state();
        device
            .private()
            .master
            .store(state == State::Master, Relaxed);
        if let (Some(port), Some(leader)) = (&self.port, self.nodes.leader().vhid) {
            for node in self.nodes.iter().skip(1) {
                if let Some(vhid) = node.vhid {
                    let state = node.core.state();
                    port.set_standing(vhid, Standing::Follower { state });
                }
            }
            let standing = if self.nodes.are_several() {
                Standing::Leader {
                    state: self.nodes.leader().core.state(),
                    group: state,
                    routed: false,
                }
            } else {
                Standing::Alone {
                    state,
                    routed: false,
                }
            };
            port.set_standing(leader, standing);
        }
        device.set_carrier(state == State::Master);
    }

    /// Has the timers expire when the machine wants them to.
    fn arm(&mut self, device: &Device<Carp>) {
        let nodes = self.nodes.iter();
        let due = nodes.filter_map(|node| node.core.advertisement_due()).min();
        if due != self.advertisement_armed {
            self.advertisement_armed = due;
            match due {
                Some(at) => {
                    device.start_urgent_timer(|timers| &timers.advertisement, at.as_nanos());
                }
                None => device.timers().advertisement.stop(),
            }
        }
        // Each advertisement that is heard puts the time-out off. The timer is left
        // as it is, and looks when it expires, which costs less.
        let nodes = self.nodes.iter();
        let due = nodes.filter_map(|node| node.core.time_out_due()).min();
        match (due, self.time_out_armed) {
            (Some(due), Some(armed)) if armed <= due => {}
            (Some(due), _) => {
                self.time_out_armed = Some(due);
                device.start_timer(|timers| &timers.time_out, due.as_nanos());
            }
            (None, Some(_)) => {
                self.time_out_armed = None;
                device.timers().time_out.stop();
            }
            (None, None) => {}
        }
    }
}

/// What a step of the machine asks for.
#[must_use]
pub(super) struct Outcome {
    actions: Actions,
    outbox: Option<Outbox>,
    /// The node's.
    vhid: Option<Vhid>,
    identity: Option<Identity>,
    port: Option<Shared<Port>>,
}

impl Outcome {
    /// Why the advertisement that was heard was not used, if it was not.
    pub(super) fn discard(&self) -> Option<Discard> {
        self.actions.discard
    }

    /// What is strange about the advertisement that was heard.
    pub(super) fn notice(&self) -> Option<Notice> {
        self.actions.notice
    }

    /// Whether a MASTER gives way to the one that was heard.
    pub(super) fn gives_way(&self) -> bool {
        self.actions.transition.is_some_and(|transition| {
            matches!(
                transition.reason,
                Reason::BetterMaster | Reason::EqualMaster
            )
        })
    }

    /// Whether this host, as MASTER, has heard another one.
    pub(super) fn is_between_masters(&self) -> bool {
        self.actions.notice.is_some() || self.gives_way()
    }

    /// The vhid of the node, if it has to be told from others.
    pub(super) fn node(&self) -> Option<Vhid> {
        let is_one_of_several = |identity: Identity| identity.balancing != Balancing::None;
        self.vhid
            .filter(|_| self.identity.is_some_and(is_one_of_several))
    }

    /// Does it. No lock is held.
    pub(super) fn perform(&self, device: &Device<Carp>) {
        let counters = &device.private().counters;
        if let (Some(port), Some(identity)) = (&self.port, self.identity) {
            // Another processor may have made it step down since it was signed, and its bow-out
            // must stay its last word.
            let is_master = || self.vhid.is_some_and(|vhid| port.is_master_of(vhid));
            let outbox = self.outbox.as_ref();
            if let Some(outbox) = outbox.filter(|outbox| !outbox.is_of_master() || is_master()) {
                advertise::send(outbox, port.parent(), identity, counters);
            }
            if self.actions.announce {
                announce::all(device, port, identity);
            }
        }
        if self.is_between_masters() {
            counters.other_master.increment();
        }
        // What had to leave has left: now those are told who only want to know.
        if self.actions.transition.is_some() {
            routes::state_changed(device);
            link_messages::state_changed(device);
        }
        events::flush(device);
        if let Some(transition) = &self.actions.transition {
            log::transition(device, self.node(), transition);
        }
    }
}
