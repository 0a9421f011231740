# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian's kernels with Rust, by release: sourced, never run.
# Needs report.sh, cache.sh and mirror.sh.
#
# A release is what "uname -r" says, such as 7.3.4+deb13-cloud-amd64.

# The archives that have kernels with CONFIG_RUST=y, best first, and the suite
# whose toolchain each one's kernels are built with.
kernel_archives="trixie-backports sid"

kernel_suite_of() {
	case $1 in
	trixie-backports) echo trixie ;;
	*) echo "$1" ;;
	esac
}

# Prints a field of a package in an archive; nothing if there is none:
# ARCHIVE PACKAGE FIELD.
kernel_package_field() {
	mirror_apt "$1" apt-cache show "$2" 2>/dev/null | sed -n "s/^$3: //p" | head -n 1
}

# Prints, newest first, the releases of a flavour in an archive.
kernel_releases() {
	mirror_apt "$1" apt-cache pkgnames linux-headers- |
		sed -n "s/^linux-headers-\([0-9][^-]*\(-[0-9]*\)\?\)-$2$/\1-$2/p" | sort -rV
}

# Prints the source package of the same version as a release's headers, as
# PACKAGE=VERSION; fails if the archive has it no more: ARCHIVE RELEASE.
kernel_source() {
	local version upstream package
	version=$(kernel_package_field "$1" "linux-headers-$2" Version)
	[ -n "$version" ] || return 1
	upstream=$(sed 's/^\([0-9]*\.[0-9]*\).*/\1/' <<<"$2")
	package=linux-source-$upstream
	mirror_apt "$1" apt-cache madison "$package" | awk '{print $3}' | grep -qxF "$version" || return 1
	echo "$package=$version"
}

# Prints the path of what was made for a release that the archives have dropped
# since (they keep only a few): KIND RELEASE.
kernel_dropped() {
	local archive path
	for archive in $kernel_archives; do
		[ -e "$CARP_CACHE/apt/$archive/apt.conf" ] || continue
		[ -z "$(kernel_package_field "$archive" "linux-headers-$2" Version)" ] || return 1
	done
	for path in "$CARP_CACHE/$1/$2"-*/; do
		path=${path%/}
		if cache_has "$path"; then
			echo "$path"
			return
		fi
	done
	return 1
}

# Prints the archive that a release is in.
kernel_archive() {
	local archive
	for archive in $kernel_archives; do
		if [ -n "$(kernel_package_field "$archive" "linux-headers-$1" Version)" ]; then
			echo "$archive"
			return
		fi
	done
	die "no kernel release $1 in $kernel_archives: a package linux-headers-$1 must exist there (\"scripts/kernel-release --list\" says which do, \"make update\" chooses the newest)"
}

# Downloads packages of an archive into the current directory.
kernel_download() {
	local archive=$1
	shift
	mirror_apt "$archive" apt-get -qq download "$@" 2>&1 | grep -v 'unsandboxed' >&2 || :
	[ "$(find . -maxdepth 1 -name '*.deb' | wc -l)" -ge $# ] && return
	# The list may be older than the archive.
	mirror_refresh "$archive"
	mirror_apt "$archive" apt-get -qq download "$@" >&2 || die "could not download $* from $archive"
}
