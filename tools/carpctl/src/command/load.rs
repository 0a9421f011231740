// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl load`: makes interfaces as their files, `/etc/hostname.carp0`, say.
//!
//! A file that has a mistake changes nothing, and does not keep the others from being
//! carried out: each is about a group of its own.

use super::{Command, Context};
use crate::apply::{self, Desired, Step, Wanted};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json;
use crate::kernel::Kernel;
use crate::key::Source;
use crate::netlink::link::Key;
use crate::text::Plain;
use carp_hostname_if::{
    Configuration, KeySource, Moment, Ownership, check_permissions, concerns, interface_of,
    is_interface_name,
};
use carp_uapi::number::Node;
use serde::Serialize;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};

pub(super) const COMMAND: Command = Command {
    name: "load",
    arguments: "[interface | file ...]",
    summary: "make interfaces as /etc/hostname.carp0 says",
    run,
};

/// Where the files are.
const DIRECTORY: &str = "/etc";

/// A file, read and understood.
struct Loaded {
    path: PathBuf,
    interface: String,
    configuration: Configuration,
}

#[derive(Serialize)]
struct LoadJson {
    ifname: String,
    file: String,
    changes: Vec<String>,
}

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    let mut worst = ExitStatus::Success;
    let mut files = Vec::new();
    for result in if names.is_empty() {
        all(DIRECTORY)?
    } else {
        named(names)
    } {
        match result {
            Ok(file) => files.push(file),
            Err(mistakes) => {
                worst = ExitStatus::Usage;
                mistakes.iter().for_each(|text| complain(text));
            }
        }
    }
    if context.options.check {
        if context.options.json {
            let right: Vec<_> = files.iter().map(|file| file.json(&[])).collect();
            json::print(context.out, &right)?;
        }
        return Ok(worst);
    }

    let mut kernel = Kernel::connect()?;
    let mut done = Vec::new();
    for file in &files {
        match file.carry_out(&mut kernel, context.options.diff) {
            Ok(steps) => {
                if context.options.diff && !context.options.json {
                    for step in &steps {
                        writeln!(context.out, "{} {step}", Plain(&file.interface))?;
                    }
                }
                done.push(file.json(&steps));
            }
            Err(failure) => {
                complain(&failure.text);
                // A mistake of a file does not go away by waiting, what the kernel says may.
                worst = failure.status;
            }
        }
    }
    if context.options.json {
        json::print(context.out, &done)?;
    }
    Ok(worst)
}

/// Tells the user without ending: there may be other files.
fn complain(text: &str) {
    // Nobody is left to tell if that fails, too.
    let _ = writeln!(io::stderr(), "carpctl: {}", Plain(text));
}

/// The files of these interfaces or paths; those that cannot be used with what is wrong.
fn named(names: &[String]) -> Vec<Result<Loaded, Vec<String>>> {
    let path = |name: &String| match name.contains('/') {
        true => PathBuf::from(name),
        false => Path::new(DIRECTORY).join(format!("hostname.{name}")),
    };
    names.iter().map(|name| read(&path(name))).collect()
}

/// All files that are about carp interfaces, in the order of their numbers.
fn all(directory: &str) -> io::Result<Vec<Result<Loaded, Vec<String>>>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(interface) = name.to_str().and_then(interface_of) else {
            continue;
        };
        // One that cannot be read is named when its turn comes.
        let text = fs::read(entry.path()).unwrap_or_default();
        if concerns(interface, &Configuration::read(&text, interface)) {
            paths.push((interface.len(), entry.path()));
        }
    }
    // carp2 before carp10.
    paths.sort();
    Ok(paths.iter().map(|(_, path)| read(path)).collect())
}

/// Reads a file. Warns of a key that is no secret.
fn read(path: &Path) -> Result<Loaded, Vec<String>> {
    let shown = path.display();
    let name = path.file_name().unwrap_or_default().as_bytes();
    let interface = name
        .strip_prefix(b"hostname.")
        .filter(|name| is_interface_name(name))
        .and_then(|name| OsStr::from_bytes(name).to_str())
        .ok_or_else(|| vec![format!("{shown}: a file's name is hostname.INTERFACE")])?;

    let failed = |error: io::Error| vec![format!("{shown}: {error}")];
    // One look at the permissions of what is read, even if somebody puts another in its place.
    let mut file = File::open(path).map_err(failed)?;
    let status = file.metadata().map_err(failed)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(failed)?;

    let configuration = Configuration::read(&text, interface).map_err(|mistakes| {
        let shown = |mistake| format!("{shown}:{mistake}");
        mistakes.iter().map(shown).collect::<Vec<_>>()
    })?;
    let ownership = Ownership {
        uid: status.uid(),
        gid: status.gid(),
        mode: status.mode(),
    };
    if let Some(danger) = check_permissions(ownership, &configuration) {
        let text = format!("{shown}: {danger}");
        if danger.forbids() {
            return Err(vec![text]);
        }
        complain(&text);
    }
    Ok(Loaded {
        path: path.to_owned(),
        interface: interface.to_owned(),
        configuration,
    })
}

