// SPDX-License-Identifier: GPL-2.0-or-later
//! Declarations of what `ip` (`include/utils.h`, `json_print.h`,
//! `libnetlink.h`) and libc export.

use core::ffi::{c_char, c_int, c_ushort};

/// `enum output_type`.
pub type OutputType = c_int;
/// Only if the output is text.
pub const PRINT_FP: OutputType = 1;
/// Only if the output is JSON.
pub const PRINT_JSON: OutputType = 2;
/// Either.
pub const PRINT_ANY: OutputType = 4;

/// `enum color_attr`.
pub type Color = c_int;
/// No colour.
pub const COLOR_NONE: Color = 6;

/// libc's stream.
#[repr(C)]
pub struct File {
    _opaque: [u8; 0],
}

/// `struct nlmsghdr`.
#[repr(C)]
pub struct NlMsgHdr {
    _opaque: [u8; 0],
}

/// `struct rtattr`, followed by its payload.
#[repr(C)]
pub struct RtAttr {
    /// Length with this header.
    pub len: c_ushort,
    /// Number.
    pub kind: c_ushort,
}

#[cfg(test)]
pub use super::fake::{
    addattr_l, close_json_array, close_json_object, duparg, incomplete_command, invarg,
    open_json_array, open_json_object, print_color_0xhex, print_color_string, print_color_u64,
    print_color_uint, print_nl,
};

#[cfg(not(test))]
unsafe extern "C" {
    pub fn print_color_string(
        t: OutputType,
        c: Color,
        key: *const c_char,
        fmt: *const c_char,
        value: *const c_char,
    ) -> c_int;
    pub fn print_color_uint(
        t: OutputType,
        c: Color,
        key: *const c_char,
        fmt: *const c_char,
        value: u32,
    ) -> c_int;
    pub fn print_color_u64(
        t: OutputType,
        c: Color,
        key: *const c_char,
        fmt: *const c_char,
        value: u64,
    ) -> c_int;
    pub fn print_color_0xhex(
        t: OutputType,
        c: Color,
        key: *const c_char,
        fmt: *const c_char,
        value: u64,
    ) -> c_int;
    pub fn open_json_array(t: OutputType, name: *const c_char);
    pub fn close_json_array(t: OutputType, delimiter: *const c_char);
    pub fn open_json_object(name: *const c_char);
    pub fn close_json_object();
    pub fn print_nl();

    pub fn addattr_l(
        n: *mut NlMsgHdr,
        maxlen: c_int,
        kind: c_int,
        data: *const core::ffi::c_void,
        length: c_int,
    ) -> c_int;

    pub fn invarg(message: *const c_char, arg: *const c_char) -> !;
    pub fn duparg(key: *const c_char, arg: *const c_char) -> !;
    pub fn incomplete_command() -> !;
}

unsafe extern "C" {
    pub static stdin: *mut File;
    pub static stderr: *mut File;

    pub fn fopen(path: *const c_char, mode: *const c_char) -> *mut File;
    pub fn fclose(file: *mut File) -> c_int;
    pub fn fgetc(file: *mut File) -> c_int;
    pub fn fputs(text: *const c_char, file: *mut File) -> c_int;
    pub fn ferror(file: *mut File) -> c_int;
    pub fn strerror(errno: c_int) -> *const c_char;
    pub fn __errno_location() -> *mut c_int;
}

#[cfg(not(test))]
unsafe extern "C" {
    pub fn abort() -> !;
}
