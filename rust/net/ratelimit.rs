// SPDX-License-Identifier: GPL-2.0

//! Limits on how often something is logged.
//!
//! C header: [`include/linux/net.h`](srctree/include/linux/net.h)
//!
//! May be called in any context but NMIs.

use super::bindings;

/// Says whether a message about the network may be logged now.
///
/// The limit is one for the whole kernel (`net.core.message_cost` and
/// `net.core.message_burst`); how many messages were left out is logged by it.
pub(crate) fn net_ratelimit() -> bool {
    // SAFETY: Takes no arguments, and its lock is one that is only tried.
    unsafe { bindings::net_ratelimit() != 0 }
}
