// SPDX-License-Identifier: GPL-2.0-only
//! The shells' completions, made from the tables of the program.

use crate::command::COMMANDS;
use crate::options::OPTIONS;
use crate::vocabulary::WORDS;
use std::fmt::Write;

/// Makes the completions of a shell.
type Make = fn() -> String;

/// The shells, and what makes their completions.
pub static SHELLS: &[(&str, Make)] = &[("bash", bash), ("fish", fish), ("zsh", zsh)];

const HEADER: &str = "# SPDX-License-Identifier: GPL-2.0-only\n# Made by carpctl completion.\n";

/// A shell command that prints the carp interfaces, one a line.
const GROUPS: &str = "carpctl 2>/dev/null | sed -n 's/^\\([^[:space:]]*\\): flags=.*/\\1/p'";

/// What an argument's completions are.
enum Values {
    /// Nobody knows.
    Free,
    /// Names of interfaces.
    Interfaces,
    /// Names of files.
    Files,
    /// Names of directories.
    Directories,
    /// These words.
    Words(&'static [&'static str]),
}

fn values(argument: &str) -> Values {
    match argument {
        "interface" => Values::Interfaces,
        "file" => Values::Files,
        "directory" => Values::Directories,
        "master|backup" => Values::Words(&["master", "backup"]),
        "none|ip|ip-stealth|ip-unicast" => {
            Values::Words(&["none", "ip", "ip-stealth", "ip-unicast"])
        }
        "addresses|flow" => Values::Words(&["addresses", "flow"]),
        "when" => Values::Words(&["auto", "always", "never"]),
        "shell" => Values::Words(&["bash", "fish", "zsh"]),
        _ => Values::Free,
    }
}

/// The words and options that take an argument, each with its name.
fn arguments() -> Vec<(String, &'static str)> {
    let words = WORDS
        .iter()
        .map(|word| (word.name.to_owned(), word.argument));
    let options = OPTIONS.iter().flat_map(|option| {
        let long = (format!("--{}", option.long), option.argument);
        let short = option
            .short
            .map(|short| (format!("-{short}"), option.argument));
        std::iter::once(long).chain(short)
    });
    // The one command with an argument that is no interface.
    let commands = COMMANDS
        .iter()
        .filter(|command| command.arguments == "shell")
        .map(|command| (command.name.to_owned(), command.arguments));
    words
        .chain(options)
        .chain(commands)
        .filter(|(_, argument)| !argument.is_empty())
        .collect()
}

fn options() -> String {
    let names: Vec<_> = OPTIONS
        .iter()
        .map(|option| format!("--{}", option.long))
        .collect();
    names.join(" ")
}

fn words() -> String {
    let names: Vec<_> = WORDS.iter().map(|word| word.name).collect();
    names.join(" ")
}

fn commands() -> String {
    let names: Vec<_> = COMMANDS.iter().map(|command| command.name).collect();
    names.join(" ")
}

fn bash() -> String {
    // Names are somebody else's text, and a list of words (`compgen -W`) is expanded by the shell.
    let mut text = format!(
        r#"{HEADER}
_carpctl_names() {{
	local name
	while IFS= read -r name; do
		[[ $name == "$cur"* ]] && COMPREPLY+=("$(printf %q "$name")")
	done
}}
"#
    );
    let _ = write!(
        text,
        "\n_carpctl() {{\n\tlocal cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} first i\n\tCOMPREPLY=()\n\tcase $prev in\n"
    );
    for (name, argument) in arguments() {
        let reply = match values(argument) {
            Values::Free => "return".to_owned(),
            Values::Interfaces => {
                "_carpctl_names < <(command ls /sys/class/net); return".to_owned()
            }
            Values::Files => r#"COMPREPLY=($(compgen -f -- "$cur")); return"#.to_owned(),
            Values::Directories => r#"COMPREPLY=($(compgen -d -- "$cur")); return"#.to_owned(),
            Values::Words(words) => format!(
                r#"COMPREPLY=($(compgen -W "{}" -- "$cur")); return"#,
                words.join(" ")
            ),
        };
        let _ = writeln!(text, "\t{name}) {reply} ;;");
    }
    let _ = write!(
        text,
        r#"	esac
	if [[ $cur == --* ]]; then
		COMPREPLY=($(compgen -W "{options}" -- "$cur"))
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${{COMP_WORDS[i]}} == --* ]] || {{ first=${{COMP_WORDS[i]}}; break; }}
	done
	case $first in
	'')
		COMPREPLY=($(compgen -W "{commands} create" -- "$cur"))
		_carpctl_names < <({GROUPS})
		;;
	{patterns}) _carpctl_names < <({GROUPS}) ;;
	*) COMPREPLY=($(compgen -W "{words}" -- "$cur")) ;;
	esac
}}
complete -F _carpctl carpctl
"#,
        options = options(),
        commands = commands(),
        words = words(),
        patterns = commands().replace(' ', " | "),
    );
    text
}

