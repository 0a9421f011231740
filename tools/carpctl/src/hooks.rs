// SPDX-License-Identifier: GPL-2.0-only
//! The programs of `monitor --exec`: what is run when a group changes its state.
//!
//! Each group, and of a group with several nodes each node, has a thread, which runs
//! the programs of the directory one after the other, in the order of their names.
//! While they run, later states wait; of those, only the last one is told.

use crate::event::{Event, Kind};
use crate::failure::Failure;
use crate::group::{reason_name, state_name};
use crate::text::Plain;
use carp_uapi::numbers::{
    CARP_CMD_GROUP_CHANGE, CARP_CMD_GROUP_DELETE, CARP_CMD_GROUP_NEW, CARP_CMD_TRANSITION,
    CARP_STATE_INIT,
};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a program finds in its environment.
pub static ENVIRONMENT: &[(&str, &str)] = &[
    (
        "CARP_EVENT",
        "why it is run: start (carpctl begins), transition, resync (after lost events) or delete (the group is gone)",
    ),
    ("CARP_IFNAME", "the carp interface"),
    ("CARP_IFINDEX", "its number"),
    ("CARP_PARENT", "the interface that it is on, or empty"),
    (
        "CARP_VHID",
        "the number of the group, or of the node, or empty",
    ),
    (
        "CARP_OLD_STATE",
        "the state that the programs were last run for, or empty",
    ),
    ("CARP_STATE", "the state now: INIT, BACKUP or MASTER"),
    ("CARP_REASON", "the reason of the state"),
    (
        "CARP_SEQUENCE",
        "the number of the event, or of the last one before a start or resync",
    ),
    (
        "CARP_SKIPPED",
        "how many states came and went meanwhile, for which nothing was run",
    ),
];

/// A state that the programs are to be told.
#[derive(Clone, Debug, PartialEq)]
struct News {
    event: &'static str,
    ifname: String,
    ifindex: u32,
    parent: String,
    vhid: Option<u32>,
    state: u32,
    reason: String,
    sequence: String,
    skipped: u32,
}

impl News {
    /// What there is to tell of an event: of each node, if it is about all of them.
    fn of(event: &Event, started: bool) -> Vec<Self> {
        let report = &event.report;
        let why = match event.kind {
            // Of those that are new.
            Kind::Told(CARP_CMD_TRANSITION | CARP_CMD_GROUP_NEW | CARP_CMD_GROUP_CHANGE) => {
                "transition"
            }
            Kind::Told(CARP_CMD_GROUP_DELETE) => "delete",
            Kind::Group if started => "resync",
            Kind::Group => "start",
            _ => return Vec::new(),
        };
        let whole = Self {
            event: why,
            ifname: report.ifname.clone(),
            ifindex: report.ifindex,
            parent: report.parent_ifname.clone().unwrap_or_default(),
            vhid: report.vhid,
            state: report.state.unwrap_or(CARP_STATE_INIT),
            reason: report.reason.map_or(String::new(), reason_name),
            sequence: report
                .sequence
                .map_or(String::new(), |sequence| sequence.to_string()),
            skipped: 0,
        };
        if why == "delete" {
            return vec![whole.deleted()];
        }
        if report.state.is_none() {
            return Vec::new();
        }
        if !event.has_all_nodes() || report.nodes.is_empty() {
            return vec![whole];
        }
        let nodes = report.nodes.iter().map(|node| Self {
            vhid: Some(node.vhid),
            state: node.state,
            reason: reason_name(node.reason),
            ..whole.clone()
        });
        nodes.collect()
    }

    /// That what it is about is gone.
    fn deleted(&self) -> Self {
        Self {
            event: "delete",
            state: CARP_STATE_INIT,
            reason: "deleted".to_owned(),
            ..self.clone()
        }
    }

