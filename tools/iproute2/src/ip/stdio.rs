// SPDX-License-Identifier: GPL-2.0-or-later
//! libc's streams.
//!
//! The streams rather than the files below them, because `ip` buffers too: in
//! a batch from the standard input, `passfile -` takes the batch's next line.

use super::sys::{self, File};
use core::ffi::{CStr, c_int};

/// Where to print.
#[derive(Clone, Copy)]
pub enum Stream {
    /// The standard error stream.
    Error,
    /// The stream that `ip` gave.
    Given(Given),
}

/// A stream that is open for writing.
#[derive(Clone, Copy)]
pub struct Given(*mut File);

impl Given {
    /// Wraps `ip`'s stream.
    ///
    /// # Safety
    ///
    /// `file` is open for writing as long as the value is used.
    pub unsafe fn new(file: *mut File) -> Self {
        Self(file)
    }
}

/// Prints the parts one after the other.
pub fn print(stream: Stream, parts: &[&CStr]) {
    let file = match stream {
        // SAFETY: libc set it before `main`; `ip` has one thread.
        Stream::Error => unsafe { sys::stderr },
        Stream::Given(given) => given.0,
    };
    for part in parts {
        // SAFETY: `part` is a C string, and the stream is open for writing.
        unsafe { sys::fputs(part.as_ptr(), file) };
    }
}

/// Prints what an error number means, on a line, to the error stream.
pub fn print_errno(errno: c_int) {
    // SAFETY: The function returns a C string for every number; `ip` has one
    // thread, so that it stays as it is until it is printed.
    let text = unsafe { CStr::from_ptr(sys::strerror(errno)) };
    print(Stream::Error, &[text, c"\n"]);
}

/// Why a file's first line could not be read.
#[derive(Debug, PartialEq)]
pub enum LineError {
    /// It does not fit into the buffer.
    TooLong,
    /// The system says so: an error number.
    System(c_int),
}

fn system_error() -> LineError {
    // SAFETY: The function returns the address of the thread's number.
    LineError::System(unsafe { *sys::__errno_location() })
}

/// An input stream, closed when dropped unless it is the standard input.
struct Input {
    file: *mut File,
    close: bool,
}

impl Input {
    fn open(path: &CStr) -> Result<Self, LineError> {
        if path == c"-" {
            // SAFETY: libc set it before `main`; `ip` has one thread.
            let file = unsafe { sys::stdin };
            return Ok(Self { file, close: false });
        }
        // SAFETY: Both are C strings.
        let file = unsafe { sys::fopen(path.as_ptr(), c"re".as_ptr()) };
        if file.is_null() {
            return Err(system_error());
        }
        Ok(Self { file, close: true })
    }

    /// The next byte, or none at the end.
    fn byte(&mut self) -> Result<Option<u8>, LineError> {
        // SAFETY: The stream is open for reading.
        let byte = unsafe { sys::fgetc(self.file) };
        if let Ok(byte) = u8::try_from(byte) {
            return Ok(Some(byte));
        }
        let error = system_error();
        // SAFETY: The stream is open.
        if unsafe { sys::ferror(self.file) } != 0 {
            return Err(error);
        }
        Ok(None)
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        if self.close {
            // SAFETY: `open` opened the stream, and nothing uses it after.
            unsafe { sys::fclose(self.file) };
        }
    }
}

/// Reads a file's first line, without the newline, and returns its length; the
/// path `-` is the standard input.
pub fn first_line(path: &CStr, line: &mut [u8]) -> Result<usize, LineError> {
    let mut input = Input::open(path)?;
    let mut length = 0;
    while let Some(byte) = input.byte()?.filter(|byte| *byte != b'\n') {
        *line.get_mut(length).ok_or(LineError::TooLong)? = byte;
        length += 1;
    }
    Ok(length)
}
