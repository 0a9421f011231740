// SPDX-License-Identifier: GPL-2.0-or-later
//! The table of functions that `ip` takes from the plugin, and they.

use super::attributes::{Indexed, payload};
use super::message::Message;
use super::stdio::{self, Given, Stream};
use super::sys::{File, NlMsgHdr, RtAttr};
use super::words::Words;
use crate::configure::{USAGE, configure};
use crate::{show, statistics};
use carp_uapi::attribute::Nested;
use carp_uapi::numbers::IFLA_CARP_MAX;
use core::cell::UnsafeCell;
use core::ffi::{c_char, c_int, c_void};
use core::ptr::null_mut;

/// `struct link_util` of iproute2's `ip/ip_common.h`.
#[repr(C)]
struct LinkUtil {
    next: *mut LinkUtil,
    id: *const c_char,
    maxattr: c_int,
    parse_opt: Option<ParseOpt>,
    print_opt: Option<PrintOpt>,
    print_xstats: Option<PrintXstats>,
    print_help: Option<PrintHelp>,
    parse_ifla_xstats:
        Option<unsafe extern "C" fn(*mut LinkUtil, c_int, *const *const c_char) -> c_int>,
    print_ifla_xstats: Option<unsafe extern "C" fn(*mut NlMsgHdr, *mut c_void) -> c_int>,
}

type ParseOpt =
    unsafe extern "C" fn(*mut LinkUtil, c_int, *const *const c_char, *mut NlMsgHdr) -> c_int;
type PrintOpt = unsafe extern "C" fn(*mut LinkUtil, *mut File, *const *const RtAttr);
type PrintXstats = unsafe extern "C" fn(*mut LinkUtil, *mut File, *const RtAttr);
type PrintHelp = unsafe extern "C" fn(*mut LinkUtil, c_int, *const *const c_char, *mut File);

/// A table that `ip` links into its list, so that it stands in writable memory.
#[repr(transparent)]
pub struct Table(UnsafeCell<LinkUtil>);

// SAFETY: The plugin itself never reads nor writes the table, and `ip` has one
// thread.
unsafe impl Sync for Table {}

/// The table that `ip` looks up by name.
#[allow(non_upper_case_globals)]
// SAFETY: The name is for the kind's plugin alone, by the way `ip` finds it.
#[unsafe(no_mangle)]
pub static carp_link_util: Table = Table(UnsafeCell::new(LinkUtil {
    next: null_mut(),
    id: c"carp".as_ptr(),
    maxattr: IFLA_CARP_MAX as c_int,
    parse_opt: Some(parse_opt),
    print_opt: Some(print_opt),
    print_xstats: Some(print_xstats),
    print_help: Some(print_help),
    parse_ifla_xstats: None,
    print_ifla_xstats: None,
}));

/// Reads options and puts them into the message.
///
/// # Safety
///
/// As `ip` calls it: `argv` has `argc` C strings, `message` room.
unsafe extern "C" fn parse_opt(
    _: *mut LinkUtil,
    argc: c_int,
    argv: *const *const c_char,
    message: *mut NlMsgHdr,
) -> c_int {
    // SAFETY: `ip` keeps its command line.
    let words = unsafe { Words::new(argc, argv) };
    // SAFETY: `ip` waits for us with a `struct iplink_req`.
    let mut message = unsafe { Message::new(message) };
    match configure(words, &mut message) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

/// Prints the attributes of a device.
///
/// # Safety
///
/// As `ip` calls it: `table` is null, if the kernel sent no attributes of the
/// kind, or has `maxattr` + 1 pointers to attributes or null.
unsafe extern "C" fn print_opt(_: *mut LinkUtil, _: *mut File, table: *const *const RtAttr) {
    if table.is_null() {
        return;
    }
    // SAFETY: `table` is not null, and has what `maxattr` asks for.
    show::show(&unsafe { Indexed::new(table, IFLA_CARP_MAX) });
}

/// Prints the counters of a device.
///
/// # Safety
///
/// As `ip` calls it: `attribute` is the kernel's `IFLA_INFO_XSTATS`.
unsafe extern "C" fn print_xstats(_: *mut LinkUtil, _: *mut File, attribute: *const RtAttr) {
    if attribute.is_null() {
        return;
    }
    // SAFETY: `ip` checked the length before it took the message apart.
    statistics::show(Nested(unsafe { payload(attribute) }));
}

/// Prints the syntax.
///
/// # Safety
///
/// As `ip` calls it: `file` is open for writing.
unsafe extern "C" fn print_help(
    _: *mut LinkUtil,
    _: c_int,
    _: *const *const c_char,
    file: *mut File,
) {
    // SAFETY: `file` stays open during the call.
    let stream = Stream::Given(unsafe { Given::new(file) });
    stdio::print(stream, &[USAGE]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ip::fake::{Attribute, Buffer, attributes, json_of, text_of};
    use carp_uapi::numbers::*;
    use core::ptr::null;

    fn link_util() -> &'static LinkUtil {
        // SAFETY: Nothing writes it in a test.
        unsafe { &*carp_link_util.0.get() }
    }

    #[test]
    fn no_attributes_at_all() {
        // SAFETY: Null is what `ip` gives when the kernel sent none.
        let print = || unsafe { link_util().print_opt.unwrap()(null_mut(), null_mut(), null()) };
        assert_eq!(text_of(print), "");
        assert_eq!(json_of(print), "{}");
    }

    #[test]
    fn attributes_through_the_table() {
        let bytes = attributes(&[Attribute::u32(IFLA_CARP_VHID, 7)]);
        let mut table = [null::<RtAttr>(); IFLA_CARP_MAX as usize + 1];
        table[IFLA_CARP_VHID as usize] = bytes.as_ptr().cast();
        let print = || {
            // SAFETY: The table has the length that `maxattr` says.
            unsafe { link_util().print_opt.unwrap()(null_mut(), null_mut(), table.as_ptr()) }
        };
        assert_eq!(link_util().maxattr, table.len() as c_int - 1);
        assert_eq!(text_of(print), "vhid 7 ");
        assert_eq!(json_of(print), r#"{"vhid":7}"#);
    }

    #[test]
    fn counters_through_the_table() {
        const IFLA_INFO_XSTATS: u32 = 3;
        let nested = attributes(&[Attribute::u64(IFLA_CARP_STATS_RX_V6, 1 << 40)]);
        let bytes = attributes(&[Attribute::bytes(IFLA_INFO_XSTATS, &nested)]);
        let print = || {
            let attribute = bytes.as_ptr().cast();
            // SAFETY: It is an attribute.
            unsafe { link_util().print_xstats.unwrap()(null_mut(), null_mut(), attribute) }
        };
        assert_eq!(json_of(print), r#"{"rx_v6":1099511627776}"#);
    }

    #[test]
    fn options_through_the_table() {
        let mut buffer = Buffer::empty();
        let argv = [c"vhid".as_ptr(), c"3".as_ptr(), c"beyond".as_ptr()];
        let parse_opt = link_util().parse_opt.unwrap();
        // SAFETY: Two of the strings are counted; the buffer is a message.
        let result = unsafe { parse_opt(null_mut(), 2, argv.as_ptr(), buffer.header()) };
        assert_eq!(result, 0);
        assert_eq!(
            buffer.attributes(),
            [(IFLA_CARP_VHID, 3u32.to_ne_bytes().to_vec())]
        );
        // SAFETY: As above, with all three.
        let result = unsafe { parse_opt(null_mut(), 3, argv.as_ptr(), buffer.header()) };
        assert_eq!(result, -1);
    }
}