/// Text between single quotes of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn zsh() -> String {
    let mut text = format!("#compdef carpctl\n{HEADER}\nlocal -a commands words options\n");
    let describe = |rows: Vec<(String, &str)>| -> String {
        let rows = rows.iter().map(|(name, summary)| {
            format!(
                "\t{}\n",
                quoted(&format!("{}:{summary}", name.replace(':', "\\:")))
            )
        });
        rows.collect()
    };
    let commands_rows = COMMANDS
        .iter()
        .map(|row| (row.name.to_owned(), row.summary));
    let words_rows = WORDS.iter().map(|row| (row.name.to_owned(), row.summary));
    let options_rows = OPTIONS
        .iter()
        .map(|row| (format!("--{}", row.long), row.summary));
    let _ = write!(
        text,
        "commands=(\n{})\nwords=(\n{})\noptions=(\n{})\n\ncase $words[CURRENT-1] in\n",
        describe(commands_rows.collect()),
        describe(words_rows.collect()),
        describe(options_rows.collect()),
    );
    // `words` is zsh's own for the command line.
    text = text.replace(
        "local -a commands words options",
        "local -a commands keywords options",
    );
    text = text.replace("\nwords=(\n", "\nkeywords=(\n");
    for (name, argument) in arguments() {
        let action = match values(argument) {
            Values::Free => format!("_message {}", quoted(argument)),
            Values::Interfaces => "compadd -- /sys/class/net/*(:t)".to_owned(),
            Values::Files => "_files".to_owned(),
            Values::Directories => "_files -/".to_owned(),
            Values::Words(words) => format!("compadd -- {}", words.join(" ")),
        };
        let _ = writeln!(text, "{}) {action}; return ;;", quoted(&name));
    }
    let _ = write!(
        text,
        r#"esac
if [[ $PREFIX == --* ]]; then
	_describe option options
elif (( CURRENT == 2 )); then
	_describe command commands
	compadd -- create ${{(f)"$({GROUPS})"}}
elif (( ${{commands[(I)$words[2]:*]}} )); then
	compadd -- ${{(f)"$({GROUPS})"}}
else
	_describe word keywords
fi
"#
    );
    text
}

fn fish() -> String {
    let take_arguments: Vec<_> = arguments().into_iter().map(|(name, _)| name).collect();
    let mut text = format!(
        r#"{HEADER}
function __carpctl_groups
	{GROUPS}
end
function __carpctl_after
	test (commandline -opc)[-1] = $argv[1]
end
function __carpctl_at_first
	test (count (commandline -opc)) -eq 1
end
function __carpctl_at_group
	contains -- (commandline -opc)[2] {of_groups}
end
function __carpctl_at_word
	test (count (commandline -opc)) -gt 1
	and not contains -- (commandline -opc)[2] {commands}
	and not contains -- (commandline -opc)[-1] {take_arguments}
end

complete -c carpctl -f
complete -c carpctl -n __carpctl_at_first -a "(__carpctl_groups)" -d interface
complete -c carpctl -n __carpctl_at_group -a "(__carpctl_groups)" -d interface
"#,
        of_groups = commands().replace(" completion", ""),
        commands = commands(),
        take_arguments = take_arguments.join(" "),
    );
    let mut add = |condition: &str, name: &str, summary: &str| {
        let (name, summary) = (quoted(name), quoted(summary));
        let _ = writeln!(
            text,
            "complete -c carpctl -n {condition} -a {name} -d {summary}"
        );
    };
    for row in COMMANDS {
        add("__carpctl_at_first", row.name, row.summary);
    }
    for row in WORDS {
        add("__carpctl_at_word", row.name, row.summary);
    }
    for (name, argument) in arguments() {
        let list = match values(argument) {
            Values::Interfaces => "(command ls /sys/class/net)".to_owned(),
            Values::Files => "(__fish_complete_path (commandline -ct))".to_owned(),
            Values::Directories => "(__fish_complete_directories (commandline -ct))".to_owned(),
            Values::Words(words) => words.join(" "),
            Values::Free => continue,
        };
        // Options have a line of their own.
        if !name.starts_with('-') {
            let _ = writeln!(
                text,
                "complete -c carpctl -n '__carpctl_after {name}' -a \"{list}\""
            );
        }
    }
    for row in OPTIONS {
        let short = row
            .short
            .map_or(String::new(), |short| format!(" -s {short}"));
        let list = match values(row.argument) {
            Values::Words(words) => format!(" -x -a \"{}\"", words.join(" ")),
            Values::Files | Values::Directories => " -r -F".to_owned(),
            _ if row.argument.is_empty() => String::new(),
            _ => " -x".to_owned(),
        };
        let summary = quoted(row.summary);
        let _ = writeln!(
            text,
            "complete -c carpctl -l {}{short}{list} -d {summary}",
            row.long
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_completed_in_every_shell() {
        for (shell, make) in SHELLS {
            let text = make();
            for row in WORDS {
                assert!(text.contains(row.name), "{} in {shell}", row.name);
            }
            for row in COMMANDS {
                assert!(text.contains(row.name), "{} in {shell}", row.name);
            }
            for row in OPTIONS {
                let long = if *shell == "fish" {
                    format!("-l {}", row.long)
                } else {
                    format!("--{}", row.long)
                };
                assert!(text.contains(&long), "{long} in {shell}");
            }
        }
    }
}
