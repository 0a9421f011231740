// SPDX-License-Identifier: GPL-2.0

//! The state machine as a table: every event in every state.
//!
//! Written from what the BSDs do and from `Documentation/protocol.md`, not
//! from the code. This host has advbase 1, advskew 100, demotion 1, one IPv4 address
//! and the source address 10.0.0.5; preemption is off unless said otherwise.
//!
//! Columns:
//!
//! - next: the state after the event, with the reason if that is new;
//!   "-" for the same state.
//! - actions: what is to be done, in any order. "tell-master": an
//!   advertisement for the MASTER alone.
//! - deadline: of the timer that runs in the next state. "kept"; "time-out"
//!   and "interval": as long as this from now; "later": a time-out and an
//!   interval from now; "rhythm": an interval from the last deadline; "none".

use std::collections::BTreeSet;

use carp_proto::timers::{advertisement_interval, time_out};
use carp_proto::{
    Actions, Advertise, Discard, Event, Families, Family, Group, Heard, Instant, Interval, Missing,
    Notice, Parameters, Recipients, Source, Sources, State,
};

const TABLE: &str = "
state  | event                              | next                  | actions                          | deadline

INIT   | nothing is missing                 | BACKUP Ready          |                                  | time-out
BACKUP | nothing is missing                 | -                     |                                  | kept
MASTER | nothing is missing                 | -                     |                                  | kept

INIT   | no vhid                            | - NoVhid              |                                  | none
BACKUP | no vhid                            | INIT NoVhid           |                                  | none
MASTER | no vhid                            | INIT NoVhid           | bow-out                          | none
INIT   | no parent                          | - NoParent            |                                  | none
BACKUP | no parent                          | INIT NoParent         |                                  | none
MASTER | no parent                          | INIT NoParent         |                                  | none
INIT   | no address                         | - NoAddress           |                                  | none
BACKUP | no address                         | INIT NoAddress        |                                  | none
MASTER | no address                         | INIT NoAddress        | bow-out                          | none
INIT   | no family                          | - NoAddress           |                                  | none
BACKUP | no family                          | INIT NoAddress        |                                  | none
MASTER | no family                          | INIT NoAddress        | bow-out                          | none
INIT   | device down                        | - DeviceDown          |                                  | none
BACKUP | device down                        | INIT DeviceDown       |                                  | none
MASTER | device down                        | INIT DeviceDown       | bow-out                          | none
INIT   | parent down                        | - ParentDown          |                                  | none
BACKUP | parent down                        | INIT ParentDown       |                                  | none
MASTER | parent down                        | INIT ParentDown       | bow-out                          | none
INIT   | no carrier                         | - NoCarrier           |                                  | none
BACKUP | no carrier                         | INIT NoCarrier        |                                  | none
MASTER | no carrier                         | INIT NoCarrier        |                                  | none
INIT   | not allowed                        | - NotAllowed          |                                  | none
BACKUP | not allowed                        | INIT NotAllowed       |                                  | none
MASTER | not allowed                        | INIT NotAllowed       | bow-out                          | none

INIT   | IPv6 addresses too                 | BACKUP Ready          |                                  | time-out
BACKUP | IPv6 addresses too                 | -                     |                                  | time-out
MASTER | IPv6 addresses too                 | -                     |                                  | kept

INIT   | another source address             | -                     |                                  | none
BACKUP | another source address             | -                     |                                  | kept
MASTER | another source address             | -                     |                                  | kept
INIT   | same parameters                    | -                     |                                  | none
BACKUP | same parameters                    | -                     |                                  | kept
MASTER | same parameters                    | -                     |                                  | kept
INIT   | other parameters                   | -                     |                                  | none
BACKUP | other parameters                   | -                     |                                  | time-out
MASTER | other parameters                   | -                     | advertise                        | interval
INIT   | same demotion                      | -                     |                                  | none
BACKUP | same demotion                      | -                     |                                  | kept
MASTER | same demotion                      | -                     |                                  | kept
INIT   | other demotion                     | -                     |                                  | none
BACKUP | other demotion                     | -                     |                                  | kept
MASTER | other demotion                     | -                     | advertise                        | interval
INIT   | preemption on                      | -                     |                                  | none
BACKUP | preemption on                      | -                     |                                  | kept
MASTER | preemption on                      | -                     |                                  | kept

