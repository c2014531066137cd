/**
 * `[[vrrp]]` in the words of the configuration file.
 */
import { expect, test } from "bun:test";

import { nativeRouter } from "../../../src/config/native-vrrp.ts";
import { configOf } from "./fixture.ts";

const least = `
[[vrrp]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["192.0.2.100"]
auth = "none"
`;

/** What of a router has a value. */
function written(text: string): Record<string, unknown> {
  const table = nativeRouter(configOf(text).virtualRouters[0]!);
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined));
}

test("nativeRouter() says everything that holds, also what was not written", () => {
  expect(written(least)).toEqual({
    name: "web",
    interface: "eth0",
    vrid: 51,
    version: 3,
    priority: 100,
    addresses: ["192.0.2.100"],
    auth: "none",
    advertise_interval: "1s",
    down_after: "3s",
    preempt: false,
    witness: "prefer",
  });
});

test("nativeRouter() writes tables where a text is not enough", () => {
  const text = `
[[vrrp]]
name = "web"
interfaces = ["eth0", "ha0"]
vrid = 51
addresses = ["192.0.2.100/24", { address = "192.0.2.101", interface = "eth1", label = "eth1:0" }]
excluded_addresses = ["2001:db8::100/64"]
peers = ["192.0.2.3"]
key_file = "/etc/appliance/vrrp.key"
start_delay = "5s"
group = "edge"
track = [
  { ping = "192.0.2.1" },
  { interface = "eth2" },
  { script = ["/bin/ok", "-v"], interval = "5s" },
]
witness = "require"
announce = "none"
resources = [["/bin/db", "x"], "/bin/mail"]
on_active = "/bin/on"
notify = ["/bin/notify", "x"]
`;
  expect(written(text)).toMatchObject({
    interfaces: ["eth0", "ha0"],
    addresses: ["192.0.2.100/24", { address: "192.0.2.101", interface: "eth1", label: "eth1:0" }],
    excluded_addresses: ["2001:db8::100/64"],
    peers: ["192.0.2.3"],
    key_file: "/etc/appliance/vrrp.key",
    start_delay: "5s",
    group: "edge",
    track: [
      { ping: "192.0.2.1", interval: "1s", timeout: "1s" },
      { interface: "eth2" },
      { script: ["/bin/ok", "-v"], interval: "5s", timeout: "5s" },
    ],
    witness: "require",
    announce: "none",
    resources: [["/bin/db", "x"], ["/bin/mail"]],
    on_active: ["/bin/on"],
    notify: ["/bin/notify", "x"],
  });
  expect(written(text)).not.toHaveProperty("auth");
});

test("nativeRouter() names a password, and no other authentication beside it", () => {
  const text = least.replace('auth = "none"', 'version = 2\nauth_pass = "s3cret"');
  expect(written(text)).toMatchObject({ version: 2, auth_pass: "s3cret" });
  expect(written(text)).not.toHaveProperty("auth");
});
