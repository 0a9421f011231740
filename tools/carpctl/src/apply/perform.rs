// SPDX-License-Identifier: GPL-2.0-only
//! Steps are done, and what they did is undone if one of them fails.

use super::{Present, Step, nodes_of};
use crate::failure::Failure;
use crate::kernel::Kernel;
use crate::netlink::link::{self, Key, Settings};

/// Who does the steps: the kernel, or for tests a model of it.
pub trait Performer {
    /// Does a step for the interface of this name, whose device has this number if there
    /// is one.
    fn step(&mut self, name: &str, index: Option<u32>, step: &Step) -> Result<(), Failure>;

    /// The number of the device of this name, which exists.
    fn index(&mut self, name: &str) -> Result<u32, Failure>;
}

/// Performs steps. If one fails, a device that was made and addresses that were
/// added vanish again, addresses that were removed are back, and a device that was
/// deleted is made again.
pub fn perform(
    performer: &mut impl Performer,
    name: &str,
    present: &Present,
    steps: &[Step],
) -> Result<(), Failure> {
    let mut work = Work {
        performer,
        name,
        present,
        old: present.group.as_ref().map(|group| group.link.index),
        new: None,
        undo: Vec::new(),
    };
    for step in steps {
        if let Err(failure) = work.perform(step) {
            return Err(work.undo(failure));
        }
    }
    Ok(())
}

/// The name of a device until it takes the place of the one called `name`. Always the
/// same, so that who runs the hooks of `monitor` has to remember only one; it does not
/// begin like the other, so that no configuration that is for `carp*` is for it.
pub fn name_beside(name: &str) -> String {
    /// A device's name has 15 bytes at most.
    const ROOM: usize = 15 - "new-".len();
    let mut ends = (0..=name.len()).filter_map(|start| name.get(start..));
    let end = ends.find(|end| end.len() <= ROOM).unwrap_or_default();
    format!("new-{end}")
}

/// Steps that are being done.
struct Work<'a, P> {
    performer: &'a mut P,
    name: &'a str,
    present: &'a Present,
    /// The number of the device that was there.
    old: Option<u32>,
    /// The number of the device that was made.
    new: Option<u32>,
    /// What has to be done for the old device to be as it was, the last first. (The new
    /// one goes as a whole.)
    undo: Vec<Step>,
}

impl<P: Performer> Work<'_, P> {
    fn perform(&mut self, step: &Step) -> Result<(), Failure> {
        let index = match step {
            Step::Destroy => self.old,
            _ => self.new.or(self.old),
        };
        self.performer.step(self.name, index, step)?;
        match step {
            Step::Create(_) => self.new = Some(self.performer.index(self.name)?),
            Step::CreateBeside(_) => {
                self.new = Some(self.performer.index(&name_beside(self.name))?);
            }
            Step::Destroy => {
                self.old = None;
                self.undo.extend(remake(self.present).into_iter().rev());
            }
            Step::Add(address) if self.new.is_none() => self.undo.push(Step::Remove(*address)),
            Step::Remove(address) if self.new.is_none() => self.undo.push(Step::Add(*address)),
            _ => {}
        }
        Ok(())
    }

    /// Undoes what was done before the failure, which says then what is lost.
    fn undo(mut self, mut failure: Failure) -> Failure {
        if self.new.is_some() {
            // It was just made, so it can be deleted, or somebody else did so.
            let _ = self.performer.step(self.name, self.new, &Step::Destroy);
        }
        let mut lost = None;
        for step in std::mem::take(&mut self.undo).iter().rev() {
            if let Err(second) = self.undo_one(step) {
                lost.get_or_insert(second.text);
            }
        }
        if self.present.group.is_some() && self.old.is_none() {
            lost.get_or_insert(format!("{} is gone", self.name));
        }
        if let Some(lost) = lost {
            failure.text += &format!("; and what was there is not back: {lost}");
        }
        failure
    }

    fn undo_one(&mut self, step: &Step) -> Result<(), Failure> {
        let result = self.performer.step(self.name, self.old, step);
        match step {
            // Somebody else may have done so.
            Step::Remove(_) => return Ok(()),
            Step::Create(_) if result.is_ok() => self.old = Some(self.performer.index(self.name)?),
            _ => {}
        }
        result
    }
}

/// The steps that make the group that is there again after it was deleted; none if it
/// would be another one: its key is not known, or its parent not to be named, as it is in
/// another network namespace.
fn remake(present: &Present) -> Vec<Step> {
    let (Some(group), Some(key)) = (&present.group, &present.key) else {
        return Vec::new();
    };
    let (link, carp) = (&group.link, &group.link.carp);
    if link.parent_is_elsewhere {
        return Vec::new();
    }
    let is_one = carp.nodes.is_empty();
    let settings = Settings {
        vhid: carp.vhid.filter(|_| is_one),
        advbase: Some(carp.advbase),
        advskew: Some(carp.advskew).filter(|_| is_one),
        key: Some(Key(key.clone())),
        state: None,
        parent: link.parent,
        mtu: Some(link.mtu),
        nodes: (!is_one).then(|| nodes_of(carp)),
        // One node has what is the default.
        balancing: (!is_one).then_some(carp.balancing),
        selection: (!is_one).then_some(carp.selection),
    };
    let mut steps = vec![Step::Create(settings)];
    let description = Some(&link.description).filter(|text| !text.is_empty());
    steps.extend(description.cloned().map(Step::Describe));
    steps.extend(group.addresses.iter().copied().map(Step::Add));
    steps.extend(link.is_up().then_some(Step::SetUp(true)));
    steps
}

impl Performer for Kernel {
    fn step(&mut self, name: &str, index: Option<u32>, step: &Step) -> Result<(), Failure> {
        let device = || index.ok_or_else(|| Failure::no_interface(name, "no such interface"));
        let request = match step {
            Step::Create(settings) => link::create(name, settings),
            Step::CreateBeside(settings) => {
                let beside = name_beside(name);
                let request = link::create(&beside, settings);
                return self.perform(&format!("{name}, as {beside} first"), &request);
            }
            Step::Change(settings) => link::change(device()?, settings),
            Step::Describe(text) => link::describe(device()?, text),
            Step::SetUp(up) => link::set_up(device()?, *up),
            Step::Destroy => link::delete(device()?),
            Step::Rename => link::rename(device()?, name),
            Step::Add(address) => {
                return self.perform(&format!("{name}: {address}"), &address.add(device()?));
            }
            Step::Remove(address) => {
                if address.ip.is_ipv4() {
                    self.perform(name, &link::keep_other_addresses(device()?))?;
                }
                return self.perform(&format!("{name}: {address}"), &address.remove(device()?));
            }
        };
        self.perform(name, &request)
    }

    fn index(&mut self, name: &str) -> Result<u32, Failure> {
        Ok(self.existing_link(name)?.index)
    }
}

#[cfg(test)]
mod tests {
    use super::name_beside;

    #[test]
    fn the_name_beside_is_one() {
        for (name, beside) in [
            ("carp0", "new-carp0"),
            ("fifteen-letters", "new-een-letters"),
            ("ééééééé", "new-ééééé"),
        ] {
            assert_eq!(name_beside(name), beside);
            assert!(beside.len() <= 15);
        }
    }
}