INIT   | advertisement timer, early         | -                     |                                  | none
BACKUP | advertisement timer, early         | -                     |                                  | kept
MASTER | advertisement timer, early         | -                     |                                  | kept
INIT   | advertisement timer, due           | -                     |                                  | none
BACKUP | advertisement timer, due           | -                     |                                  | kept
MASTER | advertisement timer, due           | -                     | advertise                        | interval
INIT   | advertisement timer, late          | -                     |                                  | none
BACKUP | advertisement timer, late          | -                     |                                  | kept
MASTER | advertisement timer, late          | -                     | advertise                        | rhythm
INIT   | advertisement timer, much too late | -                     |                                  | none
BACKUP | advertisement timer, much too late | -                     |                                  | kept
MASTER | advertisement timer, much too late | -                     | advertise                        | interval

INIT   | time-out timer, early              | -                     |                                  | none
BACKUP | time-out timer, early              | -                     |                                  | kept
MASTER | time-out timer, early              | -                     |                                  | kept
INIT   | time-out timer, due                | -                     |                                  | none
BACKUP | time-out timer, due                | MASTER TimedOut       | advertise announce               | interval
MASTER | time-out timer, due                | -                     |                                  | kept
INIT   | time-out timer, late               | -                     |                                  | none
BACKUP | time-out timer, late               | MASTER TimedOut       | advertise announce               | interval
MASTER | time-out timer, late               | -                     |                                  | kept

INIT   | address claimed                    | -                     |                                  | none
BACKUP | address claimed                    | -                     |                                  | kept
MASTER | address claimed                    | -                     |                                  | kept
INIT   | INIT requested                     | -                     |                                  | none
BACKUP | INIT requested                     | -                     |                                  | kept
MASTER | INIT requested                     | -                     |                                  | kept
INIT   | BACKUP requested                   | -                     |                                  | none
BACKUP | BACKUP requested                   | -                     |                                  | kept
MASTER | BACKUP requested                   | BACKUP Requested      | bow-out                          | time-out
INIT   | MASTER requested                   | -                     |                                  | none
BACKUP | MASTER requested                   | MASTER Requested      | advertise announce               | interval
MASTER | MASTER requested                   | -                     |                                  | kept