    fn environment(&self, old: Option<u32>) -> [(&'static str, String); 10] {
        [
            ("CARP_EVENT", self.event.to_owned()),
            ("CARP_IFNAME", self.ifname.clone()),
            ("CARP_IFINDEX", self.ifindex.to_string()),
            ("CARP_PARENT", self.parent.clone()),
            (
                "CARP_VHID",
                self.vhid.map_or(String::new(), |vhid| vhid.to_string()),
            ),
            ("CARP_OLD_STATE", old.map_or(String::new(), state_name)),
            ("CARP_STATE", state_name(self.state)),
            ("CARP_REASON", self.reason.clone()),
            ("CARP_SEQUENCE", self.sequence.clone()),
            ("CARP_SKIPPED", self.skipped.to_string()),
        ]
    }
}

/// What a group's thread is to do next.
#[derive(Default)]
struct Slot {
    /// The last state that came.
    next: Option<News>,
    /// The last state that the programs were run for.
    told: Option<u32>,
    /// Nothing comes any more.
    closed: bool,
}

/// The slot, and a bell for when something is in it.
#[derive(Default)]
struct Mailbox {
    slot: Mutex<Slot>,
    bell: Condvar,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        // Nothing that holds it can leave it half changed.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn post(&self, mut news: News) {
        let mut slot = self.lock();
        match &slot.next {
            // A state that nobody saw is over.
            Some(old) => news.skipped = old.skipped + 1,
            // The state is the one that was told: lost events were about something else.
            None if news.event == "resync" && slot.told == Some(news.state) => return,
            None => {}
        }
        slot.next = Some(news);
        self.bell.notify_one();
    }

    fn close(&self) {
        self.lock().closed = true;
        self.bell.notify_one();
    }

