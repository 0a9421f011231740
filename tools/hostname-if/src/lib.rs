// SPDX-License-Identifier: GPL-2.0

//! `/etc/hostname.carp0`: the files in which OpenBSD keeps the configuration of
//! an interface, as far as they concern CARP.
//!
//! [`Configuration::read`] makes sense of a file's text, or says what is wrong with it.
//! It is pure: whoever calls reads the file, and carries out what it says
//! (`carpctl load`). The grammar for people is in hostname.carp(5); its source is
//! OpenBSD's hostname.if(5) and netstart(8).
//!
//! ```
//! use carp_hostname_if::Configuration;
//!
//! let text = b"inet 192.0.2.10 255.255.255.0 192.0.2.255\nup vhid 1 pass tyrell\n";
//! let wanted = Configuration::read(text, "carp0").unwrap();
//! assert_eq!(wanted.addresses[0].to_string(), "192.0.2.10/24");
//! assert_eq!(wanted.vhid.get(), 1);
//!
//! let mistakes = Configuration::read(b"vhid 1\nup fast\n", "carp0").unwrap_err();
//! assert_eq!((mistakes[0].line, mistakes[0].word.as_str()), (Some(2), "fast"));
//! ```

#![forbid(unsafe_code)]

mod address;
mod balance;
mod command;
mod configuration;
mod draft;
mod grammar;
mod interface;
mod mistake;
mod permission;
mod refusal;
mod unit;
mod value;
mod words;

pub use address::{Address, AddressError};
pub use balance::{Balance, Node};
pub use carp_proto::{Key, Parameters, Vhid, KEY_LEN};
pub use command::{Command, Moment};
pub use configuration::{Configuration, KeySource};
pub use interface::is_interface_name;
pub use mistake::{Mistake, Mistakes};
pub use permission::{check_permissions, Danger, Ownership};
pub use unit::{concerns, interface_of, units, Output};
