// SPDX-License-Identifier: GPL-2.0

//! What a file asks for, as a whole.

use std::path::PathBuf;

use carp_proto::{Key, Parameters, Vhid};

use crate::address::Address;
use crate::balance::Balance;
use crate::command::Command;
use crate::draft::Draft;
use crate::mistake::{Mistake, Mistakes};

/// Where the key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// No key: twenty zeros.
    Empty,
    /// In the file itself.
    Typed(Key),
    /// The first line of another file, an absolute path.
    File(PathBuf),
}

/// What a whole file asks for. What it does not name has its default value, or, where
/// a field says so, is left as it is.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The parent's name; without one, the kernel chooses it by the first address.
    pub parent: Option<String>,
    /// The number of the group; of several nodes, of the first one.
    pub vhid: Vhid,
    /// How often to advertise it.
    pub parameters: Parameters,
    /// If there are several nodes, all of them, and how they share the load.
    pub balance: Option<Balance>,
    /// The key that all hosts of the group have.
    pub key: KeySource,
    /// Is the device to be up?
    pub up: bool,
    /// In bytes; without one it is left as it is.
    pub mtu: Option<u32>,
    /// For people, at most 255 bytes; without one it is left as it is.
    pub description: Option<String>,
    /// All addresses, in the order of the file, none twice. Empty: they are left as
    /// they are, as somebody else's business (systemd-networkd's, say).
    pub addresses: Vec<Address>,
    /// In the order of the file.
    pub commands: Vec<Command>,
}

impl Configuration {
    /// Reads the text of a file that is about `interface`.
    ///
    /// # Errors
    ///
    /// What is wrong, the first mistake of each wrong line.
    pub fn read(text: &[u8], interface: &str) -> Result<Self, Mistakes> {
        let mut draft = Draft::new(interface);
        let mut mistakes = Mistakes::new();
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let number = index + 1;
            if let Err(mistake) = draft.add_line(number, line) {
                mistakes.push(Mistake {
                    line: Some(number),
                    ..mistake
                });
            }
        }
        // What is missing as a whole may be missing because of the mistakes.
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        draft.finish().map_err(|mistake| vec![mistake])
    }
}