    /// The next state, and the one that was told before it; `None` at the end.
    fn take(&self) -> Option<(News, Option<u32>)> {
        let mut slot = self.lock();
        loop {
            if let Some(news) = slot.next.take() {
                let old = slot.told.replace(news.state);
                return Some((news, old));
            }
            if slot.closed {
                return None;
            }
            slot = self.bell.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Who is told of a group, or of one of its nodes.
struct Member {
    /// Which: of several nodes, it does not change.
    vhid: Option<u32>,
    /// It is there, as far as the programs know.
    is_there: bool,
    /// The last state that was posted.
    state: Option<u32>,
    mailbox: Arc<Mailbox>,
    thread: JoinHandle<()>,
}

/// Runs the programs of a directory.
pub struct Hooks {
    directory: PathBuf,
    /// By the name of the device, which may be deleted and made anew.
    groups: HashMap<String, Vec<Member>>,
    /// The first groups were told.
    started: bool,
}

impl Hooks {
    /// The directory must be there from the beginning; what is in it is looked up at
    /// each run.
    pub fn new(directory: &Path) -> Result<Self, Failure> {
        std::fs::read_dir(directory).map_err(|error| {
            Failure::new(
                crate::exit::ExitStatus::Failed,
                format!("--exec {}: {error}", directory.display()),
            )
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            groups: HashMap::new(),
            started: false,
        })
    }

    /// Has the programs run for an event; returns before they have.
    pub fn take(&mut self, event: &Event) -> io::Result<()> {
        self.started |= event.kind != Kind::Group;
        let all = News::of(event, self.started);
        let Some(first) = all.first() else {
            return Ok(());
        };
        if event.is_end() {
            self.remove(first, &[]);
            return Ok(());
        }
        if event.has_all_nodes() {
            let vhids: Vec<_> = all.iter().map(|news| news.vhid).collect();
            self.renumber(&first.ifname, &vhids);
            self.remove(first, &vhids);
        } else if self.is_unknown(first) {
            return Ok(());
        }
        let is_change = event.kind == Kind::Told(CARP_CMD_GROUP_CHANGE);
        for news in all {
            let place = match self.find(&news, event.is_balanced) {
                Some(place) => place,
                // Of a group that has another name now, nothing else is new.
                None if is_change && !event.is_balanced => continue,
                None => self.begin(&news.ifname)?,
            };
            let member = &mut self.members(&news.ifname)[place];
            member.vhid = news.vhid;
            let known = (member.is_there, member.state);
            (member.is_there, member.state) = (true, Some(news.state));
            // Most changes are about something else than a state.
            if news.event != "transition" || known != (true, Some(news.state)) {
                member.mailbox.post(news);
            }
        }
        Ok(())
    }

    fn members(&mut self, ifname: &str) -> &mut Vec<Member> {
        self.groups.entry(ifname.to_owned()).or_default()
    }

    /// Whether it is about a number that the group did not have so far: it is to have
    /// other ones, and an event about that follows, with the states.
    fn is_unknown(&mut self, news: &News) -> bool {
        let members = self.members(&news.ifname).iter();
        let mut there = members.filter(|member| member.is_there).peekable();
        there.peek().is_some() && !there.any(|member| member.vhid == news.vhid)
    }

    /// The only one that is there may get another number, or its first.
    fn renumber(&mut self, ifname: &str, vhids: &[Option<u32>]) {
        let members = self.members(ifname).iter_mut();
        let mut there = members.filter(|member| member.is_there);
        if let (Some(only), None) = (there.next(), there.next()) {
            if vhids.len() == 1 || only.vhid.is_none() {
                only.vhid = vhids.first().copied().flatten();
            }
        }
    }

    /// Tells that all are gone but these.
    fn remove(&mut self, news: &News, vhids: &[Option<u32>]) {
        for member in self.members(&news.ifname) {
            if member.is_there && !vhids.contains(&member.vhid) {
                member.is_there = false;
                let vhid = member.vhid;
                member.mailbox.post(News {
                    vhid,
                    ..news.deleted()
                });
            }
        }
    }

    /// The place of who is to be told. A group with one node has one for ever, whatever
    /// number it has at the time.
    fn find(&mut self, news: &News, is_balanced: bool) -> Option<usize> {
        let members = self.members(&news.ifname);
        let of = |is_there: bool, any: bool| {
            members
                .iter()
                .position(|member| member.is_there == is_there && (any || member.vhid == news.vhid))
        };
        [true, false].into_iter().find_map(|is_there| {
            of(is_there, false).or_else(|| of(is_there, true).filter(|_| !is_balanced))
        })
    }

    fn begin(&mut self, ifname: &str) -> io::Result<usize> {
        let mailbox = Arc::new(Mailbox::default());
        let directory = self.directory.clone();
        let own = mailbox.clone();
        let thread = std::thread::Builder::new().spawn(move || {
            while let Some((news, old)) = own.take() {
                run_all(&directory, &news, old);
            }
        })?;
        let members = self.members(ifname);
        members.push(Member {
            vhid: None,
            is_there: false,
            state: None,
            mailbox,
            thread,
        });
        Ok(members.len() - 1)
    }

    /// Waits until all that was posted is done.
    pub fn finish(self) {
        let members: Vec<_> = self.groups.into_values().flatten().collect();
        for member in &members {
            member.mailbox.close();
        }
        for member in members {
            // A thread that panicked has said so.
            let _ = member.thread.join();
        }
    }
}

/// The programs, by name; as run-parts has it, only names of letters, digits, dashes
/// and underscores count, so that no editor's backup is run.
fn programs(directory: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let counts = name.to_str().is_some_and(|name| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        });
        // Follows a symbolic link.
        let runs = std::fs::metadata(entry.path())
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        if counts && runs {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn run_all(directory: &Path, news: &News, old: Option<u32>) {
    let complain = |what: &str| {
        // There is nobody else to tell.
        let _ = writeln!(io::stderr(), "carpctl: {}", Plain(what));
    };
    let names = match programs(directory) {
        Ok(names) => names,
        Err(error) => return complain(&format!("--exec {}: {error}", directory.display())),
    };
    for name in names {
        let path = directory.join(&name);
        match run_one(&path, news, old) {
            Ok(status) if status.success() => {}
            // The next ones have their own reasons to run.
            Ok(status) => complain(&format!("{}: {status}", path.display())),
            Err(error) => complain(&format!("{}: {error}", path.display())),
        }
    }
}

fn run_one(path: &Path, news: &News, old: Option<u32>) -> io::Result<std::process::ExitStatus> {
    // The standard output is for events.
    let output = io::stderr().as_fd().try_clone_to_owned()?;
    Command::new(path)
        .envs(news.environment(old))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output)
        .status()
}

#[cfg(test)]
mod tests;