INIT   | better                             | -                     | discard-not-running              | none
BACKUP | better                             | -                     |                                  | time-out
MASTER | better                             | BACKUP BetterMaster   | tell-master                      | time-out
INIT   | better, preemption                 | -                     | discard-not-running              | none
BACKUP | better, preemption                 | -                     |                                  | time-out
MASTER | better, preemption                 | BACKUP BetterMaster   | tell-master                      | time-out
INIT   | better, but more demoted           | -                     | discard-not-running              | none
BACKUP | better, but more demoted           | MASTER MasterDemoted  | advertise announce               | interval
MASTER | better, but more demoted           | -                     | advertise announce other-master  | kept
INIT   | equal, but more demoted            | -                     | discard-not-running              | none
BACKUP | equal, but more demoted            | MASTER MasterDemoted  | advertise announce               | interval
MASTER | equal, but more demoted            | -                     | advertise announce other-master  | kept
INIT   | equal, but less demoted            | -                     | discard-not-running              | none
BACKUP | equal, but less demoted            | -                     |                                  | time-out
MASTER | equal, but less demoted            | BACKUP BetterMaster   | tell-master                      | time-out
INIT   | worse, but less demoted            | -                     | discard-not-running              | none
BACKUP | worse, but less demoted            | -                     |                                  | time-out
MASTER | worse, but less demoted            | BACKUP BetterMaster   | tell-master                      | time-out
INIT   | worse, less demoted, preemption    | -                     | discard-not-running              | none
BACKUP | worse, less demoted, preemption    | -                     |                                  | time-out
MASTER | worse, less demoted, preemption    | BACKUP BetterMaster   | tell-master                      | time-out
INIT   | worse                              | -                     | discard-not-running              | none
BACKUP | worse                              | -                     |                                  | time-out
MASTER | worse                              | -                     | advertise announce other-master  | kept
INIT   | worse, preemption                  | -                     | discard-not-running              | none
BACKUP | worse, preemption                  | MASTER Preempted      | advertise announce               | interval
MASTER | worse, preemption                  | -                     | advertise announce other-master  | kept
INIT   | equal, preemption                  | -                     | discard-not-running              | none
BACKUP | equal, preemption                  | -                     |                                  | time-out
MASTER | equal, preemption                  | -                     | advertise announce tie           | kept
INIT   | as slow as can be                  | -                     | discard-not-running              | none
BACKUP | as slow as can be                  | MASTER MasterTooSlow  | advertise announce               | interval
MASTER | as slow as can be                  | -                     | advertise announce other-master  | kept
INIT   | as slow as the time-out            | -                     | discard-not-running              | none
BACKUP | as slow as the time-out            | -                     |                                  | time-out
MASTER | as slow as the time-out            | -                     | advertise announce other-master  | kept
INIT   | slower than the time-out           | -                     | discard-not-running              | none
BACKUP | slower than the time-out           | MASTER MasterTooSlow  | advertise announce               | interval
MASTER | slower than the time-out           | -                     | advertise announce other-master  | kept
INIT   | bow-out                            | -                     | discard-not-running              | none
BACKUP | bow-out                            | MASTER MasterBowedOut | advertise announce               | interval
MASTER | bow-out                            | -                     |                                  | kept
INIT   | bow-out, less demoted              | -                     | discard-not-running              | none
BACKUP | bow-out, less demoted              | MASTER MasterBowedOut | advertise announce               | interval
MASTER | bow-out, less demoted              | -                     |                                  | kept

INIT   | equal from a lower address         | -                     | discard-not-running              | none
BACKUP | equal from a lower address         | -                     |                                  | time-out
MASTER | equal from a lower address         | -                     | advertise announce tie           | kept
INIT   | equal from a higher address        | -                     | discard-not-running              | none
BACKUP | equal from a higher address        | -                     |                                  | time-out
MASTER | equal from a higher address        | BACKUP EqualMaster    |                                  | later
INIT   | equal, same address, lower counter | -                     | discard-not-running              | none
BACKUP | equal, same address, lower counter | -                     |                                  | time-out
MASTER | equal, same address, lower counter | -                     | advertise announce tie           | kept
INIT   | equal, same address, higher counter| -                     | discard-not-running              | none
BACKUP | equal, same address, higher counter| -                     |                                  | time-out
MASTER | equal, same address, higher counter| BACKUP EqualMaster    |                                  | later
INIT   | equal, this host has no address    | -                     | discard-not-running              | none
BACKUP | equal, this host has no address    | -                     |                                  | time-out
MASTER | equal, this host has no address    | BACKUP EqualMaster    |                                  | later
INIT   | equal in the other family          | -                     | discard-not-running              | none
BACKUP | equal in the other family          | -                     |                                  | kept
MASTER | equal in the other family          | -                     | advertise announce other-master  | kept
INIT   | own echo                           | -                     | discard-not-running              | none
BACKUP | own echo                           | -                     | discard-own-echo                 | kept
MASTER | own echo                           | -                     | discard-own-echo                 | kept
INIT   | own echo, address not marked       | -                     | discard-not-running              | none
BACKUP | own echo, address not marked       | -                     | discard-own-echo                 | kept
MASTER | own echo, address not marked       | -                     | discard-own-echo                 | kept
INIT   | own echo of a bow-out              | -                     | discard-not-running              | none
BACKUP | own echo of a bow-out              | -                     | discard-own-echo                 | kept
MASTER | own echo of a bow-out              | -                     | discard-own-echo                 | kept
";

