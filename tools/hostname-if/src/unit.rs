// SPDX-License-Identifier: GPL-2.0

//! What systemd has to know of the files, before it starts anything.
//!
//! Pure; `carp-generator` carries it out. Source: systemd.generator(7),
//! systemd.unit(5), "String Escaping for Inclusion in Unit Names".

use crate::configuration::Configuration;
use crate::mistake::Mistakes;

/// A file or link in a generator's directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// A link at the first path to the second.
    Link(String, String),
    /// A file at the first path with the second as its text.
    File(String, String),
}

/// The unit that every instance is a copy of.
const TEMPLATE: &str = "/usr/lib/systemd/system/carp@.service";

/// The interface that a file is for, by the file's name, if it is one that netstart(8)
/// would start: letters, then digits. That leaves out what editors and packages leave
/// behind, such as `hostname.carp0~`.
pub fn interface_of(file_name: &str) -> Option<&str> {
    let interface = file_name.strip_prefix("hostname.")?;
    let letters = interface.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_one = !letters.is_empty()
        && letters.len() < interface.len()
        && letters.bytes().all(|byte| byte.is_ascii_alphabetic())
        && interface.len() <= 15;
    is_one.then_some(interface)
}

/// Is a file about a carp interface? One that has mistakes is if it is called so; else it
/// may be about another kind of interface.
pub fn concerns(interface: &str, configuration: &Result<Configuration, Mistakes>) -> bool {
    configuration.is_ok() || interface.starts_with("carp")
}

/// Has `carp@INTERFACE.service` start with the system, and come and go with the parent,
/// as far as the file says which one that is. `text` is the file's; one that has mistakes
/// gives a unit, too, which then says so.
pub fn units(interface: &str, text: &[u8]) -> Vec<Output> {
    let configuration = Configuration::read(text, interface);
    if !concerns(interface, &configuration) {
        return Vec::new();
    }
    let unit = format!("carp@{}.service", escape(interface));
    let wanted_by =
        |wanting: &str| Output::Link(format!("{wanting}.wants/{unit}"), TEMPLATE.into());
    let mut outputs = vec![wanted_by("multi-user.target")];
    if let Some(parent) = configuration.ok().and_then(|it| it.parent) {
        let device = format!("sys-subsystem-net-devices-{}.device", escape(&parent));
        outputs.push(Output::File(
            format!("{unit}.d/50-parent.conf"),
            format!(
                "# Made by carp-generator from /etc/hostname.{interface}\n\
                 [Unit]\nBindsTo={device}\nAfter={device}\n"
            ),
        ));
        outputs.push(wanted_by(&device));
    }
    outputs
}

/// A name as a part of a unit's name.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for (index, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || byte == b'_'
            || byte == b':'
            || (byte == b'.' && index > 0);
        if plain {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("\\x{byte:02x}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files() {
        assert_eq!(interface_of("hostname.carp0"), Some("carp0"));
        assert_eq!(interface_of("hostname.lan12"), Some("lan12"));
        for other in [
            "hostname",
            "hostname.",
            "hostname.carp",
            "hostname.0",
            "hostname.carp0~",
            "hostname.carp0.dpkg-old",
            "hostname.carp-0",
            "hostname.carp000000000000",
            "myname.carp0",
        ] {
            assert_eq!(interface_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_unit_that_follows_its_parent() {
        let link = |path: &str| Output::Link(path.into(), TEMPLATE.into());
        assert_eq!(
            units("carp0", b"vhid 1 carpdev br-lan.10"),
            [
                link("multi-user.target.wants/carp@carp0.service"),
                Output::File(
                    "carp@carp0.service.d/50-parent.conf".into(),
                    "# Made by carp-generator from /etc/hostname.carp0\n[Unit]\n\
                     BindsTo=sys-subsystem-net-devices-br\\x2dlan.10.device\n\
                     After=sys-subsystem-net-devices-br\\x2dlan.10.device\n"
                        .into()
                ),
                link("sys-subsystem-net-devices-br\\x2dlan.10.device.wants/carp@carp0.service"),
            ]
        );
        let alone = [link("multi-user.target.wants/carp@carp0.service")];
        assert_eq!(units("carp0", b"vhid 1"), alone);
        assert_eq!(
            units("carp0", b"vhid 1000"),
            alone,
            "it says so when it is started"
        );
        assert_eq!(units("lan0", b"dhcp"), []);
        assert_eq!(units("lan0", b"vhid 1").len(), 1);
    }
}
