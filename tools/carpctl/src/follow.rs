// SPDX-License-Identifier: GPL-2.0-only
//! Following the events of all groups without missing one: a dump first, then
//! events by their numbers, and another dump when a number is missing.

use crate::event::Event;
use crate::failure::Failure;
use crate::kernel::{Kernel, Snapshot};
use crate::netlink::carp::Report;
use crate::netlink::message::messages;
use crate::netlink::socket::{Socket, is_overrun};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

/// What is known of the groups, and how far the events are.
#[derive(Debug, Default)]
pub struct Tracker {
    /// The number of the last event that is known of.
    last: Option<u32>,
    /// The groups that there are.
    known: BTreeMap<u32, Report>,
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
        let mut event = Event::told(report);
        let index = event.report.ifindex;
        self.note_nodes(&event);
        event.is_balanced = self.balanced.contains(&index);
        if event.is_end() {
            self.known.remove(&index);
        } else {
            self.known.insert(index, event.report.clone());
        }
        Some(Some(event))
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
            events.push(event);
        }
        events
    }
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
        // First the ear, then the question: nothing falls in between.
        let socket = kernel.events()?;
        let mut tracker = Tracker::default();
        let waiting = tracker.resynchronise(&kernel.snapshot()?).into();
        Ok(Self {
            kernel,
            socket,
            tracker,
            waiting,
            non_blocking: false,
        })
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
            let reports = messages(&packet).filter_map(|message| Report::read(message.payload));
            for report in reports {
                match self.tracker.take(report) {
                    Some(event) => self.waiting.extend(event),
                    None => {
                        self.resynchronise()?;
                        break;
                    }
                }
            }
        }
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
        let snapshot = self.kernel.snapshot()?;
        self.waiting.extend(self.tracker.resynchronise(&snapshot));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Kind;
    use crate::group::Group;
    use crate::netlink::link::Link;
    use crate::netlink::node::Node;
    use carp_uapi::numbers::{CARP_CMD_GROUP_CHANGE, CARP_CMD_GROUP_DELETE, CARP_CMD_TRANSITION};

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
