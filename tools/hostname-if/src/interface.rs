// SPDX-License-Identifier: GPL-2.0

//! Names of network devices.

/// Could a network device have this name? The kernel's rules: 1 to 15 bytes, no
/// slash, colon or white space, neither `.` nor `..`; and nothing that a terminal
/// does not show.
pub fn is_interface_name(name: &[u8]) -> bool {
    (1..=15).contains(&name.len())
        && name != b"."
        && name != b".."
        && name
            .iter()
            .all(|&byte| byte.is_ascii_graphic() && byte != b'/' && byte != b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["carp0", "eth0.10", "a", "fifteen-letters"] {
            assert!(is_interface_name(good.as_bytes()), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a:b", "a b", "sixteen-letters-", "ü"] {
            assert!(!is_interface_name(bad.as_bytes()), "{bad}");
        }
    }
}