impl Loaded {
    /// Makes the interface as the file says; or, `dry`, only finds out what for that is to
    /// be done. Returns that.
    fn carry_out(&self, kernel: &mut Kernel, dry: bool) -> Result<Vec<Step>, Failure> {
        let desired = self.desired()?;
        if !dry {
            self.run_commands(Moment::Before);
        }
        let (present, steps) = apply::prepare(kernel, &desired)?;
        self.check_parent(&present)?;
        if !dry {
            apply::perform(kernel, &desired.name, &present, &steps)?;
            self.run_commands(Moment::After);
        }
        Ok(steps)
    }

    fn json(&self, steps: &[Step]) -> LoadJson {
        LoadJson {
            ifname: self.interface.clone(),
            file: self.path.display().to_string(),
            changes: steps.iter().map(Step::to_string).collect(),
        }
    }

    fn desired(&self) -> Result<Desired, Failure> {
        let configuration = &self.configuration;
        let key = match &configuration.key {
            KeySource::Empty => Key(Vec::new()),
            KeySource::Typed(key) => {
                // The padding is not a part of it.
                let mut key = key.as_bytes().to_vec();
                while key.last() == Some(&0) {
                    key.pop();
                }
                Key(key)
            }
            KeySource::File(path) => Source::File(path.clone()).read().map_err(|failure| {
                Failure::new(
                    failure.status,
                    format!("{}: {}", self.path.display(), failure.text),
                )
            })?,
        };
        let wanted = |address: &carp_hostname_if::Address| Wanted {
            ip: address.ip(),
            prefix: address.prefix(),
            broadcast: None,
        };
        let addresses: Vec<_> = configuration.addresses.iter().map(wanted).collect();
        let one = configuration.balance.is_none();
        let balance = configuration.balance.as_ref();
        let node = |node: &carp_hostname_if::Node| Node {
            vhid: node.vhid.get().into(),
            advskew: node.parameters.advskew().into(),
        };
        Ok(Desired {
            name: self.interface.clone(),
            carpdev: configuration.parent.clone(),
            vhid: one.then_some(configuration.vhid.get().into()),
            advbase: Some(configuration.parameters.advbase().into()),
            advskew: one.then_some(configuration.parameters.advskew().into()),
            nodes: balance.map(|balance| balance.nodes.iter().map(node).collect()),
            balancing: balance.map(|balance| balance.mode),
            selection: balance.map(|balance| balance.selection),
            key: Some(key),
            mtu: configuration.mtu,
            description: configuration.description.clone(),
            // They are somebody else's.
            addresses: Some(addresses).filter(|addresses| !addresses.is_empty()),
            up: Some(configuration.up),
        })
    }

    /// Without `carpdev`, the kernel finds a parent when it is given the first address, and
    /// at no other time: there should be one then.
    fn check_parent(&self, present: &apply::Present) -> Result<(), Failure> {
        let Some(first) = self.configuration.addresses.first() else {
            return Ok(());
        };
        let own = present.group.as_ref().map(|group| group.link.index);
        let found = present
            .addresses
            .iter()
            .any(|(device, address)| Some(*device) != own && address.subnet_has(first.ip()));
        if present.parent.is_some() || found {
            return Ok(());
        }
        Err(Failure::new(
            ExitStatus::Failed,
            format!(
                "{}: no interface has {} in its subnet, so one must be named: carpdev",
                self.path.display(),
                first.ip()
            ),
        ))
    }

    fn run_commands(&self, moment: Moment) {
        let commands = self.configuration.commands.iter();
        for command in commands.filter(|command| command.moment == moment) {
            let result = process::Command::new("sh")
                .arg("-c")
                .arg(OsStr::from_bytes(&command.text))
                .stdin(Stdio::null())
                .status();
            let what = match result {
                Ok(status) if status.success() => continue,
                Ok(status) => format!("the command ended with {status}"),
                Err(error) => format!("sh: {error}"),
            };
            complain(&format!("{}:{}: {what}", self.path.display(), command.line));
        }
    }
}
