// SPDX-License-Identifier: GPL-2.0

//! The lengths of the timers agree with the implementations in
//! `vectors.json`.
//!
//! Our time-out is the majority's, 3*advbase + advskew/256 s. FreeBSD and
//! NetBSD have it for every advbase; for advbase 0, where it would be as short
//! as one advertisement interval, ours is OpenBSD's of 2014 to 2025, three
//! intervals.

mod common;

use carp_proto::timers::{advertisement_interval, time_out};
use carp_proto::{Instant, Interval, ParameterError, Parameters};
use common::{number, vectors};

#[test]
fn lengths_are_theirs() {
    let vectors = vectors("timer_vectors");
    let cases = vectors["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    let mut refused = 0;
    for case in cases {
        let advbase = number(case, "advbase");
        let advskew = number(case, "advskew");
        let parameters = match Parameters::new(advbase as u32, advskew as u32) {
            Ok(parameters) => parameters,
            // What nobody may configure here.
            Err(ParameterError::BothZero) => {
                assert_eq!((advbase, advskew), (0, 0));
                refused += 1;
                continue;
            }
            Err(error) => {
                assert_eq!((advbase, advskew), (255, 255));
                assert_eq!(error, ParameterError::AdvskewOutOfRange);
                refused += 1;
                continue;
            }
        };
        assert_eq!(
            advertisement_interval(parameters).as_micros(),
            number(case, "advert_us"),
            "{case}"
        );
        let time_out = time_out(parameters).as_micros();
        assert_eq!(
            time_out,
            number(case, "openbsd_r1.229_to_r1.367_master_down_us"),
            "{case}"
        );
        assert_eq!(
            time_out == number(case, "freebsd_netbsd_master_down_us"),
            advbase != 0,
            "{case}"
        );
    }
    assert_eq!(refused, 2);
}

#[test]
fn parameters_are_checked() {
    for (advbase, advskew, expected) in [
        (0, 1, Ok(())),
        (1, 0, Ok(())),
        (255, 254, Ok(())),
        (256, 0, Err(ParameterError::AdvbaseOutOfRange)),
        (u32::MAX, u32::MAX, Err(ParameterError::AdvbaseOutOfRange)),
        (1, 255, Err(ParameterError::AdvskewOutOfRange)),
        (1, 256, Err(ParameterError::AdvskewOutOfRange)),
        (0, 0, Err(ParameterError::BothZero)),
    ] {
        let result = Parameters::new(advbase, advskew);
        assert_eq!(result.map(|_| ()), expected, "{advbase} {advskew}");
        if let Ok(parameters) = result {
            assert_eq!(u32::from(parameters.advbase()), advbase);
            assert_eq!(u32::from(parameters.advskew()), advskew);
        }
    }
    assert_eq!(Parameters::default(), Parameters::new(1, 0).unwrap());
}

/// A longer interval never gets the shorter time-out: hosts of one group time
/// out in the order of the election.
#[test]
fn worse_hosts_wait_longer() {
    let all = (0..=255).flat_map(|advbase| {
        (0..=254).filter_map(move |advskew| Parameters::new(advbase, advskew).ok())
    });
    let all: Vec<_> = all.collect();
    for pair in all.windows(2) {
        assert!(advertisement_interval(pair[0]) < advertisement_interval(pair[1]));
        assert!(time_out(pair[0]) < time_out(pair[1]));
    }
}

#[test]
fn time_stops_at_its_ends() {
    let first = Instant::from_nanos(0);
    let last = Instant::from_nanos(u64::MAX);
    assert_eq!(last + Interval::from_nanos(1), last);
    assert_eq!(first.since(last), Interval::ZERO);
    assert_eq!(last.since(first), Interval::from_nanos(u64::MAX));
    assert_eq!(
        Interval::from_micros(u64::MAX),
        Interval::from_nanos(u64::MAX)
    );
    assert_eq!(
        Interval::from_nanos(u64::MAX) * 2,
        Interval::from_nanos(u64::MAX)
    );
    assert_eq!(Interval::from_micros(3) * 2, Interval::from_micros(6));
    assert_eq!(Interval::from_nanos(1_999).as_micros(), 1);
}
