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
    digest::Digests,
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
    port::Port,
    routes, //
};
use crate::{
    net::{
        device_slot::DeviceSlot,
        inet_device,
        link_device::Device,
        random::random_u64,
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
        self,
        Actions,
        Discard,
        Event,
        Instant,
        Notice,
        Parameters,
        Peers,
        Reason,
        Sources,
        State,
        Vhid, //
    }, //
};
use kernel::{
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
    pub(super) core: proto::Group,
    pub(super) vhid: Option<Vhid>,
    /// Wiped when it is replaced or the group goes.
    pub(super) key: Key,
    /// There is one as soon as there is a vhid.
    pub(super) digests: Option<Digests>,
    /// Where the group sends and listens.
    pub(super) port: Option<Shared<Port>>,
    /// The addresses advertisements are sent from.
    pub(super) sources: Sources,
    /// The last advertisement of a MASTER that stepped down, until the bridge that is
    /// its parent lets it out.
    pub(super) waiting_for_bridge: Option<Outbox>,
    /// Who was heard.
    pub(super) peers: Peers,
    /// What is to be told.
    pub(super) news: News,
    /// What rtnetlink's listeners are being told now, if it is not the present.
    pub(super) shown: Option<Snapshot>,
    /// When the state was entered, in nanoseconds of `CLOCK_REALTIME`.
    changed_at: u64,
    /// When the timers expire, if they run.
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
    /// There was no memory; there may be some now.
    #[pin]
    pub(super) repair: SoftTimer<Device<Carp>, MemoryMayBeBack>,
}

impl Timers {
    /// Stopped timers.
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            advertisement <- UrgentTimer::new(),
            time_out <- SoftTimer::new(),
            repair <- SoftTimer::new(),
        })
    }
}

impl timer::Timers for Timers {
    fn stop_all_and_wait(&self) {
        self.advertisement.stop_and_wait();
        self.time_out.stop_and_wait();
        self.repair.stop_and_wait();
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

/// [`Timers::repair`] expired.
pub(crate) struct MemoryMayBeBack;

impl Expire<Device<Carp>> for MemoryMayBeBack {
    fn expired(device: &Device<Carp>) {
        conditions::refresh_addresses(device);
    }
}

impl Group {
    /// A group of which nothing is known yet.
    pub(super) fn new() -> impl PinInit<Self, Error> {
        let machine = Machine {
            core: proto::Group::new(Parameters::default(), random_u64()),
            vhid: None,
            key: Key::empty(),
            digests: None,
            port: None,
            sources: Sources::default(),
            waiting_for_bridge: None,
            peers: Peers::new(),
            news: News::new(),
            shown: None,
            changed_at: timer::time_of_day(),
            advertisement_armed: None,
            time_out_armed: None,
        };
        try_pin_init!(Self {
            machine <- new_spin_lock_bh!(machine, "carp_group"),
            parent: DeviceSlot::new(),
            bridge_entry: Entry::new(),
            limits: Limits::new(),
            counters: Counters::new()?,
            untold: Atomic::new(false),
            unshown: Atomic::new(false),
        })
    }
}

/// Tells a group that something happened, and does what follows. Softirq or
/// process context.
pub(super) fn handle(device: &Device<Carp>, event: Event) {
    let outcome = device.private().machine.lock().step(device, event);
    outcome.perform(device);
}

impl Machine {
    /// Lets the state machine decide, and takes note of what is to be done
    /// without the lock.
    pub(super) fn step(&mut self, device: &Device<Carp>, event: Event) -> Outcome {
        match event {
            // It has expired, perhaps too early, and does not run any more.
            Event::AdvertisementTimer => self.advertisement_armed = None,
            Event::TimeOutTimer => self.time_out_armed = None,
            _ => {}
        }
        let now = Instant::from_nanos(timer::now());
        let before = (self.core.reason(), self.core.missing());
        let actions = self.core.handle(now, event);
        if let Some(transition) = actions.transition {
            self.changed_at = timer::time_of_day();
            let snapshot = self.snapshot();
            self.news.transition(transition.from, snapshot);
        } else if before != (self.core.reason(), self.core.missing()) {
            self.news.change();
        }
        self.note_untold(device);
        let mut outbox = actions
            .advertise
            .map(|advertise| Outbox::new(self, advertise));
        if actions.transition.is_some() {
            self.publish(device);
            let entry = &device.private().bridge_entry;
            self.waiting_for_bridge =
                outbox.take_if(|outbox| outbox.is_for_master() && entry.is_there());
        }
        self.arm(device);
        Outcome {
            actions,
            outbox,
            vhid: self.vhid,
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

    /// The state, and all about how it came.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            state: self.core.state(),
            reason: self.core.reason(),
            missing: self.core.missing(),
            transitions: self.core.transitions(),
            since: self.core.since(),
            changed_at: self.changed_at,
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
            let now = Instant::from_nanos(timer::now());
            let nothing = self.core.handle(now, Event::Sources(sources));
            debug_assert!(nothing == Actions::default());
        }
    }

    /// Shows the state to those who look at it without the lock: the frames of
    /// the parent, and everybody who knows carrier.
    pub(super) fn publish(&self, device: &Device<Carp>) {
        let state = self.core.state();
        if let (Some(port), Some(vhid)) = (&self.port, self.vhid) {
            port.set_state(vhid, Some(state));
        }
        device.set_carrier(state == State::Master);
    }

    /// Has the timers expire when the machine wants them to.
    fn arm(&mut self, device: &Device<Carp>) {
        let due = self.core.advertisement_due();
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
        match (self.core.time_out_due(), self.time_out_armed) {
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
    vhid: Option<Vhid>,
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

    /// Does it. No lock is held.
    pub(super) fn perform(&self, device: &Device<Carp>) {
        let counters = &device.private().counters;
        if let (Some(port), Some(vhid)) = (&self.port, self.vhid) {
            if let Some(outbox) = &self.outbox {
                advertise::send(outbox, port.parent(), vhid, counters);
            }
            if self.actions.announce {
                announce::all(device, port, vhid);
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
            log::transition(device, transition);
        }
    }
}
