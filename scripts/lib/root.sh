# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Being root, directly or through sudo: sourced, never run.  Needs report.sh.

# Runs a command as root, keeping the environment that was given to it.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo -- "$@"
	else
		die "'$1' must run as root: become root, or install the package sudo and allow yourself to use it"
	fi
}
