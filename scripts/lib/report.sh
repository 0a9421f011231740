# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a script tells its user: sourced, never run.
#
# Everything goes to standard error, because the scripts that make something
# print its path, and nothing else, on standard output.

report_name=${0##*/}

# A long step begins.
step() {
	printf '  %-7s %s\n' "${report_name:0:7}" "$*" >&2
}

# Says what is wrong, names the rule, and ends the script.
die() {
	printf '%s: %s\n' "$report_name" "$*" >&2
	exit 1
}
