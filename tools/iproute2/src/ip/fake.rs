// SPDX-License-Identifier: GPL-2.0-or-later
//! What the tests have in place of `ip`: its functions, as far as the plugin
//! uses them, printing into a string.  The functions stand for those of
//! `sys.rs` and want the same.
#![allow(missing_docs, clippy::missing_safety_doc)]

use super::message::Message;
use super::sys::{Color, NlMsgHdr, OutputType, PRINT_FP, PRINT_JSON};
use carp_uapi::attribute::Nested;
use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};

/// An attribute to be read.
pub struct Attribute {
    number: u32,
    payload: Vec<u8>,
}

impl Attribute {
    /// With any payload.
    pub fn bytes(number: u32, payload: &[u8]) -> Self {
        Self {
            number,
            payload: payload.to_vec(),
        }
    }

    /// With a number of 32 bits.
    pub fn u32(number: u32, value: u32) -> Self {
        Self::bytes(number, &value.to_ne_bytes())
    }

    /// With a number of 64 bits.
    pub fn u64(number: u32, value: u64) -> Self {
        Self::bytes(number, &value.to_ne_bytes())
    }
}

/// Lays attributes out as the kernel does.
pub fn attributes(list: &[Attribute]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for Attribute { number, payload } in list {
        bytes.extend(u16::try_from(payload.len() + 4).unwrap().to_ne_bytes());
        bytes.extend(u16::try_from(*number).unwrap().to_ne_bytes());
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// A netlink message; the header is its length alone.
pub struct Buffer([u32; 256]);

impl Buffer {
    /// An empty message.
    pub fn empty() -> Self {
        let mut words = [0; 256];
        words[0] = 4;
        Self(words)
    }

    /// Where it begins.
    pub fn header(&mut self) -> *mut NlMsgHdr {
        self.0.as_mut_ptr().cast()
    }

    /// To be written to.
    pub fn message(&mut self) -> Message<'_> {
        // SAFETY: The buffer has 1024 bytes and is borrowed.
        unsafe { Message::new(self.header()) }
    }

    /// What was written.
    pub fn attributes(&self) -> Vec<(u32, Vec<u8>)> {
        let bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_ne_bytes()).collect();
        Nested(&bytes[4..self.0[0] as usize])
            .map(|(number, payload)| (number, payload.to_vec()))
            .collect()
    }
}

thread_local! {
    static OUTPUT: RefCell<Output> = const { RefCell::new(Output { json: false, text: String::new() }) };
}

struct Output {
    json: bool,
    text: String,
}

impl Output {
    /// Adds to the JSON, with the comma and the key that belong before it.
    fn json(&mut self, key: Option<&str>, value: &str) {
        if !self.text.ends_with(['{', '[']) {
            self.text.push(',');
        }
        if let Some(key) = key {
            self.text.push_str(&format!("\"{key}\":"));
        }
        self.text.push_str(value);
    }
}

/// What is printed as text.
pub fn text_of(print: impl FnOnce()) -> String {
    OUTPUT.replace(Output {
        json: false,
        text: String::new(),
    });
    print();
    OUTPUT.with_borrow(|output| output.text.clone())
}

/// What is printed as JSON, in an object.
pub fn json_of(print: impl FnOnce()) -> String {
    OUTPUT.replace(Output {
        json: true,
        text: "{".into(),
    });
    print();
    OUTPUT.with_borrow(|output| output.text.clone() + "}")
}

/// The string at a pointer, or none at null.
unsafe fn string<'a>(pointer: *const c_char) -> Option<&'a str> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: The plugin has only C strings.
    Some(unsafe { CStr::from_ptr(pointer) }.to_str().unwrap())
}

/// Prints a value, given in each of the two forms and with its conversion.
unsafe fn value(
    kind: OutputType,
    key: *const c_char,
    format: *const c_char,
    conversions: &[(&str, String)],
    json: &str,
) -> c_int {
    // SAFETY: The plugin has only C strings.
    let (key, format) = unsafe { (string(key), string(format).unwrap()) };
    OUTPUT.with_borrow_mut(|output| {
        if output.json && kind != PRINT_FP {
            output.json(key, json);
        } else if !output.json && kind != PRINT_JSON {
            let (conversion, text) = conversions
                .iter()
                .find(|(conversion, _)| format.contains(conversion))
                .expect("a format that fits the value");
            assert_eq!(format.matches('%').count(), 1);
            output.text.push_str(&format.replace(conversion, text));
        }
    });
    0
}

