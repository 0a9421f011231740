# SPDX-License-Identifier: GPL-2.0-only
# Made by carpctl completion.

function __carpctl_groups
	carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p'
end
function __carpctl_after
	test (commandline -opc)[-1] = $argv[1]
end
function __carpctl_at_first
	test (count (commandline -opc)) -eq 1
end
function __carpctl_at_group
	contains -- (commandline -opc)[2] show stats load monitor watch diag metrics key
end
function __carpctl_at_word
	test (count (commandline -opc)) -gt 1
	and not contains -- (commandline -opc)[2] show stats load monitor watch diag metrics key completion
	and not contains -- (commandline -opc)[-1] vhid carpdev advbase advskew pass passfile state carpnodes balancing selection inet inet6 netmask prefixlen broadcast mtu dev --color --exec --output -o --interval -n completion
end

complete -c carpctl -f
complete -c carpctl -n __carpctl_at_first -a "(__carpctl_groups)" -d interface
complete -c carpctl -n __carpctl_at_group -a "(__carpctl_groups)" -d interface
complete -c carpctl -n __carpctl_at_first -a 'show' -d 'a table of the groups'
complete -c carpctl -n __carpctl_at_first -a 'stats' -d 'the counters of the groups'
complete -c carpctl -n __carpctl_at_first -a 'load' -d 'make interfaces as /etc/hostname.carp0 says'
complete -c carpctl -n __carpctl_at_first -a 'monitor' -d 'a line for each event, until it is interrupted'
complete -c carpctl -n __carpctl_at_first -a 'watch' -d 'a live screen of groups, peers and events; q ends it'
complete -c carpctl -n __carpctl_at_first -a 'diag' -d 'why a group is what it is, and what to change'
complete -c carpctl -n __carpctl_at_first -a 'metrics' -d 'metrics in Prometheus'\'' text format'
complete -c carpctl -n __carpctl_at_first -a 'key' -d 'show the key, to who may see it'
complete -c carpctl -n __carpctl_at_first -a 'completion' -d 'completions for bash, fish or zsh'
complete -c carpctl -n __carpctl_at_word -a 'create' -d 'make the interface'
complete -c carpctl -n __carpctl_at_word -a 'destroy' -d 'delete the interface'
complete -c carpctl -n __carpctl_at_word -a 'up' -d 'take the interface up'
complete -c carpctl -n __carpctl_at_word -a 'down' -d 'take the interface down; a MASTER takes its leave'
complete -c carpctl -n __carpctl_at_word -a 'vhid' -d 'the number of the group, 1 to 255'
complete -c carpctl -n __carpctl_at_word -a 'carpdev' -d 'the parent: where the group is'
complete -c carpctl -n __carpctl_at_word -a '-carpdev' -d 'no parent'
complete -c carpctl -n __carpctl_at_word -a 'advbase' -d 'the base of the advertisement interval, 0 to 255'
complete -c carpctl -n __carpctl_at_word -a 'advskew' -d '1/256 seconds more of the interval, 0 to 254'
complete -c carpctl -n __carpctl_at_word -a 'pass' -d 'the key, for every user of this host to see'
complete -c carpctl -n __carpctl_at_word -a 'passfile' -d 'take the key from a file'\''s first line; -: from standard input'
complete -c carpctl -n __carpctl_at_word -a 'passprompt' -d 'ask for the key on the terminal'
complete -c carpctl -n __carpctl_at_word -a 'nopass' -d 'an empty key'
complete -c carpctl -n __carpctl_at_word -a 'state' -d 'ask a running group to change its state'
complete -c carpctl -n __carpctl_at_word -a 'carpnodes' -d 'the nodes of a group that shares its load'
complete -c carpctl -n __carpctl_at_word -a 'balancing' -d 'how all hosts come to see each packet'
complete -c carpctl -n __carpctl_at_word -a 'selection' -d 'by what the node for a packet is selected'
complete -c carpctl -n __carpctl_at_word -a 'inet' -d 'an IPv4 address, instead of the first one'
complete -c carpctl -n __carpctl_at_word -a 'inet6' -d 'an IPv6 address'
complete -c carpctl -n __carpctl_at_word -a 'netmask' -d 'the address'\''s subnet, as an IPv4 mask'
complete -c carpctl -n __carpctl_at_word -a 'prefixlen' -d 'the address'\''s subnet, as a number of bits'
complete -c carpctl -n __carpctl_at_word -a 'broadcast' -d 'the subnet'\''s broadcast address'
complete -c carpctl -n __carpctl_at_word -a 'alias' -d 'the address is one more'
complete -c carpctl -n __carpctl_at_word -a '-alias' -d 'take the address away'
complete -c carpctl -n __carpctl_at_word -a 'delete' -d 'take the address away'
complete -c carpctl -n __carpctl_at_word -a 'mtu' -d 'the longest packet'
complete -c carpctl -n __carpctl_at_word -a 'dev' -d 'an interface whose name is one of these words'
complete -c carpctl -n '__carpctl_after carpdev' -a "(command ls /sys/class/net)"
complete -c carpctl -n '__carpctl_after passfile' -a "(__fish_complete_path (commandline -ct))"
complete -c carpctl -n '__carpctl_after state' -a "master backup"
complete -c carpctl -n '__carpctl_after balancing' -a "none ip ip-stealth ip-unicast"
complete -c carpctl -n '__carpctl_after selection' -a "addresses flow"
complete -c carpctl -n '__carpctl_after dev' -a "(command ls /sys/class/net)"
complete -c carpctl -n '__carpctl_after completion' -a "bash fish zsh"
complete -c carpctl -l json -s j -d 'JSON instead of text'
complete -c carpctl -l all -s a -d 'all groups'
complete -c carpctl -l color -x -a "auto always never" -d 'colours: auto, always or never'
complete -c carpctl -l exec -r -F -d 'run the programs in it at every change of state'
complete -c carpctl -l output -s o -r -F -d 'replace this file, whole or not'
complete -c carpctl -l interval -s n -x -d 'how often the screen is read anew'
complete -c carpctl -l check -d 'look for mistakes, and change nothing'
complete -c carpctl -l diff -d 'say what would be changed, and change nothing'
complete -c carpctl -l help -s h -d 'show the usage'
complete -c carpctl -l version -s V -d 'show the version'
