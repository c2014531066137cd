#!/bin/bash
# Runs inside a virtual machine whose kernel has IPVS, as root: a director before real servers in
# network namespaces, each part of its life in a section of the output that test/integration/
# ipvs-vm.test.ts reads. A section begins with a line "== NAME".
#
#     client 10.66.0.9 ---+--- director 10.66.0.1, 10.77.0.1 ---+--- c 10.77.0.13, d 10.77.0.14
#                         |    10.66.0.100 and more              the director is their way back
#                         +--- a 10.66.0.11, b 10.66.0.12
#                              the virtual addresses on lo and tunl0
set -u
here=/share
export APPLIANCE_RUNTIME_DIR=/tmp/run APPLIANCE_STATE_DIR=/tmp/state
mkdir -p /tmp/run /tmp/state
log=/tmp/director.log
config=/tmp/appliance.toml

section() { echo "== $1"; }
inside() { ip netns exec "$@"; }
appliance() { inside director "$here/appliance" "$@"; }
kernel() { inside director ipvsadm "$@"; }
# Repeats a test for at least 30 s.
eventually() {
	local tries
	for tries in $(seq 150); do "$@" && return 0; sleep 0.2; done
	echo "never: $*"
	return 1
}
# Name of the server that answers each of COUNT requests, counted.
ask() {
	local count=$1; shift
	for _ in $(seq "$count"); do inside client curl -s -m 10 "$@" || echo nobody; done | sort | uniq -c | sed 's/^ *//'
}
ask_udp() {
	inside client perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], Proto => "udp") or die;
		$s->send("x"); alarm 3; $s->recv(my $text, 99); print "$text\n"' "$@" || echo nobody
}
has() { kernel -Ln | grep -q -- "$1"; }
has_not() { ! has "$1"; }
is_ready() { curl -s -m 3 --unix-socket /tmp/run/control.sock http://localhost/readyz | grep -q '"ready":true'; }
# Both tables, once they agree: counters may change between one look and the other. The proxy's
# service is in ours alone.
compare() { # label, options
	local tries label=$1 view=(-L); shift
	[ "$1" != -S ] || view=()
	for tries in $(seq 5); do
		kernel "${view[@]}" "$@" > /tmp/theirs
		appliance list "$@" | sed '/10.66.0.101:9090/,+2d' > /tmp/ours
		cmp -s /tmp/theirs /tmp/ours && break
		sleep 0.3
	done
	section "$label: ipvsadm $*"; cat /tmp/theirs
	section "$label: list $*"; cat /tmp/ours
}

# Networks.
modprobe -a ipip cls_flower act_skbedit
for bridge in br66 br77; do ip link add $bridge type bridge; ip link set $bridge up; done
plug() { # namespace interface bridge address...
	local namespace=$1 interface=$2 bridge=$3 address; shift 3
	ip link add "$namespace-$bridge" type veth peer name "$interface" netns "$namespace"
	ip link set "$namespace-$bridge" master "$bridge" up
	inside "$namespace" ip link set "$interface" up
	for address; do inside "$namespace" ip addr add "$address" dev "$interface"; done
}
for namespace in client director a b c d; do
	ip netns add $namespace
	inside $namespace sysctl -qw net.ipv6.conf.default.accept_dad=0
	inside $namespace ip link set lo up
done
plug client eth0 br66 10.66.0.9/24 2001:db8::9/64
plug director eth0 br66 10.66.0.1/24 2001:db8::1/64 10.66.0.100/24 10.66.0.101/24 10.66.0.102/24 10.66.0.103/24
# Not for what the director itself asks for: the real servers have this address, too.
inside director ip addr add 2001:db8::100/128 dev eth0 preferred_lft 0
plug director eth1 br77 10.77.0.1/24
inside director sysctl -qw net.ipv4.ip_forward=1
index=11
for namespace in a b; do
	inside $namespace sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
	plug $namespace eth0 br66 10.66.0.$index/24 2001:db8::$index/64
	inside $namespace ip addr add 10.66.0.100/32 dev lo
	inside $namespace ip addr add 10.66.0.103/32 dev lo
	inside $namespace ip addr add 2001:db8::100/128 dev lo
	inside $namespace ip link set tunl0 up
	inside $namespace ip addr add 10.66.0.102/32 dev tunl0
	inside $namespace sysctl -qw net.ipv4.conf.tunl0.rp_filter=0 net.ipv4.conf.all.rp_filter=0
	index=$((index + 1))
done
for namespace in c d; do
	plug $namespace eth0 br77 10.77.0.$index/24
	inside $namespace ip route add default via 10.77.0.1
	index=$((index + 1))
done
for namespace in a b c d; do
	inside $namespace perl $here/server.pl $namespace :: 80 < /dev/null > /dev/null 2>&1 &
done
for namespace in a b; do
	inside $namespace perl $here/server.pl $namespace 10.66.0.100 53 < /dev/null > /dev/null 2>&1 &
done
inside director perl $here/server.pl fallback :: 80 < /dev/null > /dev/null 2>&1 &
# What comes for one more address carries the mark 7.
inside director tc qdisc add dev eth0 clsact
inside director tc filter add dev eth0 ingress protocol ip flower dst_ip 10.66.0.103 \
	action skbedit mark 7

cat > $config <<'TOML'
[director]
stop_timeout = "2s"
[status]
listen = "off"
[defaults]
check = { type = "negotiate", service = "http", interval = "1s", timeout = "5s", fall = 1 }

[[virtual_service]]
name = "direct"
listen = ["10.66.0.100:80"]
forwarding = "gate"
scheduler = "wrr"
quiescent = true
fallback = "127.0.0.1:80"
real_servers = [
  { address = "10.66.0.11:80", weight = 1, upper_threshold = 500, lower_threshold = 300 },
  { address = "10.66.0.12:80", weight = 3 },
]

[[virtual_service]]
name = "direct-ipv6"
listen = "[2001:db8::100]:80"
forwarding = "gate"
scheduler = "rr"
persistent = "6m"
persistence_mask = 64
real_servers = [{ address = "[2001:db8::11]:80" }, { address = "[2001:db8::12]:80" }]

[[virtual_service]]
name = "translated"
listen = "10.66.0.101:8080"
forwarding = "masq"
scheduler = "rr"
real_servers = [{ address = "10.77.0.13:80" }, { address = "10.77.0.14:80" }]

[[virtual_service]]
name = "translated-udp"
listen = "10.66.0.101:8081"
protocol = "udp"
forwarding = "masq"
scheduler = "rr"
real_servers = [{ address = "10.77.0.13:80" }, { address = "10.77.0.14:80" }]

[[virtual_service]]
name = "one-packet"
listen = "10.66.0.100:53"
protocol = "udp"
forwarding = "gate"
scheduler = "rr"
one_packet = true
check = { type = "on" }
real_servers = [{ address = "10.66.0.11:53" }, { address = "10.66.0.12:53" }]

[[virtual_service]]
name = "tunnelled"
listen = "10.66.0.102:80"
forwarding = "ipip"
scheduler = "sh"
scheduler_flags = ["sh-port", "sh-fallback"]
real_servers = [{ address = "10.66.0.11:80" }, { address = "10.66.0.12:80" }]

[[virtual_service]]
name = "proxied"
listen = "10.66.0.101:9090"
quiescent = true
scheduler = "rr"
real_servers = [{ address = "10.77.0.13:80" }, { address = "10.77.0.14:80" }]

# The reload leaves out what follows.
[[virtual_service]]
name = "marked"
fwmark = 7
forwarding = "gate"
engine = "ipvs"
scheduler = "rr"
persistent = "10m"
persistence_mask = 24
real_servers = [
  { address = "10.66.0.11", check = { port = 80 } },
  { address = "10.66.0.12", check = { port = 80 } },
]

[[virtual_service]]
name = "ports"
listen = "10.66.0.103:8000-8002"
forwarding = "gate"
scheduler = "mh"
real_servers = [{ address = "10.66.0.11:8000", check = { port = 80 } }]

TOML

section "no module"
cat /proc/sys/kernel/modprobe > /tmp/modprobe; echo /bin/false > /proc/sys/kernel/modprobe
appliance run --config $config 2>&1; echo "status $?"
cat /tmp/modprobe > /proc/sys/kernel/modprobe
section "validate"
appliance validate $config; echo "status $?"

modprobe ip_vs
inside director sysctl -qw net.ipv4.vs.expire_nodest_conn=1 net.ipv4.vs.expire_quiescent_template=1
kernel -A -t 10.66.0.200:99 -s rr
kernel -a -t 10.66.0.200:99 -r 10.66.0.11:99 -g -w 5
start() {
	inside director $here/appliance run --config $config >> $log 2>&1 &
	eventually is_ready
}
director() { pgrep -f "run --config" | head -1; }
has_ended() { [ -z "$(director)" ]; }
start

section "foreign"
kernel -Ln -t 10.66.0.200:99
kernel -D -t 10.66.0.200:99
for view in "-n" "-n --thresholds" "-S -n" "--timeout"; do compare start $view; done
kernel --start-daemon master --mcast-interface eth0 --syncid 7
compare start --daemon
kernel --stop-daemon master

section "gate"
inside director tcpdump -l -nn -i eth0 ip and src host 10.66.0.100 > /tmp/wire 2> /tmp/tcpdump &
wire=$!
eventually grep -q listening /tmp/tcpdump
ask 8 http://10.66.0.100/
sleep 0.5; kill $wire; wait $wire 2> /dev/null
section "answers through the director"
cat /tmp/wire
section "gate over IPv6"
ask 4 "http://[2001:db8::100]/" | sed 's/[ab]$/one/'
section "masq"
ask 8 http://10.66.0.101:8080/
section "masq of datagrams"
for _ in 1 2 3 4; do ask_udp 10.66.0.101 8081; done | sort | uniq -c | sed 's/^ *//'
section "one packet"
for _ in 1 2 3 4; do ask_udp 10.66.0.100 53; done | sort | uniq -c | sed 's/^ *//'
section "ipip"
for port in 5001 5002 5003 5004 5005 5006 5007 5008; do inside client curl -s -m 3 --local-port $port http://10.66.0.102/; done | grep -c '^[ab]$'
section "mark"
ask 4 http://10.66.0.103:80/ | sed 's/[ab]$/one/'
section "proxy"
ask 4 http://10.66.0.101:9090/
compare traffic -n
compare traffic -n --stats
compare traffic -n --persistent-conn
section "list -c"
appliance list -n -c | sed -E 's/ [0-9][0-9]:[0-9][0-9] / mm:ss /; s/:[0-9]{4,5} +10/:port 10/' | sort | uniq
section "status"
appliance status --json | grep -E '^ {6}"(engine|engineReason)"' | tr -d , | sort | uniq -c | sed 's/  */ /g; s/^ //'

section "one is sick"
touch /tmp/sick-a /tmp/sick-c
eventually has "10.66.0.11:80  *Route  *0 "
eventually has_not "10.77.0.13:80"
ask 4 http://10.66.0.100/
ask 4 http://10.66.0.101:8080/
compare sick -n
section "all are sick"
touch /tmp/sick-b
eventually has "127.0.0.1:80"
ask 2 http://10.66.0.100/
compare fallback -n
rm /tmp/sick-*
eventually has_not "127.0.0.1:80"
eventually has "10.66.0.11:80  *Route  *1 "
eventually has "10.77.0.13:80"

section "changed by hand"
kernel -A -t 10.66.0.201:99 -s wlc
kernel -e -t 10.66.0.100:80 -r 10.66.0.12:80 -g -w 77
kernel -d -t 10.66.0.102:80 -r 10.66.0.11:80
kernel -D -u 10.66.0.101:8081
kernel -E -t 10.66.0.101:8080 -s wlc
eventually has "10.66.0.12:80  *Route  *3 "
eventually has "UDP  10.66.0.101:8081"
eventually has "10.66.0.101:8080 rr"
grep -o 'engine-put-back.*' $log
section "foreign stays"
kernel -Ln -t 10.66.0.201:99
kernel -D -t 10.66.0.201:99
compare "put back" -n

section "drain"
appliance drain 10.66.0.12:80 --service direct | head -1
has "10.66.0.12:80  *Route  *0 " && echo "weight 0"
appliance enable 10.66.0.12:80 --service direct | head -1

section "reload"
sed -i 's/weight = 3/weight = 4/; /^# The reload leaves out what follows.$/,$d' $config
appliance reload
has "10.66.0.12:80  *Route  *4 " && echo "weight 4"
has FWM || echo "no mark"
section "killed"
kill -9 "$(director)"
eventually has_ended
kernel -Ln | grep -c Route
: > $log
ask 20 http://10.66.0.100/ > /tmp/meanwhile &
asking=$!
start
wait $asking
grep -c 'IPVS had' $log
section "while it started"
sed 's/^[0-9]* //' /tmp/meanwhile
compare restarted -n

section "stopped"
kernel -A -t 10.66.0.201:99 -s wlc
kill "$(director)"
eventually has_ended
kernel -Ln

# A director of a pair sends its connections while it is active.
cat > $config <<'TOML'
[status]
listen = "off"
[ipvs]
sync_interface = "eth1"
sync_id = 9
tcp_fin_timeout = "33s"

[[vrrp]]
name = "pair"
interface = "eth1"
vrid = 51
addresses = ["10.77.0.200/24"]
auth = "none"
advertise_interval = "1s"
down_after = "9s"

[[virtual_service]]
name = "direct"
listen = "10.66.0.100:80"
forwarding = "gate"
scheduler = "rr"
check = { type = "on" }
real_servers = [{ address = "10.66.0.11:80" }]
TOML
sends() { kernel -L --daemon | grep -q "^master"; }
start
section "sync: backup"
kernel -L --daemon
eventually sends
section "sync: active"
kernel -L --daemon
kernel -L --timeout
compare sync --daemon
kill "$(director)"
eventually has_ended
section "sync: stopped"
kernel -L --daemon
section "log"
tail -5 $log
section "end"
