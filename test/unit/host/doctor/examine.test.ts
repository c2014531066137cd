import { expect, test } from "bun:test";

import { examineRealServer, parseDescriptorLimit } from "../../../../src/host/doctor/examine.ts";
import { planRealServer } from "../../../../src/host/plan-realserver.ts";
import { applySetup } from "../../../../src/host/setup.ts";
import { createFakeHost } from "../../../helpers/fake-host.ts";

const wish = {
  vips: ["192.0.2.100"],
  method: "gate",
  interfaces: undefined,
  persist: true,
  program: ["/usr/sbin/appliance"],
  environment: {},
} as const;

test("examineRealServer() finds nothing after setup, and much before", async () => {
  const { state, host } = createFakeHost();
  const expectation = { wish, ports: [{ vip: "192.0.2.100", protocol: "tcp", port: 80 }] } as const;
  const wrongIds = () =>
    examineRealServer(host, expectation).flatMap(({ id, state: one }) =>
      one === "wrong" ? [id] : [],
    );
  expect(wrongIds()).toEqual([
    "vip-on-lo",
    "arp-ignore",
    "arp-announce",
    "persistence",
    "listener",
  ]);
  await applySetup({
    host,
    recordPath: "/record",
    vips: wish.vips,
    method: "gate",
    plan: (reader) => planRealServer(reader, wish),
  });
  state.procNet.set("tcp", "0: 00000000:0050 00000000:0000 0A\n");
  state.log.length = 0;
  expect(wrongIds()).toEqual([]);
  expect(state.log).toEqual([]);
});

test.each([
  ["Max open files            1024                 524288               files", 524_288],
  ["Max open files            1024                 unlimited            files", undefined],
  ["", undefined],
])("parseDescriptorLimit(%p) is %p", (text, limit) => {
  expect(parseDescriptorLimit(text)).toBe(limit);
});
