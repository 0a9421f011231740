// SPDX-License-Identifier: GPL-2.0-only
//! The standard output: with colours for a terminal, plain for all else.

use crate::options::Color;
use anstream::{AutoStream, ColorChoice};
use std::io::{BufWriter, Stdout};

/// Where everything is printed.
pub type Output = BufWriter<AutoStream<Stdout>>;

/// Opens the standard output. Unless colours are asked for, they are for a
/// terminal, and not if `NO_COLOR` is set.
pub fn open(color: Color) -> Output {
    let choice = match color {
        Color::Auto => AutoStream::choice(&std::io::stdout()),
        Color::Always => ColorChoice::AlwaysAnsi,
        Color::Never => ColorChoice::Never,
    };
    BufWriter::new(AutoStream::new(std::io::stdout(), choice))
}
