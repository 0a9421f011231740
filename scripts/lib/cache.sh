# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The cache of things that take long to make: sourced, never run.
# Needs report.sh and root.sh.
#
# An entry is a directory CACHE/KIND/NAME-HASH, where HASH is that of everything
# the entry is made from.  It is believed if and only if it holds the file
# .complete, which is written last, after a sync: so whatever an interrupted or
# failed run leaves behind is removed and made anew by the next one.  (Making it
# elsewhere and renaming it would not do: a prepared kernel tree remembers its
# own absolute path.)  One lock per entry lets concurrent runs wait for each
# other instead of making it twice.

# An ordinary user's path has no mke2fs on Debian.
PATH=$PATH:/usr/sbin:/sbin

CARP_CACHE=${CARP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/carp}
case $CARP_CACHE in
/*) ;;
*) CARP_CACHE=$PWD/$CARP_CACHE ;;
esac
export CARP_CACHE

# Backup programs leave such a directory out; and "make distclean" removes
# nothing that is not marked so.
if [ ! -e "$CARP_CACHE/CACHEDIR.TAG" ] && mkdir -p -- "$CARP_CACHE" 2>/dev/null; then
	cat >"$CARP_CACHE/CACHEDIR.TAG" <<-END
		Signature: 8a477f597d28d172789f06886806bc55
		# The cache of carp's build.
	END
fi

# Prints the path that an entry has or would have: KIND NAME, and on standard
# input all that the entry is made from.
cache_path() {
	local hash
	hash=$(sha256sum | cut -c1-12)
	printf '%s/%s/%s-%s\n' "$CARP_CACHE" "$1" "$2" "$hash"
}

cache_has() {
	[ -e "$1/.complete" ]
}

# Removes an entry, or the leftovers of one.  Nothing can be mounted below it:
# mounts are made in name spaces of their own, which end with their process.
cache_remove() {
	[ -e "$1" ] || return 0
	rm -rf -- "$1" 2>/dev/null || as_root rm -rf --one-file-system -- "$1"
}

# Makes an entry unless it is there: PATH MAKER [ARGUMENT...].  MAKER is called
# with PATH in front of its arguments, in a subshell with errexit on; what it
# prints is for the user.
cache_make() {
	local path=$1 maker=$2
	shift 2
	cache_has "$path" && return 0
	mkdir -p -- "${path%/*}"
	exec 9>"$path.lock"
	flock -n 9 || { step "waiting for another run that makes $path"; flock 9; }
	if ! cache_has "$path"; then
		cache_remove "$path"
		mkdir -- "$path"
		# Not "( ... ) || die": that would switch errexit off inside.
		set +e
		(set -e; "$maker" "$path" "$@") 9>&- >&2
		local status=$?
		set -e
		[ $status -ne 3 ] || exit 3	# scripts/check has said what is missing
		[ $status -eq 0 ] || die "could not make $path (status $status); see the lines above"
		sync -f "$path"
		if [ -w "$path" ]; then
			: >"$path/.complete"
		else
			as_root touch "$path/.complete"
		fi
	fi
	exec 9>&-
}
