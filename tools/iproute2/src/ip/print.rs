// SPDX-License-Identifier: GPL-2.0-or-later
//! Printing, as text or as JSON, whichever the user asked `ip` for.
//!
//! All output goes through `ip`'s own functions: what is written to the stream
//! past them would stand in the middle of the JSON.  The formats stay in here,
//! so that no caller can give one that does not fit its value.

use super::sys::{self, COLOR_NONE, PRINT_ANY, PRINT_FP, PRINT_JSON};
use core::ffi::{CStr, c_char};
use core::ptr::null;

fn pointer(key: Option<&CStr>) -> *const c_char {
    key.map_or(null(), CStr::as_ptr)
}

/// Prints words that are no part of the JSON.
pub fn text(text: &CStr) {
    // SAFETY: A null key is allowed; the format takes one string.
    unsafe { sys::print_color_string(PRINT_FP, COLOR_NONE, null(), c"%s".as_ptr(), text.as_ptr()) };
}

/// Prints words that are no part of the JSON.
pub fn texts(texts: &[&CStr]) {
    for part in texts {
        text(part);
    }
}

/// Prints a string; the key is JSON's, and none inside an array.
pub fn string(key: Option<&CStr>, value: &CStr) {
    // SAFETY: A null key is allowed; the format takes one string.
    unsafe {
        sys::print_color_string(
            PRINT_ANY,
            COLOR_NONE,
            pointer(key),
            c"%s".as_ptr(),
            value.as_ptr(),
        )
    };
}

/// Prints a number; the key is JSON's, and none inside an array.
pub fn number(key: Option<&CStr>, value: u32) {
    // SAFETY: A null key is allowed; the format takes one unsigned int.
    unsafe { sys::print_color_uint(PRINT_ANY, COLOR_NONE, pointer(key), c"%u".as_ptr(), value) };
}

/// Prints a number of 64 bits; the key is JSON's, and none inside an array.
pub fn number_long(key: Option<&CStr>, value: u64) {
    // SAFETY: A null key is allowed; the format takes 64 bits on every ABI.
    unsafe { sys::print_color_u64(PRINT_ANY, COLOR_NONE, pointer(key), c"%llu".as_ptr(), value) };
}

/// Prints a number of 64 bits, in JSON only.
pub fn number_json(key: &CStr, value: u64) {
    // SAFETY: The format is not used in JSON.
    unsafe {
        sys::print_color_u64(
            PRINT_JSON,
            COLOR_NONE,
            key.as_ptr(),
            c"%llu".as_ptr(),
            value,
        )
    };
}

/// Prints an element of an array in hexadecimal; it is a string in JSON.
pub fn hexadecimal(value: u32) {
    // SAFETY: A null key is allowed; the format takes an unsigned long long.
    unsafe {
        sys::print_color_0xhex(
            PRINT_ANY,
            COLOR_NONE,
            null(),
            c"%#llx".as_ptr(),
            value.into(),
        )
    };
}

/// Prints a time: `KEY 12.345s`, and in JSON a number of milliseconds.
pub fn milliseconds(key: &CStr, value: u64) {
    number_json(key, value);
    texts(&[key, c" "]);
    // SAFETY: A null key is allowed; each format takes one value of its type.
    unsafe {
        sys::print_color_u64(PRINT_FP, COLOR_NONE, null(), c"%llu".as_ptr(), value / 1000);
        sys::print_color_u64(
            PRINT_FP,
            COLOR_NONE,
            null(),
            c".%03llus".as_ptr(),
            value % 1000,
        );
    }
}

/// Begins an array in JSON.
pub fn open_array(key: &CStr) {
    // SAFETY: `key` is a C string.
    unsafe { sys::open_json_array(PRINT_JSON, key.as_ptr()) };
}

/// Ends an array in JSON.
pub fn close_array() {
    // SAFETY: The delimiter is not used in JSON.
    unsafe { sys::close_json_array(PRINT_JSON, c"".as_ptr()) };
}

/// Begins an object in JSON, inside an array.
pub fn open_object() {
    // SAFETY: A null name is allowed.
    unsafe { sys::open_json_object(null()) };
}

/// Ends an object in JSON.
pub fn close_object() {
    // SAFETY: The function has no preconditions.
    unsafe { sys::close_json_object() };
}

/// Begins a new line, which with `ip -o` is a backslash; nothing in JSON.
pub fn new_line() {
    // SAFETY: The function has no preconditions.
    unsafe { sys::print_nl() };
}
