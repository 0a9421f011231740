// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl watch`: the groups, their peers and the last events, live.

use super::{Command, Context};
use crate::event::{Event, Kind};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::group::Group;
use crate::kernel::{Kernel, Snapshot};
use crate::losses::Losses;
use crate::table::{Line, Table, groups_table};
use crate::text::{Ago, Plain};
use carp_uapi::numbers::{
    IFLA_CARP_STATS_DISCARD_BAD_DIGEST, IFLA_CARP_STATS_OTHER_MASTER, IFLA_CARP_STATS_TX_ERRORS,
};
use crossterm::event::{self as key, KeyCode, KeyEvent, KeyModifiers};
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, queue};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

pub(super) const COMMAND: Command = Command {
    name: "watch",
    arguments: "[interface ...]",
    summary: "a live screen of groups, peers and events; q ends it",
    run,
};

/// How long a key waits at most.
const PATIENCE: Duration = Duration::from_millis(100);
const INTERVAL: Duration = Duration::from_secs(1);
/// How many events are kept for the largest screens.
const EVENTS: usize = 100;

/// The terminal, which is given back as it was.
struct Screen;

impl Screen {
    fn take() -> io::Result<Self> {
        terminal::enable_raw_mode()?;
        let screen = Self;
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that went away needs nothing.
        let _ = execute!(io::stdout(), cursor::Show, LeaveAlternateScreen);
        let _ = terminal::disable_raw_mode();
    }
}

/// What the screen shows.
struct View {
    names: Vec<String>,
    snapshot: Snapshot,
    losses: Losses,
    events: VecDeque<Event>,
    /// Where the times of [`Losses`] begin.
    begin: Instant,
}

fn run(context: &mut Context<'_>, names: &[String]) -> Result<ExitStatus, Failure> {
    if context.options.json {
        return Err(Failure::usage(
            "--json",
            "watch is for people; monitor has JSON",
        ));
    }
    if !(io::stdout().is_terminal() && io::stdin().is_terminal()) {
        return Err(Failure::usage(
            "watch",
            "it needs a terminal; monitor does not",
        ));
    }
    let mut kernel = Kernel::connect()?;
    for name in names {
        kernel.existing_group(name)?;
    }
    let mut follower = Follower::start(kernel)?;
    follower.set_non_blocking(true)?;
    let interval = context.options.interval.unwrap_or(INTERVAL);
    let mut view = View {
        names: names.to_vec(),
        snapshot: Snapshot::default(),
        losses: Losses::default(),
        events: VecDeque::new(),
        begin: Instant::now(),
    };
    let _screen = Screen::take()?;
    loop {
        view.snapshot = follower.snapshot()?;
        view.draw(context)?;
        let end = Instant::now() + interval;
        loop {
            let mut news = false;
            while let Some(event) = follower.wait()? {
                news |= view.note(event);
            }
            let left = end.saturating_duration_since(Instant::now());
            if news || left.is_zero() {
                break;
            }
            if key::poll(left.min(PATIENCE))? {
                match key::read()? {
                    key::Event::Key(pressed) if is_end(pressed) => return Ok(ExitStatus::Success),
                    // The size is another, or the user wants to see it now.
                    _ => break,
                }
            }
        }
    }
}

fn is_end(pressed: KeyEvent) -> bool {
    let interrupt = pressed.modifiers.contains(KeyModifiers::CONTROL);
    match pressed.code {
        KeyCode::Char('q') | KeyCode::Esc => true,
        KeyCode::Char('c') => interrupt,
        _ => false,
    }
}

impl View {
    fn shows(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|shown| shown == name)
    }

    /// Keeps an event; returns whether the screen shows something else now.
    fn note(&mut self, event: Event) -> bool {
        // The screen shows the groups as they are anyway.
        if event.kind == Kind::Group {
            return true;
        }
        if event.kind != Kind::Lost && !self.shows(&event.report.ifname) {
            return false;
        }
        self.events.push_front(event);
        self.events.truncate(EVENTS);
        true
    }

    fn draw(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let (width, height) = terminal::size()?;
        let lines = self.lines(usize::from(height));
        queue!(io::stdout(), cursor::MoveTo(0, 0))?;
        for (row, line) in lines.into_iter().enumerate() {
            // Through the output that knows whether there are colours; and in raw mode,
            // a newline is no beginning of a line.
            let end = if row + 1 == usize::from(height) {
                ""
            } else {
                "\r\n"
            };
            let line = line.cut(usize::from(width));
            write!(context.out, "{}", line.styled())?;
            context.out.flush()?;
            queue!(io::stdout(), Clear(ClearType::UntilNewLine))?;
            write!(io::stdout(), "{end}")?;
        }
        queue!(io::stdout(), Clear(ClearType::FromCursorDown))?;
        io::stdout().flush()
    }

    /// The whole screen, of at most this height.
    fn lines(&mut self, height: usize) -> Vec<Line> {
        let shown: Vec<Group> = self
            .snapshot
            .groups
            .iter()
            .filter(|group| self.shows(group.name()))
            .cloned()
            .collect();
        let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now());
        let mut lines: Vec<Line> = vec![format!("carpctl watch   {now}   q: end").into()];
        if shown.is_empty() {
            lines.push("There are no carp interfaces.".to_owned().into());
        } else {
            lines.push(Line::default());
            lines.extend(groups_table(&shown).lines());
            lines.push(Line::default());
            lines.extend(self.peers(&shown).lines());
        }
        lines.push(Line::default());
        let room = height.saturating_sub(lines.len());
        let events = self.events.iter().take(room);
        lines.extend(events.map(|event| event.to_string().into()));
        lines.truncate(height);
        lines
    }

    fn peers(&mut self, groups: &[Group]) -> Table {
        let mut table = Table::new(&[
            "INTERFACE",
            "PEER",
            "ADV",
            "HEARD",
            "RECEIVED",
            "LOST",
            "BAD DIGEST",
            "OTHER MASTERS",
            "SEND ERRORS",
        ]);
        let now = self.begin.elapsed();
        for group in groups.iter().flat_map(Group::by_node) {
            let name = || match group.link.carp.vhid {
                Some(vhid) if group.is_balanced() => {
                    format!("{} vhid {vhid}", Plain(group.name())).into()
                }
                _ => Plain(group.name()).to_string().into(),
            };
            let own = || {
                [IFLA_CARP_STATS_OTHER_MASTER, IFLA_CARP_STATS_TX_ERRORS]
                    .map(|counter| group.counter(counter).to_string().into())
            };
            for peer in group.peers() {
                let lost = self.losses.of(&group, peer, now);
                let mut row = vec![
                    name(),
                    peer.address.to_string().into(),
                    if peer.bowed_out() {
                        "left".to_owned().into()
                    } else {
                        format!("{}/{}", peer.advbase, peer.advskew).into()
                    },
                    format!("{} ago", Ago(Duration::from_nanos(peer.since))).into(),
                    peer.received.to_string().into(),
                    lost.map_or("-".to_owned(), |lost| lost.to_string()).into(),
                    peer.bad_digest.to_string().into(),
                ];
                row.extend(own());
                table.push(row);
            }
            if group.peers().is_empty() {
                let nothing = || "-".to_owned().into();
                let bad = group
                    .counter(IFLA_CARP_STATS_DISCARD_BAD_DIGEST)
                    .to_string();
                let mut row = vec![
                    name(),
                    nothing(),
                    nothing(),
                    nothing(),
                    nothing(),
                    nothing(),
                    bad.into(),
                ];
                row.extend(own());
                table.push(row);
            }
        }
        table
    }
}