pub unsafe fn print_color_string(
    kind: OutputType,
    _: Color,
    key: *const c_char,
    format: *const c_char,
    text: *const c_char,
) -> c_int {
    // SAFETY: The plugin has only C strings.
    unsafe {
        let text = string(text).unwrap();
        let json = format!("{text:?}");
        value(kind, key, format, &[("%s", text.into())], &json)
    }
}

pub unsafe fn print_color_uint(
    kind: OutputType,
    _: Color,
    key: *const c_char,
    format: *const c_char,
    number: u32,
) -> c_int {
    let text = number.to_string();
    // SAFETY: The plugin has only C strings.
    unsafe { value(kind, key, format, &[("%u", text.clone())], &text) }
}

pub unsafe fn print_color_u64(
    kind: OutputType,
    _: Color,
    key: *const c_char,
    format: *const c_char,
    number: u64,
) -> c_int {
    let text = number.to_string();
    let conversions = [("%llu", text.clone()), ("%03llu", format!("{number:03}"))];
    // SAFETY: The plugin has only C strings.
    unsafe { value(kind, key, format, &conversions, &text) }
}

pub unsafe fn print_color_0xhex(
    kind: OutputType,
    _: Color,
    key: *const c_char,
    format: *const c_char,
    number: u64,
) -> c_int {
    let text = format!("{number:#x}");
    let json = format!("{text:?}");
    // SAFETY: The plugin has only C strings.
    unsafe { value(kind, key, format, &[("%#llx", text)], &json) }
}

fn open(key: *const c_char, bracket: &str) {
    // SAFETY: The plugin has only C strings.
    let key = unsafe { string(key) };
    OUTPUT.with_borrow_mut(|output| {
        if output.json {
            output.json(key, bracket);
        }
    });
}

fn close(bracket: char) {
    OUTPUT.with_borrow_mut(|output| {
        if output.json {
            output.text.push(bracket);
        }
    });
}

pub unsafe fn open_json_array(kind: OutputType, key: *const c_char) {
    assert_eq!(kind, PRINT_JSON);
    open(key, "[");
}

pub unsafe fn close_json_array(kind: OutputType, _: *const c_char) {
    assert_eq!(kind, PRINT_JSON);
    close(']');
}

pub unsafe fn open_json_object(key: *const c_char) {
    open(key, "{");
}

pub unsafe fn close_json_object() {
    close('}');
}

pub unsafe fn print_nl() {
    OUTPUT.with_borrow_mut(|output| {
        if !output.json {
            output.text.push('\n');
        }
    });
}

pub unsafe fn addattr_l(
    message: *mut NlMsgHdr,
    room: c_int,
    kind: c_int,
    data: *const c_void,
    length: c_int,
) -> c_int {
    let (kind, length) = (kind as u32, length as usize);
    // SAFETY: The message is a `Buffer`, and the data as long as it says.
    unsafe {
        let used = message.cast::<u32>();
        let payload = std::slice::from_raw_parts(data.cast(), length);
        let bytes = attributes(&[Attribute::bytes(kind, payload)]);
        if *used as usize + bytes.len() > room as usize {
            return -1;
        }
        let end = message.cast::<u8>().add(*used as usize);
        end.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        *used += bytes.len() as u32;
    }
    0
}

pub unsafe fn invarg(message: *const c_char, word: *const c_char) -> ! {
    // SAFETY: The plugin has only C strings.
    panic!("{:?} is wrong: {:?}", unsafe { string(word) }, unsafe {
        string(message)
    })
}

pub unsafe fn duparg(key: *const c_char, word: *const c_char) -> ! {
    // SAFETY: The plugin has only C strings.
    panic!("duplicate {:?}: {:?}", unsafe { string(key) }, unsafe {
        string(word)
    })
}

pub unsafe fn incomplete_command() -> ! {
    panic!("incomplete command")
}
