// SPDX-License-Identifier: GPL-2.0-only
//! Netlink: what is sent to the kernel and what it answers.
//!
//! Messages are read by iterators that stop at what is not whole, so that no
//! bytes can make them panic; what a newer kernel adds is passed over.

pub mod address;
pub mod carp;
pub mod family;
pub mod link;
pub mod message;
pub mod node;
pub mod socket;

pub use message::{Message, Refusal, Request};
pub use socket::{Reply, Socket};
