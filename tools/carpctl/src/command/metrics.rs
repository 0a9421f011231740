// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl metrics`: for the textfile collector of Prometheus' node_exporter.

use super::{Command, Context, groups};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::kernel::Kernel;
use crate::prometheus;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub(super) const COMMAND: Command = Command {
    name: "metrics",
    arguments: "[interface ...]",
    summary: "metrics in Prometheus' text format",
    run,
};

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    if context.options.json {
        return Err(Failure::usage("--json", "metrics has a format of its own"));
    }
    let groups = groups(&mut Kernel::connect()?, names)?;
    let text = prometheus::text(&groups, SystemTime::now());
    match &context.options.output {
        None => context.out.write_all(text.as_bytes())?,
        Some(path) => replace(path, text.as_bytes()).map_err(|error| {
            Failure::new(
                ExitStatus::Failed,
                format!("--output {}: {error}", path.display()),
            )
        })?,
    }
    Ok(ExitStatus::Success)
}

/// Replaces a file, so that who reads it sees the old or the new one, and never
/// a half.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = beside(path)?;
    let result = write(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if result.is_err() {
        // It may not even be there.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// A name in the same directory, which the collector passes over.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}", std::process::id()));
    Ok(path.with_file_name(temporary))
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    // node_exporter is another user.
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_not() {
        let directory =
            std::env::temp_dir().join(format!("carpctl-metrics-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("carp.prom");
        replace(&path, b"one\n").unwrap();
        replace(&path, b"two\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        assert_eq!(
            fs::read_dir(&directory).unwrap().count(),
            1,
            "nothing is left behind"
        );
        // A directory cannot be replaced by a file.
        assert!(replace(&directory, b"three\n").is_err());
        assert!(replace(Path::new("/"), b"").is_err());
        assert!(replace(&directory.join("no/such.prom"), b"").is_err());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        fs::remove_dir_all(&directory).unwrap();
    }
}
