/**
 * The Debian packages on a host of their own with a systemd: installed, configured, started, hit,
 * upgraded, removed and purged, as an operator would.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";

import { requireLab, runInLab } from "../helpers/lab.ts";
import type { LabReport } from "../helpers/lab.ts";
import { buildPackages } from "../helpers/package.ts";
import { runProcess } from "../helpers/process.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requirePeer,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

/** Three hosts are started, and 120 MB compressed. */
setDefaultTimeout(240_000);

const needs = requireAll(requireExecutable(), requirePeer("dpkg-deb"), requireLab());
const folder = createTempFolder();
let report: LabReport = { told: new Map(), output: "" };

/** Tells `@NAME VALUE`; waits with a deadline; the state of the service and its main process. */
const preamble = `
export DEBIAN_FRONTEND=noninteractive
tell() { echo "@$1 $2"; }
state() { systemctl show -P ActiveState appliance; }
main() { systemctl show -P MainPID appliance; }
waitfor() {
  for _ in $(seq 200); do "$@" && return; sleep 0.1; done
  echo "not in time: $*"
  return 1
}
is() { [ "$(state)" = "$1" ]; }
restarted() { now=$(main); [ "$now" != 0 ] && [ "$now" != "$1" ] && is active; }
has_vip() { ip -4 -o address show eth0 2> /dev/null | grep -q '192\\.0\\.2\\.100'; }
network() {
  ip link add eth0 type veth peer name peer0
  ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up; ip link set peer0 up
}
files() {
  find / -xdev -not -path '/share*' -not -path '/var/lib/dpkg*' -not -path '/var/log*' \\
    -not -path '/var/cache*' -not -path '/tmp/*' -not -path '/var/tmp/*' | sort
}
`;

const configuration = `
[director]
stop_timeout = "20s"
[[virtual_service]]
name = "web"
listen = ["127.0.0.1:8080", "192.0.2.100:8080"]
on_service_up = ["/usr/local/bin/hook"]
check = { type = "on" }
real_servers = [{ address = "127.0.0.1:9999" }]
[[vrrp]]
name = "public"
interface = "eth0"
vrid = 51
priority = 150
addresses = ["192.0.2.100/24"]
auth = "none"
version = 3
advertise_interval = "50ms"
down_after = "1s"
`;

