# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Where Debian's packages come from: sourced, never run.
# Needs report.sh and cache.sh.
#
# The mirror, its keyring and the proxies are those that this machine's own apt
# already uses; the project names none.  The suites that the project wants
# (trixie, trixie-backports, sid) are on every complete Debian mirror.

# Prints the URI of the mirror that this machine takes its own release from.
mirror_uri() {
	local codename uri
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "${CARP_MIRROR:-}" ] && { echo "$CARP_MIRROR"; return; }
	# shellcheck disable=SC2016 # apt's own syntax
	uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(CODENAME) $(IDENTIFIER)' |
		awk -v release="$codename" '$NF == "Packages" && ($2 == release || $3 == release) {print $1; exit}')
	[ -n "$uri" ] || die "no Debian mirror in this machine's apt sources (/etc/apt): set CARP_MIRROR to the URI of one"
	echo "$uri"
}

# Prints the keyring that the mirror's signatures are checked with.
mirror_keyring() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r "$keyring" ] || die "no $keyring: install the package debian-archive-keyring"
	echo "$keyring"
}

# Prints this machine's apt settings for proxies, transports and what counts as
# out of date (a mirror that lags behind needs that), one a line,
# in the syntax of apt.conf.
mirror_apt_options() {
	apt-config dump | grep -E '^Acquire::(http|https|ftp|socks|proxy|Retries|Check-Valid-Until|Max-ValidTime)' || :
}

# The sources.list line of a suite.
mirror_source() {
	printf 'deb [signed-by=%s] %s %s main\n' "$(mirror_keyring)" "$(mirror_uri)" "$1"
}

# Runs an apt program with a state of its own that knows the given suite and
# nothing of what is installed here: SUITE PROGRAM [ARGUMENT...].
mirror_apt() {
	local suite=$1 program=$2 state=$CARP_CACHE/apt/$1
	shift 2
	[ -e "$state/apt.conf" ] || mirror_refresh "$suite"
	APT_CONFIG=$state/apt.conf "$program" "$@"
}

# Fetches a suite's package list anew.
mirror_refresh() {
	local state=$CARP_CACHE/apt/$1
	step "fetching the package list of $1"
	mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/parts"
	exec 8>"$state/lock"
	flock 8
	mirror_source "$1" >"$state/sources.list"
	: >"$state/status"
	{
		mirror_apt_options
		cat <<-END
			Dir::Etc::SourceList "$state/sources.list";
			Dir::Etc::SourceParts "$state/parts";
			Dir::Etc::Parts "$state/parts";
			Dir::Etc::Preferences "$state/preferences";
			Dir::Etc::PreferencesParts "$state/parts";
			Dir::State "$state";
			Dir::State::Lists "$state/lists";
			Dir::State::status "$state/status";
			Dir::Cache "$state";
			Dir::Cache::Archives "$state/archives";
			Acquire::Languages "none";
			APT::Sandbox::User "root";
			APT::Architecture "amd64";
		END
	} >"$state/apt.conf.new"
	# apt says "W:" and succeeds when it could fetch nothing: be strict.
	APT_CONFIG=$state/apt.conf.new apt-get -qq -o APT::Update::Error-Mode=any update 2>"$state/errors" 8>&- ||
		die "no package list of $1, so no network, or a wrong mirror or proxy in this machine's apt settings: $(grep -m 1 '^E:' "$state/errors")"
	mv "$state/apt.conf.new" "$state/apt.conf"
	exec 8>&-
}
