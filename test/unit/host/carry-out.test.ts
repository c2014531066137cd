import { expect, test } from "bun:test";

import { carryOut, restore } from "../../../src/host/carry-out.ts";
import type { Step } from "../../../src/host/step.ts";
import { createFakeHost, fakeAddress } from "../../helpers/fake-host.ts";

const address: Step = {
  kind: "address",
  address: fakeAddress("lo", "192.0.2.100/32", "lo:0"),
};
const prefix: Step = { kind: "prefix", label: "lo:0", address: "192.0.2.100", from: 24, to: 32 };
const file: Step = { kind: "file", path: "/etc/a", from: "old", to: "new" };
const link: Step = { kind: "link", path: "/etc/b", from: "/x", to: "/y" };

test("restore() of an address that lost its label says how to remove it", () => {
  const { state, host } = createFakeHost();
  state.addresses.push(fakeAddress("lo", "192.0.2.100/32"));
  expect(restore(host, address)).toEqual({
    done: false,
    failed: false,
    text:
      "192.0.2.100 has no label of its own any more, so it is left: " +
      "ip address del 192.0.2.100/32 dev lo",
  });
});

test("restore() of an address that is gone has nothing to do", () => {
  expect(restore(createFakeHost().host, address)).toMatchObject({ done: true });
});

test("restore() widens what was narrowed, once", async () => {
  const { state, host } = createFakeHost();
  state.addresses.push(fakeAddress("lo", "192.0.2.100/24", "lo:0"));
  await carryOut(host, prefix);
  expect(state.addresses.at(-1)?.prefixBits).toBe(32);
  expect(restore(host, prefix).text).toBe("widen 192.0.2.100 on lo:0 to /24");
  expect(restore(host, prefix).text).toBe("192.0.2.100 is /24 already");
  state.addresses.pop();
  expect(restore(host, prefix)).toMatchObject({ done: false });
});

test("restore() puts files and links back that are as they were left", async () => {
  const { state, host } = createFakeHost();
  state.files.set("/etc/a", "old");
  state.links.set("/etc/b", "/x");
  await carryOut(host, file);
  await carryOut(host, link);
  expect(restore(host, file).text).toBe("restore /etc/a");
  expect(restore(host, link).text).toBe("restore /etc/b");
  expect([state.files.get("/etc/a"), state.links.get("/etc/b")]).toEqual(["old", "/x"]);
  state.files.set("/etc/a", "edited");
  expect(restore(host, file)).toMatchObject({
    done: false,
    text: "/etc/a has been changed since, so it is left",
  });
  state.files.delete("/etc/a");
  expect(restore(host, file)).toMatchObject({ done: false });
});

test("restore() never takes lo down", () => {
  const { state, host } = createFakeHost();
  expect(restore(host, { kind: "up", interface: "lo" })).toMatchObject({ done: false });
  expect(restore(host, { kind: "up", interface: "eth0" }).text).toBe("stop eth0");
  expect(restore(host, { kind: "up", interface: "eth0" }).text).toBe("eth0 is not up any more");
  expect(state.log).toEqual(["eth0 down"]);
});

test("restore() of a setting whose interface went has nothing to do", () => {
  const step: Step = {
    kind: "sysctl",
    key: "net/ipv4/conf/eth7/arp_ignore",
    from: "0",
    to: "1",
  };
  expect(restore(createFakeHost().host, step)).toEqual({
    done: true,
    failed: false,
    text: "net.ipv4.conf.eth7.arp_ignore is gone, and its interface with it",
  });
});

test("restore() leaves a module loaded, and says so", async () => {
  const { state, host } = createFakeHost();
  await carryOut(host, { kind: "module", name: "ipip" });
  expect(restore(host, { kind: "module", name: "ipip" })).toMatchObject({ done: true });
  expect(state.log).toEqual(["load ipip"]);
});
