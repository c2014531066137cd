/**
 * The check of a client's path, with a connector that only notes what it is asked.
 *
 * @module
 */
import { expect, test } from "bun:test";

import type { Connector } from "../../../src/check/connector.ts";
import type { Failure } from "../../../src/check/failure.ts";
import type { CheckTarget, ClientPaths, ClientWay } from "../../../src/check/index.ts";
import { createVipCheck } from "../../../src/check/vip.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { checkTarget } from "../../helpers/check-fixture.ts";

const addresses = ["192.0.2.100", "2001:db8::100", "192.0.2.101"];

function create(answers: readonly (Failure | undefined)[], paths?: Partial<ClientPaths>) {
  const opened: ClientWay[] = [];
  const log: string[] = [];
  const clientPaths: ClientPaths = {
    open(way) {
      const mark = opened.push(way);
      return { mark, close: () => void log.push(`close ${mark}`) };
    },
    keep: () => undefined,
    ...paths,
  };
  let turn = 0;
  const connector: Connector = {
    touch(_, __, options) {
      log.push(`touch ${options?.mark}`);
      return Promise.resolve(answers[turn++]);
    },
    dial: () => Promise.reject(new Error("not asked for")),
  };
  const check = createVipCheck({ clock: systemClock, connector, clientPaths });
  return { check, opened, log };
}

function target(vip: CheckTarget["vip"], address = "192.0.2.11"): CheckTarget {
  return checkTarget(80, { address, vip });
}

test("gate asks each address of the real server's family, one after the other", async () => {
  const { check, opened, log } = create([undefined, undefined]);
  const result = await check.run(target({ forwarding: "gate", addresses }), 500);
  expect(result).toMatchObject({ up: true });
  const way = { forwarding: "gate", server: "192.0.2.11" };
  expect(opened).toEqual([
    { ...way, virtualAddress: "192.0.2.100" },
    { ...way, virtualAddress: "192.0.2.101" },
  ] as ClientWay[]);
  expect(log).toEqual(["touch 1", "close 1", "touch 2", "close 2"]);
});

test("masq asks once", async () => {
  const { check, opened } = create([undefined]);
  expect(await check.run(target({ forwarding: "masq", addresses }), 500)).toMatchObject({
    up: true,
  });
  expect(opened).toEqual([
    { forwarding: "masq", server: "192.0.2.11", virtualAddress: "192.0.2.11" },
  ]);
});

const timeout: Failure = { reason: "timeout", detail: "no connection within 500 ms" };
const refused: Failure = { reason: "refused", detail: "connect: ECONNREFUSED" };
const unreachable: Failure = { reason: "unreachable", detail: "connect: EHOSTUNREACH" };
const advice = "is the address on its lo? appliance setup realserver";

test.each([
  ["gate", timeout, "timeout", `no answer from 192.0.2.100 at 192.0.2.11: ${advice}`],
  ["ipip", timeout, "timeout", `no answer from 192.0.2.100 at 192.0.2.11: ${advice}`],
  [
    "gate",
    refused,
    "refused",
    "connect: ECONNREFUSED: nobody listens at 192.0.2.100 at 192.0.2.11",
  ],
  [
    "gate",
    unreachable,
    "unreachable",
    `connect: EHOSTUNREACH from 192.0.2.100 at 192.0.2.11: ${advice}`,
  ],
  [
    "masq",
    timeout,
    "timeout",
    "no answer from 192.0.2.11: does its way back lead through this director?",
  ],
  ["masq", refused, "refused", "connect: ECONNREFUSED"],
] as const)("%s: %j is told with what to look at", async (forwarding, failure, reason, detail) => {
  const { check, log } = create([failure]);
  const result = await check.run(target({ forwarding, addresses }), 500);
  expect(result).toMatchObject({ up: false, reason, detail });
  expect(log).toEqual(["touch 1", "close 1"]);
});

test("a name that has got the other family has no address to ask", async () => {
  const vip = { forwarding: "gate", addresses: ["192.0.2.100"] } as const;
  expect(await create([]).check.run(target(vip, "2001:db8::11"), 500)).toMatchObject({
    up: false,
    reason: "unreachable",
    detail: "the service has no address of this family",
  });
});

test("a name that has become loopback takes no client's path", async () => {
  const { check, log } = create([]);
  const vip = { forwarding: "masq", addresses } as const;
  for (const address of ["127.0.0.1", "::1"]) {
    expect(await check.run(target(vip, address), 500)).toMatchObject({
      up: false,
      reason: "unreachable",
      detail: "loopback is no path of clients",
    });
  }
  expect(log).toEqual([]);
});

test("a host that cannot says so, and nothing of the real server", async () => {
  const { check } = create([], {
    open() {
      throw new Error("bpf may not be used");
    },
  });
  expect(await check.run(target({ forwarding: "gate", addresses }), 500)).toMatchObject({
    up: false,
    reason: "no-resources",
    detail: "bpf may not be used",
  });
});
