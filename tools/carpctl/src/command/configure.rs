// SPDX-License-Identifier: GPL-2.0-only
//! `carpctl carp0 vhid 1 …`: what ifconfig's words ask for.

use crate::apply::{Present, Step, Wanted, around, perform};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::group::Group;
use crate::kernel::Kernel;
use crate::netlink::address::Address;
use crate::netlink::link::Settings;
use crate::words::{AddressWish, Change, Wish};

/// Does what the words ask for.
pub(super) fn run(wish: &Wish) -> Result<ExitStatus, Failure> {
    let name = wish.interface.as_deref().unwrap_or_default();
    let mut kernel = Kernel::connect()?;
    let present = Present::read(&mut kernel, name, wish.carpdev.as_deref())?;
    // Before the key is asked for.
    if present.group.is_none() && !wish.create {
        kernel.existing_group(name)?;
    }
    let settings = Settings {
        vhid: wish.vhid,
        advbase: wish.advbase,
        advskew: wish.advskew,
        key: wish.key.as_ref().map(|source| source.read()).transpose()?,
        state: wish.state,
        parent: present.parent.filter(|_| wish.carpdev.is_some()),
        mtu: wish.mtu,
        nodes: wish.nodes.clone(),
        balancing: wish.balancing,
        selection: wish.selection,
    };
    let steps = plan(wish, settings, &present)?;
    perform(&mut kernel, name, &present, &steps)?;
    Ok(ExitStatus::Success)
}

/// The steps that the words ask for.
fn plan(wish: &Wish, settings: Settings, present: &Present) -> Result<Vec<Step>, Failure> {
    if wish.destroy {
        return Ok(vec![Step::Destroy]);
    }
    let name = wish.interface.as_deref().unwrap_or_default();
    let mut steps = Vec::new();
    match &present.group {
        // ifconfig says so, too, and a script may ask twice.
        Some(_) if wish.create => {
            return Err(Failure::new(
                ExitStatus::Failed,
                format!("{name}: the interface exists already"),
            ));
        }
        Some(group) => {
            check_parent(wish, group, settings.parent)?;
            if wish.up == Some(false) {
                steps.push(Step::SetUp(false));
            }
        }
        None => steps.push(Step::Create(settings.clone())),
    }
    let (add, remove) = addresses(name, &wish.addresses, present)?;
    // With an address the kernel finds a parent by itself, unless there is one; other
    // parameters come after what can be undone.
    let mut change = match present.group {
        Some(_) if !settings.is_empty() => Some(Step::Change(settings.clone())),
        _ => None,
    };
    if settings.parent.is_some() {
        steps.extend(change.take());
    }
    let adds = !add.is_empty();
    let (before, after) = around(&add, remove);
    steps.extend(before.into_iter().map(Step::Remove));
    steps.extend(add.into_iter().map(Step::Add));
    steps.extend(change);
    steps.extend(after.into_iter().map(Step::Remove));
    // On the BSDs an address takes the interface up.
    if wish.up == Some(true) || (wish.up.is_none() && adds) {
        steps.push(Step::SetUp(true));
    }
    Ok(steps)
}

/// The kernel would refuse it, but does not know our words.
fn check_parent(wish: &Wish, group: &Group, wanted: Option<u32>) -> Result<(), Failure> {
    let name = group.name();
    let other = match (group.link.parent, wanted) {
        (Some(now), Some(wanted)) => now != wanted,
        (Some(_), None) => wish.no_carpdev,
        (None, _) => false,
    };
    if !other {
        return Ok(());
    }
    let now = group.parent.as_deref().unwrap_or("another interface");
    let again = match &wish.carpdev {
        Some(carpdev) => format!("carpctl {name} create carpdev {carpdev} ..."),
        None => format!("carpctl {name} create ..."),
    };
    Err(Failure::new(
        ExitStatus::Failed,
        format!(
            "{name}: it is on {now}, and that cannot be changed; \
             make it anew: carpctl {name} destroy; {again}"
        ),
    ))
}

