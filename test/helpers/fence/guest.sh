#!/bin/bash
# Runs inside a virtual machine, as root: a director whose virtual address is on an interface of a
# kind that not every host has, each kind in a section of the output that
# test/integration/fence-vm.test.ts reads. A section begins with a line "== NAME".
#
#     client 10.66.0.9 --- director 10.66.0.1, virtual address 10.66.0.100 on lan0
set -u
here=/share

section() { echo "== $1"; }
director() { ip netns exec director "$@"; }
client() { ip netns exec client "$@"; }
# Repeats a test for at least 60 s.
eventually() {
	local tries
	for tries in $(seq 300); do "$@" && return 0; sleep 0.2; done
	echo "never: $*"
	return 1
}
answers() { client ping -c 1 -W 1 "$1" > /dev/null 2>&1; }
is_silent() { ! answers "$1"; }
has_address() { director ip -o addr show dev lan0 | grep -q "10.66.0.100/"; }
# The client knows the way, so that it need not ask.
keep_neighbour() {
	local mac; mac=$(client ip neigh show 10.66.0.100 | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
	client ip neigh replace 10.66.0.100 lladdr "$mac" dev lan0 nud permanent
}

create_vlan() {
	local name
	for name in director client; do
		ip -n $name link add lan0 link eth0 type vlan id 5
	done
}
create_bond() {
	ip link add eth1 netns director type veth peer name eth1 netns client
	ip -n client link add lan0 type bridge
	ip -n director link add lan0 type bond mode active-backup miimon 50
	local name
	for name in director client; do
		ip -n $name link set eth1 up
		ip -n $name link set eth0 down; ip -n $name link set eth1 down
		ip -n $name link set eth0 master lan0; ip -n $name link set eth1 master lan0
		ip -n $name link set eth0 up; ip -n $name link set eth1 up
	done
}
# A dummy has no wire: the host answers for its address on the others.
create_dummy() {
	ip -n director link add lan0 type dummy
	ip -n client link add lan0 type bridge
	ip -n client link set eth0 master lan0
	ip -n director addr add 10.66.0.1/24 dev eth0
}

write_config() {
	cat > /tmp/appliance.toml <<-END
	[director]
	script_user = "nobody"
	[status]
	listen = "off"
	[[vrrp]]
	name = "web"
	interface = "$1"
	vrid = 51
	priority = 150
	addresses = [{ address = "10.66.0.100/32", interface = "lan0" }]
	advertise_interval = "50ms"
	down_after = "1s"
	auth = "none"
	END
}

start_director() {
	rm -rf /tmp/run /tmp/state; mkdir -p /tmp/run/bpf /tmp/state
	mount -t bpf bpf /tmp/run/bpf
	# It becomes the director: its guard is a child of this process.
	(
		export APPLIANCE_RUNTIME_DIR=/tmp/run APPLIANCE_STATE_DIR=/tmp/state
		exec ip netns exec director "$here/appliance" run --config /tmp/appliance.toml
	) > /tmp/director.log 2>&1 &
	pid=$!
}

kill_both() {
	local guard; guard=$(pgrep -P "$pid" | head -1)
	kill -STOP "$pid"; kill -KILL "$guard"; kill -KILL "$pid"; wait "$pid" 2> /dev/null
}

try() { # kind, interface that advertisements go out on
	local kind=$1 name
	section "$kind"
	for name in director client; do ip netns add $name; ip -n $name link set lo up; done
	ip link add eth0 netns director type veth peer name eth0 netns client
	for name in director client; do ip -n $name link set eth0 up; done
	"create_$kind"
	[ "$kind" = dummy ] || ip -n director addr add 10.66.0.1/24 dev lan0
	ip -n client addr add 10.66.0.9/24 dev lan0
	for name in director client; do ip -n $name link set lan0 up; done
	write_config "$2"
	start_director
	eventually answers 10.66.0.100 && echo "answers"
	grep -o 'fence .*' /tmp/director.log
	keep_neighbour
	if [ "$kind" = dummy ]; then
		ip -n director link del lan0; ip -n director link add lan0 type dummy; ip -n director link set lan0 up
		eventually has_address && echo "has it on another dummy"
		eventually answers 10.66.0.100 && echo "answers again"
	fi
	kill_both
	eventually is_silent 10.66.0.100 && has_address && echo "is silent with the address on it"
	is_silent 10.66.0.100 && answers 10.66.0.1 && echo "answers for its own"
	ip netns del director; ip netns del client
	umount -l /tmp/run/bpf
	sleep 1
}

modprobe -a 8021q bonding dummy veth cls_bpf sch_ingress 2> /dev/null
try vlan lan0
try bond lan0
try dummy eth0
section end
cat /tmp/director.log
