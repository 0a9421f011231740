# SPDX-License-Identifier: GPL-2.0
#
# CARP for Linux: "make help" says what there is.
#
# This file only names the steps; each is a script, which can be called by hand.

.DEFAULT_GOAL := module
MAKEFLAGS += --no-print-directory
export KERNEL KDIR SUITE V CARP_CACHE

.PHONY: module tools check format test test-all bench demo install uninstall update clean distclean help

module:
	@scripts/module >/dev/null

tools:
	@scripts/tools >/dev/null

check:
	@scripts/check-all

format:
	@scripts/check-format --fix

test: module tools
	@tools/testing/run

test-all: module tools
	@tools/testing/run --all

bench: module tools
	@tools/bench/run

demo: module tools
	@tools/demo/run

install:
	@scripts/install

uninstall:
	@scripts/install --uninstall

update:
	@scripts/kernel-release --update

clean:
	rm -rf build

distclean: clean
	@scripts/cache --remove

help:
	@sed -n 's/^# help: //p' $(MAKEFILE_LIST)

# help: make             build build/carp.ko for the newest kernel of trixie-backports
# help: make KERNEL=R    ... for the Debian kernel release R (scripts/kernel-release --list)
# help: make KDIR=TREE   ... for a kernel tree that is prepared with Rust
# help: make demo        show an address moving between two gateways, in virtual machines
# help: make test        run all tests that take minutes
# help: make test-all    run all tests, also on the debug kernel
# help: make test KERNEL=debug
# help:                  run them on a kernel with KASAN, lockdep and the like
# help: make bench       measure it, and keepalived and ucarp beside it
# help: make check       check format, lints, licences and the host tests
# help: make format      format the Rust sources as the kernel does
# help: make tools       build the tools that run beside the module
# help: make install     install module, tools, units, manuals (DESTDIR is honoured)
# help: make uninstall   remove them again
# help: make update      look for a newer kernel to build for
# help: make clean       remove what was built (build/)
# help: make distclean   and the cache (CARP_CACHE, normally ~/.cache/carp)