/// Which addresses are to be added, and which removed.
fn addresses(
    name: &str,
    wishes: &[AddressWish],
    present: &Present,
) -> Result<(Vec<Address>, Vec<Address>), Failure> {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    let mut replaced = false;
    for wish in wishes {
        let address = present.complete(&Wanted {
            ip: wish.ip,
            prefix: wish.prefix,
            broadcast: wish.broadcast,
        });
        let mut own = present.own().iter();
        if wish.change == Change::Delete {
            let found = own.find(|own| {
                own.ip == wish.ip && wish.prefix.is_none_or(|prefix| own.prefix == prefix)
            });
            let found = found.ok_or_else(|| {
                Failure::new(
                    ExitStatus::Failed,
                    format!("{name}: {} is not on it", wish.ip),
                )
            })?;
            // Another word may have it go already.
            remove.extend(Some(*found).filter(|found| !remove.contains(found)));
            continue;
        }
        if own.any(|own| own.ip == address.ip && own.prefix == address.prefix) {
            continue;
        }
        // One address with another subnet, or the first one for another.
        let same = present.own().iter().find(|own| own.ip == address.ip);
        let first = present.own().iter().find(|own| own.ip.is_ipv4());
        let is_first = wish.change == Change::Set && address.ip.is_ipv4() && !replaced;
        replaced |= is_first;
        let old = same.or(first.filter(|_| is_first));
        let old = old
            .filter(|old| !wishes.iter().any(|wish| wish.ip == old.ip) || same.is_some())
            .filter(|old| !remove.contains(*old));
        remove.extend(old);
        add.push(address);
    }
    Ok((add, remove))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::link::{Link, iff};
    use crate::words::parse;

    fn present(addresses: &[&str]) -> Present {
        let addresses = addresses.iter().map(|text| Address::written(text));
        Present {
            group: Some(Group {
                link: Link {
                    index: 7,
                    name: "carp0".into(),
                    flags: iff::UP,
                    parent: Some(2),
                    ..Link::default()
                },
                parent: Some("eth0".into()),
                addresses: addresses.collect(),
                ..Group::default()
            }),
            parent: Some(2),
            ..Present::default()
        }
    }

    fn steps(line: &str, present: &Present) -> Result<Vec<String>, String> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let wish = parse(&words).map_err(|failure| failure.text)?;
        let settings = Settings {
            vhid: wish.vhid,
            advskew: wish.advskew,
            parent: present.parent.filter(|_| wish.carpdev.is_some()),
            ..Settings::default()
        };
        let steps = plan(&wish, settings, present).map_err(|failure| failure.text)?;
        Ok(steps.iter().map(Step::to_string).collect())
    }

    #[track_caller]
    fn check(line: &str, addresses: &[&str], expected: &[&str]) {
        assert_eq!(
            steps(line, &present(addresses)).unwrap(),
            expected,
            "{line}"
        );
    }

    #[test]
    fn addresses_replace_or_add_as_on_the_bsds() {
        let two = &["10.0.0.10/24", "10.0.0.11/24", "2001:db8::1/64"];
        check("carp0 10.0.0.10/24", &[], &["alias 10.0.0.10/24", "up"]);
        check("carp0 10.0.0.10/24", two, &[]);
        check("carp0 10.0.0.11/24", two, &[]);
        check(
            "carp0 10.0.0.12/24",
            two,
            &["alias 10.0.0.12/24", "-alias 10.0.0.10/24", "up"],
        );
        check(
            "carp0 alias 10.0.0.12/24",
            two,
            &["alias 10.0.0.12/24", "up"],
        );
        check("carp0 2001:db8::2/64", two, &["alias 2001:db8::2/64", "up"]);
        check(
            "carp0 10.0.0.10/32",
            two,
            &["alias 10.0.0.10/32", "-alias 10.0.0.10/24", "up"],
        );
        check(
            "carp0 10.0.0.12/24 10.0.0.13/24",
            two,
            &[
                "alias 10.0.0.12/24",
                "alias 10.0.0.13/24",
                "-alias 10.0.0.10/24",
                "up",
            ],
        );
        check("carp0 10.0.0.11/24 delete", two, &["-alias 10.0.0.11/24"]);
        check("carp0 -alias 10.0.0.11", two, &["-alias 10.0.0.11/24"]);
        check(
            "carp0 10.0.0.12/24 down",
            two,
            &["down", "alias 10.0.0.12/24", "-alias 10.0.0.10/24"],
        );
    }

    #[test]
    fn an_ipv6_address_with_another_subnet_goes_before_it_comes() {
        let two = &["10.0.0.10/24", "2001:db8::1/64"];
        check(
            "carp0 2001:db8::1/128",
            two,
            &["-alias 2001:db8::1/64", "alias 2001:db8::1/128", "up"],
        );
        check(
            "carp0 advskew 100 alias 2001:db8::1/128 10.0.0.10/32",
            two,
            &[
                "-alias 2001:db8::1/64",
                "alias 2001:db8::1/128",
                "alias 10.0.0.10/32",
                "advskew 100",
                "-alias 10.0.0.10/24",
                "up",
            ],
        );
    }

    #[test]
    fn an_address_goes_once() {
        let two = &["10.0.0.10/24", "2001:db8::1/64"];
        for line in [
            "carp0 -alias 2001:db8::1 alias 2001:db8::1/128",
            "carp0 alias 2001:db8::1/128 -alias 2001:db8::1/64",
        ] {
            check(
                line,
                two,
                &["-alias 2001:db8::1/64", "alias 2001:db8::1/128", "up"],
            );
        }
        check(
            "carp0 -alias 10.0.0.10 alias 10.0.0.10/32",
            two,
            &["alias 10.0.0.10/32", "-alias 10.0.0.10/24", "up"],
        );
    }

    #[test]
    fn what_can_be_undone_comes_before_what_cannot() {
        check(
            "carp0 vhid 1 10.0.0.10/24",
            &[],
            &["alias 10.0.0.10/24", "vhid 1", "up"],
        );
        let bare = Present {
            group: None,
            ..present(&[])
        };
        assert_eq!(
            steps("carp0 create carpdev eth0 vhid 1 10.0.0.10/24", &bare).unwrap(),
            ["create vhid 1 carpdev …", "alias 10.0.0.10/24", "up"]
        );
    }

    #[test]
    fn the_parent_comes_before_an_address() {
        let mut present = present(&[]);
        present.group.as_mut().unwrap().link.parent = None;
        assert_eq!(
            steps("carp0 10.0.0.10/24 carpdev eth0", &present).unwrap(),
            ["carpdev …", "alias 10.0.0.10/24", "up"]
        );
        assert_eq!(steps("carp0 -carpdev up", &present).unwrap(), ["up"]);
    }

    #[test]
    fn refusals_say_what_to_do() {
        let other = Present {
            parent: Some(3),
            ..present(&[])
        };
        let text = steps("carp0 carpdev eth1", &other).unwrap_err();
        assert_eq!(
            text,
            "carp0: it is on eth0, and that cannot be changed; make it anew: \
             carpctl carp0 destroy; carpctl carp0 create carpdev eth1 ..."
        );
        assert!(steps("carp0 -carpdev", &present(&[])).is_err());
        let text = steps("carp0 -alias 10.0.0.9", &present(&[])).unwrap_err();
        assert_eq!(text, "carp0: 10.0.0.9 is not on it");
        let text = steps("carp0 create", &present(&[])).unwrap_err();
        assert_eq!(text, "carp0: the interface exists already");
    }
}