const firstBoot = `
# A network of its own with a bpf file system, as a host has them.
mount -t bpf bpf /sys/fs/bpf
network
files > /share/before

# Another manager that runs, and its configuration.
mkdir -p /etc/ha.d /run/systemd/system
printf 'virtual=127.0.0.1:8081\\n\\treal=127.0.0.1:9999 masq\\n' > /etc/ha.d/ldirectord.cf
printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' > /run/systemd/system/keepalived.service
systemctl daemon-reload; systemctl start keepalived

dpkg -i appliance_*.deb > /tmp/install 2>&1; tell install $?
grep '^  ' /tmp/install | sed 's/^ */@hint /'
tell keepalived "$(systemctl is-active keepalived)"
systemctl stop keepalived; rm /run/systemd/system/keepalived.service; systemctl daemon-reload
tell after-install "$(state) $(systemctl is-enabled appliance)"
tell account "$(getent passwd appliance | cut -d: -f1,6,7)"
systemctl start appliance; tell only-ldirectord "$? $(state)"
appliance import /etc/ha.d/ldirectord.cf --output /etc/appliance/appliance.toml 2> /dev/null
tell import "$? $(grep -c '^listen.*127.0.0.1:8081' /etc/appliance/appliance.toml)"

cat > /etc/appliance/appliance.toml <<'EOT'
${configuration}EOT
cat > /usr/local/bin/hook <<'EOT'
#!/bin/sh
{ id -un; grep -E '^(CapEff|NoNewPrivs)' /proc/self/status; } > /tmp/hook.new
mv /tmp/hook.new /tmp/hook
EOT
chmod 755 /usr/local/bin/hook
systemctl enable --now appliance; tell start "$? $(state) $(systemctl is-enabled appliance)"
appliance status > /dev/null; tell status $?
tell socket "$(stat -c '%U:%G %a' /run/appliance/control.sock)"
pid=$(main)
tell capabilities "$(grep CapEff /proc/$pid/status | cut -f2)"
hook=/proc/$pid/root/tmp/hook
waitfor test -e $hook && tell hook "$(tr '\\n\\t' '  ' < $hook)"
waitfor has_vip && tell vip active
appliance status | grep -q 'fenced by bpf' && tell fence bpf

systemctl reload appliance; tell reload "$? $(state)"
cp /etc/appliance/appliance.toml /tmp/good; echo 'broken = 1' >> /etc/appliance/appliance.toml
systemctl reload appliance 2> /dev/null; tell reload-broken "$? $(state)"
cp /tmp/good /etc/appliance/appliance.toml
tell same-process "$([ "$(main)" = $pid ] && echo yes)"

# A start with a broken file fails and stays so.
systemctl stop appliance; echo 'broken = 1' >> /etc/appliance/appliance.toml
systemctl start appliance 2> /dev/null; tell start-broken "$? $(state)"
cp /tmp/good /etc/appliance/appliance.toml
systemctl start appliance; pid=$(main); waitfor has_vip && tell vip back

# kill -9: the guard resigns and takes the address off before systemd starts the next one.
kill -9 $pid; waitfor restarted $pid && tell killed started
journalctl -u appliance -o cat > /tmp/journal
grep -q 'Killing process [0-9]* (appliance-guard)' /tmp/journal && tell guard killed
waitfor has_vip && tell vip again

# A main thread that hangs.
pid=$(main); kill -STOP $pid
waitfor restarted $pid && tell hung started
journalctl -u appliance -o cat | grep -q "Failed with result 'watchdog'" && tell watchdog fired

# The same version again, as an upgrade: the old one runs on.
waitfor is active; pid=$(main); waitfor has_vip
/share/lab-load serve 9999 > /tmp/serve 2>&1 &
server=$!
serves() { (exec 3<> /dev/tcp/127.0.0.1/9999) 2> /dev/null; }
waitfor serves
/share/lab-load load 192.0.2.100 8080 /tmp/loaded > /tmp/load 2>&1 &
load=$!
waitfor test -e /tmp/loaded
dpkg -i appliance_*.deb > /tmp/upgrade 2>&1; tell upgrade "$? $(state)"; cat /tmp/upgrade
# The new process is the director, for systemd too, and carries what comes.
now=$(main); [ "$now" != "$pid" ] && tell upgraded main
rm /tmp/loaded; kill -USR1 $load; waitfor test -e /tmp/loaded && tell upgraded loaded
has_vip && tell upgraded vip
fed() { [ "$(systemctl show -P WatchdogTimestampMonotonic appliance)" != "$1" ]; }
waitfor fed "$(systemctl show -P WatchdogTimestampMonotonic appliance)" && tell upgraded watchdog
kill -TERM $load; wait $load; cat /tmp/load; tell errors "$(grep -o 'errors [0-9]*' /tmp/load)"
waitfor test ! -e /proc/$pid && tell upgraded old-gone
journalctl -u appliance -o cat | sed -n '/Starts its successor/,$p' > /tmp/journal
tell upgraded "moves $(grep -c vrrp-state /tmp/journal)"
systemctl reload appliance; tell upgraded "reload $?"
# One that does not come up changes nothing.
pid=$(main); cp /usr/sbin/appliance /tmp/appliance; echo 'broken = 1' >> /etc/appliance/appliance.toml
dpkg -i appliance_*.deb > /tmp/upgrade 2>&1
tell upgrade-broken "$? $(state) $([ "$(main)" = $pid ] && echo same)"
tell upgrade-broken "$(grep -c 'still runs' /tmp/upgrade)"
cp /tmp/good /etc/appliance/appliance.toml
tell upgraded "left $(ls /run/appliance | grep -c 'sock[.]')"
# And the new one is looked after as the old one was, also while that still has connections.
/share/lab-load load 192.0.2.100 8080 /tmp/loaded-again > /dev/null 2>&1 &
load=$!
waitfor test -e /tmp/loaded-again; appliance upgrade > /dev/null; tell upgraded "again $?"
now=$(main); [ -e /proc/$pid ] && tell upgraded drains
kill -9 $now; waitfor restarted $now && tell upgraded restarted
kill -9 $load; waitfor has_vip; kill $server

dpkg -i appliance-compat_*.deb > /tmp/compat 2>&1; tell compat $?
tell ipvsadm "$(ipvsadm -L -n | grep -c 'TCP  127.0.0.1:8080')"
tell ldirectord "$(readlink -f "$(command -v ldirectord)")"
tell ldirectord "$(ldirectord --version | head -1 | cut -c 1-27)"
dpkg -P appliance-compat > /dev/null 2>&1; tell compat-purged $?

systemctl stop appliance; tell stop "$(state)"
has_vip || tell vip gone
systemctl start appliance; tell start-again "$(state)"

# A real server by a file that a management system writes, then by the command.
has_other() { ip -o address show lo | grep -q '192\\.0\\.2\\.201/32'; }
echo VIPS=192.0.2.201 > /etc/default/appliance-realserver
systemctl enable --now appliance-realserver 2> /dev/null; tell unit $?; has_other && tell unit present
appliance setup realserver --undo > /dev/null; has_other || tell unit undone
appliance setup realserver --vip 192.0.2.200 > /dev/null; tell setup $?
exit 194
`;

const secondBoot = `
has_realserver() { ip -o address show lo | grep -q '192\\.0\\.2\\.200/32'; }
waitfor is active && tell boot started
waitfor has_realserver && tell setup persistent
network
waitfor has_vip && tell vip booted

dpkg -r appliance > /tmp/remove 2>&1; tell remove "$? $(systemctl is-active appliance)"
pgrep -x appliance > /dev/null; tell processes $?
has_vip || tell vip removed
tell kept "$(ls /etc/appliance)"
has_realserver || tell setup undone
dpkg -P appliance > /tmp/purge 2>&1; tell purge $?
rm -rf /etc/ha.d /usr/local/bin/hook
files > /share/after
comm -13 /share/before /share/after | sed 's/^/@left /'
find /run/appliance /sys/fs/bpf/appliance 2> /dev/null | sed 's/^/@left /'
exit 0
`;

