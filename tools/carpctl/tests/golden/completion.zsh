#compdef carpctl
# SPDX-License-Identifier: GPL-2.0-only
# Made by carpctl completion.

local -a commands keywords options
commands=(
	'show:a table of the groups'
	'stats:the counters of the groups'
	'load:make interfaces as /etc/hostname.carp0 says'
	'monitor:a line for each event, until it is interrupted'
	'watch:a live screen of groups, peers and events; q ends it'
	'diag:why a group is what it is, and what to change'
	'metrics:metrics in Prometheus'\'' text format'
	'key:show the key, to who may see it'
	'completion:completions for bash, fish or zsh'
)
keywords=(
	'create:make the interface'
	'destroy:delete the interface'
	'up:take the interface up'
	'down:take the interface down; a MASTER takes its leave'
	'vhid:the number of the group, 1 to 255'
	'carpdev:the parent: where the group is'
	'-carpdev:no parent'
	'advbase:the base of the advertisement interval, 0 to 255'
	'advskew:1/256 seconds more of the interval, 0 to 254'
	'pass:the key, for every user of this host to see'
	'passfile:take the key from a file'\''s first line; -: from standard input'
	'passprompt:ask for the key on the terminal'
	'nopass:an empty key'
	'state:ask a running group to change its state'
	'carpnodes:the nodes of a group that shares its load'
	'balancing:how all hosts come to see each packet'
	'selection:by what the node for a packet is selected'
	'inet:an IPv4 address, instead of the first one'
	'inet6:an IPv6 address'
	'netmask:the address'\''s subnet, as an IPv4 mask'
	'prefixlen:the address'\''s subnet, as a number of bits'
	'broadcast:the subnet'\''s broadcast address'
	'alias:the address is one more'
	'-alias:take the address away'
	'delete:take the address away'
	'mtu:the longest packet'
	'dev:an interface whose name is one of these words'
)
options=(
	'--json:JSON instead of text'
	'--all:all groups'
	'--color:colours: auto, always or never'
	'--exec:run the programs in it at every change of state'
	'--output:replace this file, whole or not'
	'--interval:how often the screen is read anew'
	'--check:look for mistakes, and change nothing'
	'--diff:say what would be changed, and change nothing'
	'--help:show the usage'
	'--version:show the version'
)

case $words[CURRENT-1] in
'vhid') _message 'number'; return ;;
'carpdev') compadd -- /sys/class/net/*(:t); return ;;
'advbase') _message 'seconds'; return ;;
'advskew') _message 'number'; return ;;
'pass') _message 'word'; return ;;
'passfile') _files; return ;;
'state') compadd -- master backup; return ;;
'carpnodes') _message 'vhid:advskew,...'; return ;;
'balancing') compadd -- none ip ip-stealth ip-unicast; return ;;
'selection') compadd -- addresses flow; return ;;
'inet') _message 'address[/prefix]'; return ;;
'inet6') _message 'address[/prefix]'; return ;;
'netmask') _message 'mask'; return ;;
'prefixlen') _message 'number'; return ;;
'broadcast') _message 'address'; return ;;
'mtu') _message 'bytes'; return ;;
'dev') compadd -- /sys/class/net/*(:t); return ;;
'--color') compadd -- auto always never; return ;;
'--exec') _files -/; return ;;
'--output') _files; return ;;
'-o') _files; return ;;
'--interval') _message 'seconds'; return ;;
'-n') _message 'seconds'; return ;;
'completion') compadd -- bash fish zsh; return ;;
esac
if [[ $PREFIX == --* ]]; then
	_describe option options
elif (( CURRENT == 2 )); then
	_describe command commands
	compadd -- create ${(f)"$(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p')"}
elif (( ${commands[(I)$words[2]:*]} )); then
	compadd -- ${(f)"$(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p')"}
else
	_describe word keywords
fi
