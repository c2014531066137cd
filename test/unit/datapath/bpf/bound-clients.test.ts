/**
 * Clients of persistent services, from one program's table to the other's.
 */
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";

import { listBoundClients, takeBoundClients } from "../../../../src/datapath/bpf/bound-clients.ts";
import type { BoundClient } from "../../../../src/datapath/index.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { TestBalancer } from "../../../helpers/balancer-program.ts";
import { describePacket, ipPacket } from "../../../helpers/ip-packet.ts";
import { requireBpf } from "../../../helpers/require-bpf.ts";

/** Loading a program takes long where many do so. */
setDefaultTimeout(60_000);

const needs = requireBpf();
const virtual = "192.0.2.2";
const ack = 16;
const reals = ["192.0.2.11", "192.0.2.12"];
const persistence = { timeoutMs: 600_000, ipv4PrefixBits: 32, ipv6PrefixBits: 64 };

function serviceOf(
  servers: readonly string[],
  changes: Partial<ForwardingService> = {},
): ForwardingService {
  const at = servers.map((server) => forwardingServer(server, 80));
  const masq = { forwarding: "masq", scheduler: "rr", persistence } as const;
  return forwardingService([virtual, 80], at, { ...masq, ...changes });
}

describe.skipIf(needs.skip)(`clients of bpf ${needs.reason}`.trim(), () => {
  const made: TestBalancer[] = [];
  afterEach(() => {
    for (const one of made.splice(0)) one[Symbol.dispose]();
  });

  function create(service: ForwardingService): TestBalancer {
    const balancer = new TestBalancer();
    made.push(balancer);
    balancer.write([service]);
    return balancer;
  }

  /** The real server of a new connection of a client. */
  function connect(balancer: TestBalancer, client: string): string {
    const wish = { from: client, to: virtual, fromPort: 1000 + made.length, toPort: 80 };
    balancer.run(ipPacket(wish));
    // It is remembered once it has shown itself.
    const { packet } = balancer.run(ipPacket({ ...wish, flags: ack }));
    return reals.find((real) => describePacket(packet).includes(real))!;
  }

  function list(balancer: TestBalancer, withinMs = Infinity, limit = 100): BoundClient[] {
    return listBoundClients(balancer.program, balancer.planned, { withinMs, limit });
  }

  function take(balancer: TestBalancer, clients: readonly BoundClient[]): number {
    return takeBoundClients(balancer.program, balancer.planned, clients);
  }

  test("keep their real server at the other director", () => {
    const one = create(serviceOf(reals));
    const two = create(serviceOf(["192.0.2.19", ...reals.toReversed()]));
    const clients = Array.from({ length: 20 }, (_, index) => `198.51.100.${index + 1}`);
    const before = clients.map((client) => connect(one, client));
    expect(new Set(before)).toEqual(new Set(reals));
    const bound = list(one);
    expect(bound).toHaveLength(20);
    const first = bound.find(({ client }) => client === clients[0])!;
    expect(first).toMatchObject({ service: "tcp-192.0.2.2:80", server: `${before[0]}:80` });
    expect(first.remainingMs).toBeWithin(590_000, 600_001);
    expect(take(two, bound)).toBe(20);
    expect(clients.map((client) => connect(two, client))).toEqual(before);
    // Nothing of it is news any more.
    expect(take(two, bound)).toBe(0);
  });

  test("are told if they came within the time asked for, at most as many as asked for", () => {
    const one = create(serviceOf(reals));
    for (let host = 1; host <= 5; host++) connect(one, `198.51.100.${host}`);
    expect(list(one, 5000)).toHaveLength(5);
    expect(list(one, -5000)).toEqual([]);
    expect(list(one, Infinity, 3)).toHaveLength(3);
    const [bound] = list(one);
    const two = create(serviceOf(reals));
    // A client that was elsewhere five minutes ago is no news of the last second.
    expect(take(two, [{ ...bound!, remainingMs: 300_000 }])).toBe(1);
    expect(list(two, 1000)).toEqual([]);
    expect(list(two)[0]!.remainingMs).toBeWithin(298_000, 300_001);
    // Later is news, earlier is not.
    expect(take(two, [{ ...bound!, remainingMs: 200_000 }])).toBe(0);
    expect(take(two, [{ ...bound!, remainingMs: 500_000 }])).toBe(1);
  });

  test("of services without persistence there are none", () => {
    const one = create(serviceOf(reals, { persistence: undefined }));
    connect(one, "198.51.100.1");
    expect(list(one)).toEqual([]);
  });

  test.each([
    ["another service", { service: "other" }],
    ["another real server", { server: "192.0.2.19:80" }],
    ["no address", { client: "web" }],
    ["no time left", { remainingMs: 0 }],
    ["no number", { remainingMs: Number.NaN }],
  ])("%s is not taken", (_name, changes) => {
    const two = create(serviceOf(reals));
    const client = { service: "tcp-192.0.2.2:80", client: "198.51.100.1", server: "192.0.2.11:80" };
    expect(take(two, [{ ...client, remainingMs: 5000, ...changes }])).toBe(0);
    expect(take(two, [{ ...client, remainingMs: 5000 }])).toBe(1);
  });

  test("nothing is taken for a real server that gets nothing new", () => {
    const servers = [forwardingServer("192.0.2.11", 80, { state: "down" })];
    const two = create(forwardingService([virtual, 80], servers, { persistence }));
    const client = { service: "tcp-192.0.2.2:80", client: "198.51.100.1", server: "192.0.2.11:80" };
    expect(take(two, [{ ...client, remainingMs: 5000 }])).toBe(0);
  });
});
