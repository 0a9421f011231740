// SPDX-License-Identifier: GPL-2.0

//! How a host of the simulation is set up.

use carp_proto::{Family, Parameters, Source, Vhid};

use crate::foreign::Kind;
use crate::seal::Seal;

/// Whose software a host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Software {
    /// Ours: the protocol core of this repository.
    Carp,
    /// A model of a BSD.
    Foreign(Kind),
}

/// One host.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What it runs.
    pub software: Software,
    /// Its advbase and advskew.
    pub parameters: Parameters,
    /// Whether it takes over from a worse MASTER.
    pub preempt: bool,
    /// The families of the group's addresses.
    pub families: Vec<Family>,
}

impl Configuration {
    /// A host of ours with these parameters, IPv4 only, without preempt.
    ///
    /// # Panics
    ///
    /// If the parameters are not valid.
    pub fn new(advbase: u32, advskew: u32) -> Self {
        Self {
            software: Software::Carp,
            parameters: Parameters::new(advbase, advskew).expect("parameters are valid"),
            preempt: false,
            families: vec![Family::V4],
        }
    }

    /// The same with other software.
    pub fn software(mut self, software: Software) -> Self {
        self.software = software;
        self
    }

    /// The same with or without preempt.
    pub fn preempt(mut self, preempt: bool) -> Self {
        self.preempt = preempt;
        self
    }

    /// The same with addresses of both families.
    pub fn dual_stack(mut self) -> Self {
        self.families = vec![Family::V4, Family::V6];
        self
    }

    /// What all hosts of the simulated group have in common.
    pub fn seal(&self) -> Seal {
        let vhid = Vhid::new(1).expect("1 is a vhid");
        let v4: &[[u8; 4]] = if self.families.contains(&Family::V4) {
            &[[192, 0, 2, 1], [192, 0, 2, 200]]
        } else {
            &[]
        };
        let v6: &[[u8; 16]] = if self.families.contains(&Family::V6) {
            &[[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]
        } else {
            &[]
        };
        Seal::new(b"tyrell", vhid, v4, v6)
    }
}

/// The address that host number `host` sends from; a higher number has a
/// higher address.
pub fn source(host: usize, family: Family) -> Source {
    let number = u8::try_from(host).map_or(u8::MAX, |host| host.saturating_add(10));
    match family {
        Family::V4 => Source::V4([192, 0, 2, number]),
        Family::V6 => Source::V6([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number]),
    }
}
