// SPDX-License-Identifier: GPL-2.0-only
//! Following the events of all groups without missing one: a dump first, then
//! events by their numbers, and another dump when a number is missing.
//!
//! What happens during the dump has a larger number, and is in it or not. A state that was
//! over by then is not told: who is told of it would take it for the one that is.
//!
//! With the module goes the family, and every listener's membership, silently; when it is
//! loaded again, the family, its group and the events have other numbers. nlctrl tells of
//! both, so its group is listened to as well.

use crate::event::Event;
use crate::failure::{Failure, libc_errno};
use crate::kernel::{Kernel, Snapshot};
use crate::netlink::carp::Report;
use crate::netlink::family::{Announcement, Family};
use crate::netlink::message::{Message, messages};
use crate::netlink::socket::{Socket, is_overrun};
use carp_uapi::numbers::{
    CARP_CMD_GROUP_CHANGE, CARP_CMD_GROUP_DELETE, CARP_CMD_GROUP_NEW, CARP_CMD_TRANSITION,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

/// What is known of the groups, and how far the events are.
#[derive(Debug, Default)]
pub struct Tracker {
    /// The number of the last event that is known of.
    last: Option<u32>,
    /// The groups that there are.
    known: BTreeMap<u32, Report>,
    /// The groups of the last dump of which no later event told all.
    dumped: BTreeMap<u32, Report>,
    /// Those that have several nodes.
    balanced: BTreeSet<u32>,
}

/// What an event's number says.
#[derive(Debug, PartialEq)]
enum Order {
    /// It is in a dump already.
    Old,
    /// It is the next one.
    Next,
    /// One before it is missing.
    Gap,
}

impl Tracker {
    fn order(&self, sequence: Option<u32>) -> Order {
        let (Some(last), Some(sequence)) = (self.last, sequence) else {
            return Order::Next;
        };
        // Numbers begin again after the largest.
        match sequence.wrapping_sub(last) {
            1 => Order::Next,
            0 | 0x8000_0000.. => Order::Old,
            _ => Order::Gap,
        }
    }

    /// Takes an event; `None` if one before it was lost, and all groups must be
    /// asked for.
    pub fn take(&mut self, report: Report) -> Option<Option<Event>> {
        match self.order(report.sequence) {
            Order::Old => return Some(None),
            Order::Gap => return None,
            Order::Next => {}
        }
        self.last = report.sequence.or(self.last);
        if self.is_in_dump(&report) {
            return Some(None);
        }
        let mut event = Event::told(report);
        let index = event.report.ifindex;
        self.note_nodes(&event);
        event.is_balanced = self.balanced.contains(&index);
        // A node that gets the number of another one begins to count anew; and what is
        // about nodes that the dump has not is told to its end.
        if event.has_all_nodes() || event.is_end() || !self.is_of_dump(&event.report) {
            self.dumped.remove(&index);
        }
        if event.is_end() {
            self.known.remove(&index);
        } else {
            self.known.insert(index, event.report.clone());
        }
        Some(Some(event))
    }

    /// Whether the last dump is newer than an event, although the event has a larger number:
    /// a node has more transitions there.
    fn is_in_dump(&self, report: &Report) -> bool {
        if report.command == CARP_CMD_GROUP_DELETE {
            return !self.known.contains_key(&report.ifindex);
        }
        let Some(dumped) = self.dumped.get(&report.ifindex) else {
            return false;
        };
        let (dumped, told) = (transitions(dumped), transitions(report));
        match report.command {
            CARP_CMD_TRANSITION => told
                .iter()
                .all(|(vhid, told)| dumped.iter().any(|(of, is)| of == vhid && is >= told)),
            // Counts of other nodes say nothing.
            CARP_CMD_GROUP_NEW | CARP_CMD_GROUP_CHANGE => {
                told.iter()
                    .map(|(vhid, _)| vhid)
                    .eq(dumped.iter().map(|(vhid, _)| vhid))
                    && told.iter().zip(&dumped).any(|(told, is)| told.1 < is.1)
            }
            _ => false,
        }
    }

    /// Whether the last dump has the node that an event is about.
    fn is_of_dump(&self, report: &Report) -> bool {
        let dumped = self.dumped.get(&report.ifindex).map(transitions);
        dumped.is_some_and(|dumped| dumped.iter().any(|(vhid, _)| *vhid == report.vhid))
    }

    fn note_nodes(&mut self, event: &Event) {
        if event.has_all_nodes() || event.is_end() {
            let index = event.report.ifindex;
            match event.is_balanced {
                true => self.balanced.insert(index),
                false => self.balanced.remove(&index),
            };
        }
    }

    /// Takes all groups as they are now; returns an event for each that is there,
    /// or not any more.
    pub fn resynchronise(&mut self, snapshot: &Snapshot) -> Vec<Event> {
        self.last = snapshot.sequence;
        let old = std::mem::take(&mut self.known);
        self.balanced.clear();
        self.dumped.clear();
        let mut events = Vec::new();
        for (index, report) in old {
            if !snapshot
                .groups
                .iter()
                .any(|group| group.link.index == index)
            {
                events.push(Event::gone(Report {
                    sequence: None,
                    ..report
                }));
            }
        }
        for group in &snapshot.groups {
            let event = Event::group(group, snapshot.sequence);
            self.note_nodes(&event);
            self.known.insert(group.link.index, event.report.clone());
            self.dumped.insert(group.link.index, event.report.clone());
            events.push(event);
        }
        events
    }
}

/// The transitions of each node so far, by its number; a node of which nothing is said is
/// newer than any other.
fn transitions(report: &Report) -> Vec<(Option<u32>, u32)> {
    if report.nodes.is_empty() {
        return vec![(report.vhid, report.transitions.unwrap_or(u32::MAX))];
    }
    let nodes = report.nodes.iter();
    nodes
        .map(|node| (Some(node.vhid), node.transitions))
        .collect()
}

/// How much of a packet was heard.
#[derive(PartialEq)]
enum Heard {
    /// One message.
    One,
    /// All: the groups were asked for, and what else is in it is older.
    All,
}

/// All events from now on.
pub struct Follower {
    kernel: Kernel,
    socket: Socket,
    tracker: Tracker,
    waiting: VecDeque<Event>,
    non_blocking: bool,
}

impl Follower {
    /// Begins with an event for each group as it is.
    pub fn start(mut kernel: Kernel) -> Result<Self, Failure> {
        // It may go later, but where it never was there is nothing to wait for.
        kernel.family()?;
        let socket = kernel.announcements()?;
        // Again: it may be another one by now, and from here on that is heard.
        kernel.look_for_family()?;
        let mut follower = Self {
            kernel,
            socket,
            tracker: Tracker::default(),
            waiting: VecDeque::new(),
            non_blocking: false,
        };
        follower.listen_and_ask()?;
        Ok(follower)
    }

    /// All groups as they are now, whatever is still waiting to be told.
    pub fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        self.kernel.snapshot()
    }

    /// Whether [`Self::wait`] returns `None` when nothing has happened.
    pub fn set_non_blocking(&mut self, yes: bool) -> Result<(), Failure> {
        self.non_blocking = yes;
        Ok(self.socket.set_non_blocking(yes)?)
    }

    /// The next event; waits for it, unless told not to.
    pub fn wait(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            let packet = match self.socket.receive() {
                Ok(packet) => packet,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if is_overrun(&error) => {
                    self.resynchronise()?;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for message in messages(&packet) {
                if self.hear(&message)? == Heard::All {
                    break;
                }
            }
        }
    }

    fn hear(&mut self, message: &Message<'_>) -> Result<Heard, Failure> {
        if let Some(announcement) = Announcement::read(message) {
            return self.hear_of_family(announcement);
        }
        let family = self.kernel.family();
        // What the module that is gone has told would have numbers of its own.
        if !family.is_ok_and(|family| family.id == message.kind) {
            return Ok(Heard::One);
        }
        let Some(report) = Report::read(message.payload) else {
            return Ok(Heard::One);
        };
        if let Some(event) = self.tracker.take(report) {
            self.waiting.extend(event);
            return Ok(Heard::One);
        }
        self.resynchronise()?;
        Ok(Heard::All)
    }

    /// The groups' end was told before their family's. Until there is another one, there is
    /// nothing to ask.
    fn hear_of_family(&mut self, announcement: Announcement) -> Result<Heard, Failure> {
        let current = self.kernel.family().ok();
        match announcement {
            Announcement::Gone(id) if current.is_some_and(|family| family.id == id) => {
                self.kernel.set_family(None);
            }
            Announcement::New(family) if current != Some(family) => {
                self.follow(family)?;
                return Ok(Heard::All);
            }
            _ => {}
        }
        Ok(Heard::One)
    }

    /// Goes on with the family of a module that was loaded just now. What is queued stays:
    /// it may be that this one is gone, too.
    fn follow(&mut self, family: Family) -> Result<(), Failure> {
        self.kernel.set_family(Some(family));
        self.waiting.push_back(Event::lost());
        self.listen_and_ask()
    }

    /// Empties the socket. After an overrun the kernel goes on to drop events, and says
    /// so no more, until all that was queued is read: an answer from before that could
    /// be out of date for long.
    fn drain(&mut self) -> Result<(), Failure> {
        self.socket.set_non_blocking(true)?;
        loop {
            match self.socket.receive() {
                Ok(_) => {}
                Err(error) if is_overrun(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.socket.set_non_blocking(self.non_blocking)?)
    }

    fn resynchronise(&mut self) -> Result<(), Failure> {
        self.waiting.push_back(Event::lost());
        self.drain()?;
        // That there is another one may be what was lost.
        self.kernel.look_for_family()?;
        self.listen_and_ask()
    }

    /// First the ear, then the question: nothing falls in between.
    fn listen_and_ask(&mut self) -> Result<(), Failure> {
        self.listen()?;
        let snapshot = self.kernel.snapshot()?;
        self.waiting.extend(self.tracker.resynchronise(&snapshot));
        Ok(())
    }

    /// Joins the group of the family's events, if there is one.
    fn listen(&mut self) -> Result<(), Failure> {
        let Ok(family) = self.kernel.family() else {
            return Ok(());
        };
        match self.socket.listen(family.events) {
            // It is gone already, which is heard next.
            Err(error) if error.raw_os_error() == Some(libc_errno::ENOENT) => Ok(()),
            result => Ok(result?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::group::Group;
    use crate::netlink::link::Link;
    use crate::netlink::node::Node;

    fn report(sequence: u32) -> Report {
        Report {
            command: CARP_CMD_TRANSITION,
            ifindex: 7,
            ifname: "carp0".into(),
            sequence: Some(sequence),
            ..Report::default()
        }
    }

    fn snapshot(sequence: Option<u32>, indexes: &[u32]) -> Snapshot {
        let group = |index: &u32| Group {
            link: Link {
                index: *index,
                name: format!("carp{index}"),
                ..Link::default()
            },
            ..Group::default()
        };
        Snapshot {
            groups: indexes.iter().map(group).collect(),
            sequence,
        }
    }

    #[test]
    fn what_a_dump_had_is_not_told_again() {
        let mut tracker = Tracker::default();
        assert_eq!(tracker.resynchronise(&snapshot(Some(5), &[7])).len(), 1);
        for sequence in [3, 4, 5] {
            assert_eq!(tracker.take(report(sequence)), Some(None));
        }
        assert!(matches!(tracker.take(report(6)), Some(Some(_))));
        assert_eq!(tracker.take(report(6)), Some(None), "not twice");
    }

    /// A group of one node or several, each with as many transitions, after event 5.
    fn counted(nodes: &[(u32, u32)]) -> Snapshot {
        let mut snapshot = snapshot(Some(5), &[7]);
        let carp = &mut snapshot.groups[0].link.carp;
        let all = counts(nodes);
        (carp.vhid, carp.transitions) = (all.vhid, all.transitions.unwrap());
        carp.nodes = all.nodes;
        snapshot
    }

    /// What an event says of them.
    fn counts(nodes: &[(u32, u32)]) -> Report {
        let node = |(vhid, transitions): &(u32, u32)| Node {
            vhid: *vhid,
            transitions: *transitions,
            ..Node::default()
        };
        Report {
            vhid: Some(nodes[0].0),
            transitions: Some(nodes[0].1),
            nodes: match nodes {
                [_] => Vec::new(),
                several => several.iter().map(node).collect(),
            },
            ..report(0)
        }
    }

    /// An event, and what it says.
    type Told<'a> = (u32, &'a [(u32, u32)]);

    /// What of these is told after a dump of which event 5 was the last one.
    fn told_after(dump: &[(u32, u32)], events: &[Told<'_>]) -> Vec<bool> {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&counted(dump));
        let mut told = Vec::new();
        for ((command, nodes), sequence) in events.iter().zip(6..) {
            let event = tracker.take(Report {
                command: *command,
                sequence: Some(sequence),
                ..counts(nodes)
            });
            told.push(event.unwrap().is_some());
        }
        told
    }

    const TRANSITION: u32 = CARP_CMD_TRANSITION;
    const CHANGE: u32 = CARP_CMD_GROUP_CHANGE;

    #[test]
    fn states_that_were_over_at_the_dump_are_not_told() {
        let change: &[Told<'_>] = &[
            (CHANGE, &[(1, 2)]),
            (TRANSITION, &[(1, 3)]),
            (TRANSITION, &[(1, 4)]),
        ];
        assert_eq!(told_after(&[(1, 3)], change), [false, false, true]);
        // A change of something else may be newer.
        let change: &[Told<'_>] = &[(TRANSITION, &[(1, 3)]), (CHANGE, &[(1, 3)])];
        assert_eq!(told_after(&[(1, 3)], change), [false, true]);
        let of_nodes: &[Told<'_>] = &[
            (TRANSITION, &[(2, 7)]),
            (TRANSITION, &[(1, 4)]),
            (TRANSITION, &[(2, 8)]),
            (CHANGE, &[(1, 4), (2, 7)]),
            (CHANGE, &[(1, 4), (2, 8)]),
        ];
        let told = told_after(&[(1, 3), (2, 8)], of_nodes);
        assert_eq!(told, [false, true, false, false, true]);
    }

    #[test]
    fn nodes_that_are_new_since_the_dump_are_told_of() {
        let renumbered: &[Told<'_>] = &[
            (TRANSITION, &[(2, 1)]),
            (CHANGE, &[(2, 1)]),
            (TRANSITION, &[(2, 2)]),
        ];
        assert_eq!(told_after(&[(1, 9)], renumbered), [true; 3]);
        let renumbered_before: &[Told<'_>] = &[
            (TRANSITION, &[(1, 9)]),
            (CHANGE, &[(2, 1)]),
            (TRANSITION, &[(2, 2)]),
        ];
        // The same before the dump: from beginning to end, not only the first of them.
        assert_eq!(told_after(&[(2, 2)], renumbered_before), [true; 3]);
        // A node goes, and another one has its number.
        let again: &[Told<'_>] = &[
            (CHANGE, &[(1, 3)]),
            (TRANSITION, &[(2, 1)]),
            (CHANGE, &[(1, 3), (2, 1)]),
        ];
        assert_eq!(told_after(&[(1, 3), (2, 9)], again), [true; 3]);
        let mut tracker = Tracker::default();
        tracker.resynchronise(&counted(&[(1, 9)]));
        let mut event = |command, transitions, sequence| {
            let report = Report {
                command,
                sequence: Some(sequence),
                ..counts(&[(1, transitions)])
            };
            tracker.take(report).unwrap().is_some()
        };
        assert!(event(CARP_CMD_GROUP_DELETE, 9, 6));
        assert!(event(CARP_CMD_GROUP_NEW, 0, 7), "with the same number");
        assert!(event(TRANSITION, 1, 8));
    }

    #[test]
    fn a_group_that_was_made_or_went_during_the_dump() {
        let made: &[Told<'_>] = &[(CARP_CMD_GROUP_NEW, &[(1, 0)]), (TRANSITION, &[(1, 1)])];
        assert_eq!(told_after(&[(1, 1)], made), [false, false]);
        assert_eq!(told_after(&[(1, 0)], made), [true, true]);
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(Some(5), &[7]));
        tracker.resynchronise(&snapshot(Some(8), &[]));
        let deleted = Report {
            command: CARP_CMD_GROUP_DELETE,
            ..report(9)
        };
        assert_eq!(tracker.take(deleted), Some(None), "it was told");
        assert!(matches!(tracker.take(report(10)), Some(Some(_))));
    }

    #[test]
    fn a_missing_number_is_noticed() {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(Some(5), &[7]));
        assert_eq!(tracker.take(report(7)), None);
        let events = tracker.resynchronise(&snapshot(Some(9), &[7]));
        assert_eq!(events[0].kind, Kind::Group);
        assert!(matches!(tracker.take(report(10)), Some(Some(_))));
    }

    #[test]
    fn how_many_nodes_a_group_has_is_remembered() {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(Some(1), &[7]));
        let mut is_balanced = |report| tracker.take(report).unwrap().unwrap().is_balanced;
        assert!(!is_balanced(report(2)));
        let several = Report {
            command: CARP_CMD_GROUP_CHANGE,
            nodes: vec![Node::default(), Node::default()],
            ..report(3)
        };
        assert!(is_balanced(several));
        assert!(is_balanced(report(4)), "a transition of one of them");
        let one = Report {
            command: CARP_CMD_GROUP_CHANGE,
            ..report(5)
        };
        assert!(!is_balanced(one));
        assert!(!is_balanced(report(6)));
    }

    #[test]
    fn numbers_begin_again() {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(Some(u32::MAX), &[7]));
        assert!(matches!(tracker.take(report(0)), Some(Some(_))));
        assert_eq!(tracker.take(report(u32::MAX)), Some(None));
        assert_eq!(tracker.take(report(2)), None);
    }

    #[test]
    fn numbers_of_another_module_begin_anew() {
        for (sequence, next) in [(None, 1), (Some(3), 4)] {
            let mut tracker = Tracker::default();
            tracker.resynchronise(&snapshot(Some(900), &[7]));
            let events = tracker.resynchronise(&snapshot(sequence, &[8]));
            let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
            assert_eq!(kinds, [Kind::Told(CARP_CMD_GROUP_DELETE), Kind::Group]);
            assert!(matches!(tracker.take(report(next)), Some(Some(_))));
            assert_eq!(tracker.take(report(next + 2)), None);
        }
    }

    #[test]
    fn without_a_group_the_first_event_counts() {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(None, &[]));
        assert!(matches!(tracker.take(report(41)), Some(Some(_))));
        assert_eq!(tracker.take(report(43)), None);
    }

    #[test]
    fn a_group_that_went_unnoticed_is_gone() {
        let mut tracker = Tracker::default();
        tracker.resynchronise(&snapshot(Some(1), &[7, 8]));
        let events = tracker.resynchronise(&snapshot(Some(9), &[8]));
        assert_eq!(events[0].kind, Kind::Told(CARP_CMD_GROUP_DELETE));
        assert_eq!(events[0].report.ifname, "carp7");
        assert_eq!((events.len(), &events[1].kind), (2, &Kind::Group));
        let deleted = Report {
            command: CARP_CMD_GROUP_DELETE,
            ifindex: 8,
            ..report(10)
        };
        assert!(matches!(tracker.take(deleted), Some(Some(_))));
        assert!(tracker.resynchronise(&snapshot(Some(11), &[])).is_empty());
    }
}
