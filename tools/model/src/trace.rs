// SPDX-License-Identifier: GPL-2.0

//! A path through the model, for reading.

use stateright::Path;

use crate::segment::{states, Action};
use crate::world::World;

/// One line for every action: ticks passed, what happened, the states after.
pub fn lines(path: Path<World, Action>) -> Vec<String> {
    let steps = path.into_vec();
    let mut ticks = 0;
    let mut lines = Vec::new();
    for pair in steps.windows(2) {
        let [(before, Some(action)), (after, _)] = pair else {
            continue;
        };
        ticks += u32::from(after.now > before.now);
        if *action != Action::Tick {
            let states = states(after);
            lines.push(format!("{ticks:3}  {:24}{states}", describe(action)));
        }
    }
    lines
}

fn describe(action: &Action) -> String {
    match action {
        Action::Deliver(message) if message.to_master => {
            format!("{} hears {} if MASTER", message.to, message.from)
        }
        Action::Deliver(message) => format!("{} hears {}", message.to, message.from),
        Action::Lose(message) => format!("{} does not hear {}", message.to, message.from),
        Action::Timer(host) => format!("timer of {host}"),
        other => format!("{other:?}"),
    }
}
