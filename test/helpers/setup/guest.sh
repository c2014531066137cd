#!/bin/bash
# Runs inside a virtual machine whose kernel has ipip, as root: a real server that is prepared for a
# tunnel, and a client that is its own director. Each part is a section of the output that
# test/integration/setup-vm.test.ts reads. A section begins with a line "== NAME".
set -u
here=/share
export APPLIANCE_RUNTIME_DIR=/tmp/run APPLIANCE_STATE_DIR=/tmp/state
mkdir -p /tmp/run /tmp/state

section() { echo "== $1"; }
inside() { ip netns exec "$@"; }
state() {
	inside real ip -o -4 addr show | sed 's/ *\\.*//; s/^[0-9]*: //' | grep -v tunl0
	inside real ip -o link show tunl0 2> /dev/null | grep -o '[<,]UP[,>]' | tr -d '<,>'
	inside real sysctl -n net.ipv4.conf.{all,eth0,tunl0}.{arp_ignore,arp_announce,rp_filter} 2> /dev/null | paste -sd' '
}

ip netns add real
ip netns add client
ip link add eth0 netns real type veth peer name eth0 netns client
inside real ip addr add 10.66.0.11/24 dev eth0
inside client ip addr add 10.66.0.1/24 dev eth0
for namespace in real client; do
	inside $namespace ip link set lo up
	inside $namespace ip link set eth0 up
done
inside real sysctl -qw net.ipv4.conf.all.rp_filter=1
modprobe ipip
inside client ip link add tunnel type ipip local 10.66.0.1 remote 10.66.0.11
inside client ip link set tunnel up
inside client ip route add 10.66.0.100/32 dev tunnel src 10.66.0.1
inside real perl $here/server.pl real 0.0.0.0 80 < /dev/null > /dev/null 2>&1 &
for _ in $(seq 100); do inside client curl -s -m 1 http://10.66.0.11/ > /dev/null && break; sleep 0.1; done

section "before"
state
section "before: answer"
inside client curl -s -m 3 http://10.66.0.100/ || echo nobody
section "prepare"
inside real $here/appliance setup realserver --vip 10.66.0.100 --method ipip --no-persist > /tmp/out 2>&1
echo "status $?"
section "prepared: answer"
# The client's tunnel remembers the errors of before for some packets (ip_tunnel.c).
for _ in $(seq 20); do inside client curl -s -m 3 http://10.66.0.100/ && break; sleep 0.2; done
section "prepared: tunnel"
inside real ip -o link show tunl0 | grep -o '[<,]UP[,>]' | tr -d '<,>'
inside real sysctl -n net.ipv4.conf.all.rp_filter net.ipv4.conf.tunl0.rp_filter net.ipv4.conf.eth0.rp_filter | paste -sd' '
section "again"
inside real $here/appliance setup realserver --vip 10.66.0.100 --method ipip --no-persist --dry-run; echo "status $?"
section "undo"
inside real $here/appliance setup realserver --undo > /tmp/out 2>&1
echo "status $?"
section "after"
state
section "end"