const V4: Families = Families {
    v4: true,
    v6: false,
};
const BOTH: Families = Families { v4: true, v6: true };
const NEITHER: Families = Families::NONE;

/// A row of the table.
struct Row {
    line: &'static str,
    state: &'static str,
    event: &'static str,
    next: &'static str,
    actions: Vec<&'static str>,
    deadline: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = TABLE.lines().filter(|line| !line.is_empty()).skip(1);
    lines
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let [state, event, next, actions, deadline] = cells[..] else {
                panic!("{line}");
            };
            Row {
                line,
                state,
                event,
                next,
                actions: actions.split_whitespace().collect(),
                deadline,
            }
        })
        .collect()
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn own() -> Parameters {
    Parameters::new(1, 100).unwrap()
}

fn other() -> Parameters {
    Parameters::new(2, 50).unwrap()
}

/// This host in `state`, which it came to some time before ten seconds.
fn host(state: &str) -> Group {
    let mut group = Group::new(own(), 1);
    let sources = Sources {
        v4: Some([10, 0, 0, 5]),
        v6: None,
    };
    let missing = if state == "INIT" {
        Missing::DEVICE_UP
    } else {
        Missing::NONE
    };
    let _ = group.handle(at(0), Event::Sources(sources));
    let _ = group.handle(at(0), Event::Demotion(1));
    let _ = group.handle(
        at(9_000),
        Event::Conditions {
            missing,
            families: V4,
        },
    );
    if state == "MASTER" {
        let _ = group.handle(at(9_500), Event::Request(State::Master));
    }
    assert_eq!(format!("{:?}", group.state()).to_uppercase(), state);
    group
}

fn deadline(group: &Group) -> Option<Instant> {
    assert!(group.advertisement_due().is_none() || group.time_out_due().is_none());
    group.advertisement_due().or(group.time_out_due())
}

