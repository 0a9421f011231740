# SPDX-License-Identifier: GPL-2.0-only
# Made by carpctl completion.

_carpctl_names() {
	local name
	while IFS= read -r name; do
		[[ $name == "$cur"* ]] && COMPREPLY+=("$(printf %q "$name")")
	done
}

_carpctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} first i
	COMPREPLY=()
	case $prev in
	vhid) return ;;
	carpdev) _carpctl_names < <(command ls /sys/class/net); return ;;
	advbase) return ;;
	advskew) return ;;
	pass) return ;;
	passfile) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	state) COMPREPLY=($(compgen -W "master backup" -- "$cur")); return ;;
	carpnodes) return ;;
	balancing) COMPREPLY=($(compgen -W "none ip ip-stealth ip-unicast" -- "$cur")); return ;;
	selection) COMPREPLY=($(compgen -W "addresses flow" -- "$cur")); return ;;
	inet) return ;;
	inet6) return ;;
	netmask) return ;;
	prefixlen) return ;;
	broadcast) return ;;
	mtu) return ;;
	dev) _carpctl_names < <(command ls /sys/class/net); return ;;
	--color) COMPREPLY=($(compgen -W "auto always never" -- "$cur")); return ;;
	--exec) COMPREPLY=($(compgen -d -- "$cur")); return ;;
	--output) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	-o) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--interval) return ;;
	-n) return ;;
	completion) COMPREPLY=($(compgen -W "bash fish zsh" -- "$cur")); return ;;
	esac
	if [[ $cur == --* ]]; then
		COMPREPLY=($(compgen -W "--json --all --color --exec --output --interval --check --diff --help --version" -- "$cur"))
		return
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == --* ]] || { first=${COMP_WORDS[i]}; break; }
	done
	case $first in
	'')
		COMPREPLY=($(compgen -W "show stats load monitor watch diag metrics key completion create" -- "$cur"))
		_carpctl_names < <(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p')
		;;
	show | stats | load | monitor | watch | diag | metrics | key | completion) _carpctl_names < <(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p') ;;
	*) COMPREPLY=($(compgen -W "create destroy up down vhid carpdev -carpdev advbase advskew pass passfile passprompt nopass state carpnodes balancing selection inet inet6 netmask prefixlen broadcast alias -alias delete mtu dev" -- "$cur")) ;;
	esac
}
complete -F _carpctl carpctl