/** Exit status 194 of the first boot makes the second one. */
const script = `${preamble}
if [ "$VMLAB_BOOT" = 1 ]; then
${firstBoot}
else
${secondBoot}
fi
`;

/** Compiles the load, which needs nothing on the host then. */
async function buildLoad(path: string): Promise<void> {
  const source = new URL("../helpers/lab-load.ts", import.meta.url).pathname;
  const command = [process.execPath, "build", "--compile", source, `--outfile=${path}`];
  const { status, stderr } = await runProcess(command);
  if (status !== 0) throw new Error(`Cannot compile ${source}: ${stderr}`);
}

beforeAll(async () => {
  if (needs.skip) return;
  const executable = join(folder.path, "executable");
  copyFileSync(executablePath, executable);
  await buildPackages(folder.path, executable);
  await buildLoad(join(folder.path, "lab-load"));
  report = await runInLab(folder.path, script);
});
afterAll(() => folder[Symbol.dispose]());

test.skipIf(needs.skip).each([
  ["the installation starts and enables nothing", "after-install", ["inactive disabled"]],
  [
    "the installation says what to type",
    "hint",
    [
      "appliance import /etc/ha.d/ldirectord.cf --output /etc/appliance/appliance.toml",
      "appliance validate",
      "systemctl disable --now keepalived # two managers undo each other's work",
      "systemctl enable --now appliance",
    ],
  ],
  ["the installation leaves another manager alone", "keepalived", ["active"]],
  ["the import that it names works", "import", ["0 1"]],
  ["the installation makes the account", "account", ["appliance:/nonexistent:/usr/sbin/nologin"]],
  ["with only an ldirectord.cf nothing starts", "only-ldirectord", ["0 inactive"]],
  ["systemctl start waits until it is ready", "start", ["0 active enabled"]],
  ["appliance status finds the director", "status", ["0"]],
  ["the control socket is for the group", "socket", ["root:appliance 660"]],
  ["the director has eight capabilities", "capabilities", ["000000c0000034e0"]],
  ["a hook has neither", "hook", ["appliance CapEff: 0000000000000000 NoNewPrivs: 1 "]],
  ["the address is fenced by bpf in the sandbox", "fence", ["bpf"]],
  ["systemctl reload waits for the answer", "reload", ["0 active"]],
  ["systemctl reload of a broken file fails, and it runs on", "reload-broken", ["1 active"]],
  ["a reload keeps the process", "same-process", ["yes"]],
  ["a start with a broken file fails and is not tried again", "start-broken", ["1 failed"]],
  ["a director that is killed is started again", "killed", ["started"]],
  ["systemd does not kill the guard", "guard", []],
  ["a director that hangs is started again", "hung", ["started"]],
  ["the watchdog did that", "watchdog", ["fired"]],
  ["an upgrade succeeds", "upgrade", ["0 active"]],
  ["no request is lost in an upgrade", "errors", ["errors 0"]],
  [
    "an upgrade moves nothing, and systemd follows it",
    "upgraded",
    [
      "main",
      "loaded",
      "vip",
      "watchdog",
      "old-gone",
      "moves 0",
      "reload 0",
      "left 0",
      "again 0",
      "drains",
      "restarted",
    ],
  ],
  [
    "an upgrade that cannot be done leaves the old one running",
    "upgrade-broken",
    ["0 active same", "1"],
  ],
  ["ipvsadm of appliance-compat lists the services", "ipvsadm", ["1"]],
  [
    "ldirectord of appliance-compat is appliance",
    "ldirectord",
    ["/usr/sbin/appliance", "Linux Director (appliance 0"],
  ],
  ["systemctl stop stops it", "stop", ["inactive"]],
  [
    "the virtual address comes and goes",
    "vip",
    ["active", "back", "again", "gone", "booted", "removed"],
  ],
  ["the unit for real servers reads its file", "unit", ["0", "present", "undone"]],
  ["a reboot starts it again", "boot", ["started"]],
  ["the removal stops it", "remove", ["0 inactive"]],
  ["the removal leaves no process", "processes", ["1"]],
  ["the removal keeps the configuration", "kept", ["appliance.toml"]],
  [
    "the set-up of a real server outlives a reboot, not the removal",
    "setup",
    ["0", "persistent", "undone"],
  ],
  ["the purge succeeds", "purge", ["0"]],
  ["the purge leaves nothing", "left", []],
])("%s", (_name, key, values) => {
  const told = report.told.get(key) ?? [];
  if (!Bun.deepEquals(told, values)) process.stdout.write(`${report.output}\n`);
  expect(told).toEqual(values);
});
