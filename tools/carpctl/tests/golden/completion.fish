# SPDX-License-Identifier: GPL-2.0-only
# Made by carpctl completion.

complete -c carpctl -f
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a "(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p')" -d interface
complete -c carpctl -n 'contains -- (commandline -opc)[2] show stats monitor watch diag metrics key' -a "(carpctl 2>/dev/null | sed -n 's/^\([^[:space:]]*\): flags=.*/\1/p')" -d interface
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a show -d 'a table of the groups'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a stats -d 'the counters of the groups'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a monitor -d 'a line for each event, until it is interrupted'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a watch -d 'a live screen of groups, peers and events; q ends it'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a diag -d 'why a group is what it is, and what to change'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a metrics -d 'metrics in Prometheus'\'' text format'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a key -d 'show the key, to who may see it'
complete -c carpctl -n 'test (count (commandline -opc)) -eq 1' -a completion -d 'completions for bash, fish or zsh'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'create' -d 'make the interface'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'destroy' -d 'delete the interface'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'up' -d 'take the interface up'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'down' -d 'take the interface down; a MASTER takes its leave'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'vhid' -d 'the number of the group, 1 to 255'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'carpdev' -d 'the parent: where the group is'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a '-carpdev' -d 'no parent'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'advbase' -d 'the base of the advertisement interval, 0 to 255'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'advskew' -d '1/256 seconds more of the interval, 0 to 254'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'pass' -d 'the key, for every user of this host to see'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'passfile' -d 'take the key from a file'\''s first line; -: from standard input'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'passprompt' -d 'ask for the key on the terminal'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'nopass' -d 'an empty key'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'state' -d 'ask a running group to change its state'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'inet' -d 'an IPv4 address, instead of the first one'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'inet6' -d 'an IPv6 address'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'netmask' -d 'the address'\''s subnet, as an IPv4 mask'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'prefixlen' -d 'the address'\''s subnet, as a number of bits'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'broadcast' -d 'the subnet'\''s broadcast address'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'alias' -d 'the address is one more'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a '-alias' -d 'take the address away'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'delete' -d 'take the address away'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'mtu' -d 'the longest packet'
complete -c carpctl -n 'test (count (commandline -opc)) -gt 1; and not contains -- (commandline -opc)[2] show stats monitor watch diag metrics key completion' -a 'dev' -d 'an interface whose name is one of these words'
complete -c carpctl -n 'test (commandline -opc)[-1] = carpdev' -a "(command ls /sys/class/net)"
complete -c carpctl -n 'test (commandline -opc)[-1] = passfile' -a "(__fish_complete_path)"
complete -c carpctl -n 'test (commandline -opc)[-1] = state' -a "master backup"
complete -c carpctl -n 'test (commandline -opc)[-1] = dev' -a "(command ls /sys/class/net)"
complete -c carpctl -n 'test (commandline -opc)[-1] = completion' -a "bash fish zsh"
complete -c carpctl -l json -s j -d 'JSON instead of text'
complete -c carpctl -l all -s a -d 'all groups'
complete -c carpctl -l color -x -a "auto always never" -d 'colours: auto, always or never'
complete -c carpctl -l exec -r -F -d 'run the programs in it at every change of state'
complete -c carpctl -l output -s o -r -F -d 'replace this file, whole or not'
complete -c carpctl -l interval -s n -x -d 'how often the screen is read anew'
complete -c carpctl -l help -s h -d 'show the usage'
complete -c carpctl -l version -s V -d 'show the version'