/// The event called `name` and when it happens; may prepare the host for it.
fn event(name: &str, group: &mut Group) -> (Instant, Event) {
    let now = at(10_000);
    // In INIT, where there is no deadline, any time will do.
    let due = deadline(group).unwrap_or(now);
    let conditions = |missing, families| (now, Event::Conditions { missing, families });
    let sent = group.next_counter();
    let heard = Heard {
        family: Family::V4,
        advbase: 1,
        advskew: 100,
        demote: 1,
        counter: sent.wrapping_add(1_000),
        source: Source::V4([10, 0, 0, 9]),
        from_own_address: false,
    };
    let hear = |heard| (now, Event::Heard(heard));
    if name.ends_with("preemption") {
        let _ = group.handle(now, Event::Preempt(true));
    }
    match name {
        "nothing is missing" => conditions(Missing::NONE, V4),
        "IPv6 addresses too" => conditions(Missing::NONE, BOTH),
        "no family" => conditions(Missing::NONE, NEITHER),
        "no vhid" => conditions(Missing::VHID, V4),
        "no parent" => conditions(Missing::PARENT, V4),
        "no address" => conditions(Missing::ADDRESS, NEITHER),
        "device down" => conditions(Missing::DEVICE_UP, V4),
        "parent down" => conditions(Missing::PARENT_UP, V4),
        "no carrier" => conditions(Missing::CARRIER, V4),
        "not allowed" => conditions(Missing::ALLOWED, V4),

        "another source address" => (now, Event::Sources(Sources::default())),
        "same parameters" => (now, Event::Parameters(own())),
        "other parameters" => (now, Event::Parameters(other())),
        "same demotion" => (now, Event::Demotion(1)),
        "other demotion" => (now, Event::Demotion(2)),
        "preemption on" => (now, Event::Preempt(true)),

        "advertisement timer, early" => (before(due), Event::AdvertisementTimer),
        "advertisement timer, due" => (due, Event::AdvertisementTimer),
        "advertisement timer, late" => (after(due, 10), Event::AdvertisementTimer),
        "advertisement timer, much too late" => (after(due, 5_000), Event::AdvertisementTimer),
        "time-out timer, early" => (before(due), Event::TimeOutTimer),
        "time-out timer, due" => (due, Event::TimeOutTimer),
        "time-out timer, late" => (after(due, 10), Event::TimeOutTimer),

        "address claimed" => (now, Event::AddressClaimed),
        "INIT requested" => (now, Event::Request(State::Init)),
        "BACKUP requested" => (now, Event::Request(State::Backup)),
        "MASTER requested" => (now, Event::Request(State::Master)),

        "better" | "better, preemption" => hear(Heard {
            advskew: 99,
            ..heard
        }),
        "better, but more demoted" => hear(Heard {
            advskew: 0,
            demote: 2,
            ..heard
        }),
        "equal, but more demoted" => hear(Heard { demote: 2, ..heard }),
        "equal, but less demoted" => hear(Heard { demote: 0, ..heard }),
        "worse, but less demoted" | "worse, less demoted, preemption" => hear(Heard {
            advskew: 101,
            demote: 0,
            ..heard
        }),
        "worse" | "worse, preemption" => hear(Heard {
            advskew: 101,
            ..heard
        }),
        "as slow as can be" => hear(Heard {
            advbase: 255,
            advskew: 254,
            ..heard
        }),
        "as slow as the time-out" => hear(Heard {
            advbase: 3,
            ..heard
        }),
        "slower than the time-out" => hear(Heard {
            advbase: 3,
            advskew: 101,
            ..heard
        }),
        "bow-out" => hear(Heard {
            advbase: 255,
            advskew: 255,
            ..heard
        }),
        "bow-out, less demoted" => hear(Heard {
            advbase: 255,
            advskew: 255,
            demote: 0,
            ..heard
        }),

        "equal from a lower address" | "equal, preemption" => hear(Heard {
            source: Source::V4([10, 0, 0, 4]),
            ..heard
        }),
        "equal from a higher address" => hear(Heard {
            source: Source::V4([10, 0, 1, 4]),
            ..heard
        }),
        "equal, same address, lower counter" => hear(Heard {
            source: Source::V4([10, 0, 0, 5]),
            counter: sent - 1,
            ..heard
        }),
        "equal, same address, higher counter" => hear(Heard {
            source: Source::V4([10, 0, 0, 5]),
            counter: sent + 1,
            ..heard
        }),
        "equal, this host has no address" => {
            let _ = group.handle(now, Event::Sources(Sources::default()));
            hear(Heard {
                source: Source::V4([10, 0, 0, 4]),
                ..heard
            })
        }
        "equal in the other family" => hear(Heard {
            family: Family::V6,
            source: Source::V6([0; 16]),
            ..heard
        }),
        "own echo" => hear(Heard {
            counter: sent,
            from_own_address: true,
            ..heard
        }),
        "own echo, address not marked" => hear(Heard {
            counter: sent,
            source: Source::V4([10, 0, 0, 5]),
            ..heard
        }),
        "own echo of a bow-out" => hear(Heard {
            advbase: 255,
            advskew: 255,
            counter: sent,
            from_own_address: true,
            ..heard
        }),
        _ => panic!("no event is called {name:?}"),
    }
}

fn before(due: Instant) -> Instant {
    Instant::from_nanos(due.as_nanos() - 1)
}

fn after(due: Instant, millis: u64) -> Instant {
    due + Interval::from_micros(millis * 1_000)
}

