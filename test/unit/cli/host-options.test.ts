import { expect, test } from "bun:test";

import { directorWish, expandLists, programCommand } from "../../../src/cli/host-options.ts";
import { parseConfig } from "../../../src/config/index.ts";

test.each([
  ["--vip A B", "--vip A --vip B"],
  ["--vip A B --json C", "--vip A --vip B --json C"],
  ["--vip=A B", "--vip=A --vip B"],
  ["--vip A --interface x y --vip B", "--vip A --interface x --interface y --vip B"],
  ["--method gate A", "--method gate A"],
  ["--dry-run", "--dry-run"],
  ["-c A B", "-c A B"],
  ["", ""],
])("expandLists(%p) is %p", (line, expected) => {
  const words = (text: string): string[] => text.split(" ").filter((word) => word !== "");
  expect(expandLists(words(line), ["vip", "interface"])).toEqual(words(expected));
});

test("programCommand() is absolute", () => {
  for (const word of programCommand()) expect(word).toStartWith("/");
});

test("directorWish() says who carries what, with IPVS and without", async () => {
  const service = (name: string, port: number, lines: string): string =>
    `[[virtual_service]]
name = "${name}"
listen = "192.0.2.1:${port}"
real_servers = [{ address = "192.0.2.11:${port}" }]
${lines}
`;
  const text =
    service("direct", 1, 'forwarding = "gate"\nscheduler = "sh"\npersistent = "1m"') +
    service("routed", 2, 'forwarding = "masq"') +
    service("asked-for", 3, 'forwarding = "masq"\nengine = "ipvs"') +
    service("limited", 4, 'forwarding = "masq"\nsend_proxy = "v2"') +
    service("marked", 5, 'forwarding = "masq"\nscheduler = "lblc"') +
    service("own", 6, 'forwarding = "gate"\nengine = "bpf"');
  const { services } = await directorWish(parseConfig(text, "a.toml").config);
  const told = services.map(({ name, engine, withoutIpvs, isPersistent }) => {
    return [name, engine, withoutIpvs, isPersistent];
  });
  expect(told).toEqual([
    ["direct", "ipvs", "bpf", true],
    ["routed", "ipvs", "bpf", false],
    ["asked-for", "ipvs", undefined, false],
    ["limited", "proxy", undefined, undefined],
    ["marked", "ipvs", "proxy", false],
    ["own", "bpf", undefined, undefined],
  ]);
});

test("directorWish() counts two descriptors a connection, and names families once", async () => {
  const text = `[[virtual_service]]
name = "web"
listen = ["192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"]
connection_limit = 1000
check = { type = "connect" }
real_servers = [{ address = "192.0.2.11:80" }]
`;
  const { config } = parseConfig(text, "a.toml");
  const wish = await directorWish(config);
  expect(wish.services).toEqual([
    { name: "web", engine: "proxy", forwarding: "proxy", scheduler: "wlc", families: [4, 6] },
  ]);
  expect(wish.descriptors).toBeGreaterThan(2000);
  expect(wish.descriptors).toBeLessThan(3000);
});