/// What the words of the table's column stand for.
fn expected_actions(row: &Row, group: &Group) -> Actions {
    let mut expected = Actions::default();
    for word in &row.actions {
        match *word {
            "advertise" => {
                expected.advertise = Some(Advertise {
                    advbase: group.parameters().advbase(),
                    advskew: group.parameters().advskew(),
                    demote: if row.event == "other demotion" { 2 } else { 1 },
                    families: V4,
                    recipients: Recipients::All,
                    bow_out: false,
                })
            }
            "tell-master" => {
                expected.advertise = Some(Advertise {
                    advbase: 1,
                    advskew: 100,
                    demote: 1,
                    families: V4,
                    recipients: Recipients::Master,
                    bow_out: false,
                })
            }
            "bow-out" => {
                expected.advertise = Some(Advertise {
                    advbase: 255,
                    advskew: 255,
                    demote: 1,
                    families: V4,
                    recipients: Recipients::All,
                    bow_out: true,
                })
            }
            "announce" => expected.announce = true,
            "discard-not-running" => expected.discard = Some(Discard::NotRunning),
            "discard-own-echo" => expected.discard = Some(Discard::OwnEcho),
            "other-master" => expected.notice = Some(Notice::OtherMaster),
            "tie" => expected.notice = Some(Notice::Tie),
            other => panic!("{other:?} in {}", row.line),
        }
    }
    expected
}

#[test]
fn every_event_in_every_state() {
    for row in rows() {
        let mut group = host(row.state);
        let (now, event) = event(row.event, &mut group);
        let (old, deadline_before) = (group.clone(), deadline(&group));

        let mut actions = group.handle(now, event);

        let (next, reason) = row.next.split_once(' ').unwrap_or((row.next, ""));
        let state = format!("{:?}", group.state()).to_uppercase();
        assert_eq!(state, next.replace('-', row.state), "{}", row.line);
        if reason.is_empty() {
            assert_eq!(group.reason(), old.reason(), "{}", row.line);
        } else {
            assert_eq!(format!("{:?}", group.reason()), reason, "{}", row.line);
        }

        let transition = actions.transition.take();
        assert_eq!(transition.is_some(), next != "-", "{}", row.line);
        if let Some(transition) = transition {
            assert_eq!(transition.from, old.state(), "{}", row.line);
            assert_eq!(transition.to, group.state(), "{}", row.line);
            assert_eq!(transition.reason, group.reason(), "{}", row.line);
            assert_eq!(group.since(), now, "{}", row.line);
            assert_eq!(group.transitions(), old.transitions() + 1, "{}", row.line);
        } else {
            assert_eq!(group.since(), old.since(), "{}", row.line);
            assert_eq!(group.transitions(), old.transitions(), "{}", row.line);
        }

        assert_eq!(actions, expected_actions(&row, &group), "{}", row.line);

        let interval = advertisement_interval(group.parameters());
        let time_out = time_out(group.parameters());
        let expected = match row.deadline {
            "none" => None,
            "kept" => deadline_before,
            "time-out" => Some(now + time_out),
            "later" => Some(now + interval + time_out),
            "interval" => Some(now + interval),
            "rhythm" => deadline_before.map(|due| due + interval),
            other => panic!("{other:?} in {}", row.line),
        };
        assert_eq!(deadline(&group), expected, "{}", row.line);
        let is_master = group.state() == State::Master;
        assert_eq!(
            group.advertisement_due().is_some(),
            is_master,
            "{}",
            row.line
        );
    }
}

/// Every event of the table stands there once for every state.
#[test]
fn the_table_is_complete() {
    let rows = rows();
    let events: BTreeSet<_> = rows.iter().map(|row| row.event).collect();
    let pairs: BTreeSet<_> = rows.iter().map(|row| (row.state, row.event)).collect();
    assert_eq!(rows.len(), pairs.len());
    assert_eq!(rows.len(), 3 * events.len());
    for state in ["INIT", "BACKUP", "MASTER"] {
        assert_eq!(
            rows.iter().filter(|row| row.state == state).count(),
            events.len()
        );
    }
}
