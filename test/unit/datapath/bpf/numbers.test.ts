import { describe, expect, test } from "bun:test";

import { encodeEndpoint, serversMax } from "../../../../src/datapath/bpf/layout.ts";
import { Numbers } from "../../../../src/datapath/bpf/numbers.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";

const [r1, r2] = ["192.0.2.11", "192.0.2.12"].map((address) => forwardingServer(address, 80));

function web(port: number, ...servers: ForwardingService["servers"]): ForwardingService {
  return forwardingService(["192.0.2.1", port], servers);
}

function never(): never {
  throw new Error("full");
}

/** `service id: index/generation …` for each service. */
function assign(numbers: Numbers, ...services: readonly ForwardingService[]): string[] {
  return numbers.assign(services, never).map(({ id, servers }) => {
    return `${id}: ${servers.map(({ index, generation }) => `${index}/${generation}`).join(" ")}`;
  });
}

describe("Numbers", () => {
  test("are kept while what they stand for exists, in whatever order", () => {
    const numbers = new Numbers();
    expect(assign(numbers, web(80, r1!, r2!), web(81, r1!))).toEqual(["0: 0/1 1/1", "1: 2/1"]);
    expect(assign(numbers, web(81, r1!), web(80, r2!, r1!))).toEqual(["1: 2/1", "0: 1/1 0/1"]);
  });

  test("given anew have another generation", () => {
    const numbers = new Numbers();
    assign(numbers, web(80, r1!, r2!));
    assign(numbers, web(80, r2!));
    expect(assign(numbers, web(80, r1!, r2!))).toEqual(["0: 0/2 1/1"]);
  });

  test("of another service with the same real servers have another generation", () => {
    const numbers = new Numbers();
    assign(numbers, web(80, r1!));
    expect(assign(numbers, web(81, r1!))).toEqual(["0: 0/2"]);
  });

  test("tell a fallback from a real server at the same address", () => {
    const numbers = new Numbers();
    const fallback = { ...r1!, role: "fallback" } as const;
    expect(assign(numbers, web(80, r1!, fallback))).toEqual(["0: 0/1 1/1"]);
  });

  test("of an earlier process are adopted by endpoint and address", () => {
    const numbers = new Numbers();
    const key = encodeEndpoint({ address: "192.0.2.1", port: 80 }, "tcp").toHex();
    numbers.adoptService(key, 7);
    const server = { address: r2!.address, port: 80, device: 1, service: 7, weight: 1 };
    numbers.adoptServer(9, { ...server, generation: 4, flags: 1 });
    numbers.adoptServer(0, { ...server, address: "0.0.0.0", generation: 6, flags: 0 });
    expect(assign(numbers, web(81, r1!), web(80, r1!, r2!))).toEqual(["0: 0/7", "7: 1/1 9/4"]);
  });

  test("say which servers are new", () => {
    const numbers = new Numbers();
    assign(numbers, web(80, r1!));
    const [planned] = numbers.assign([web(80, r1!, r2!)], never);
    expect(planned!.isNew).toBe(false);
    expect(planned!.servers.map(({ isNew }) => isNew)).toEqual([false, true]);
  });

  test("that run out are told", () => {
    const numbers = new Numbers();
    const servers = Array.from({ length: serversMax + 1 }, (_, at) =>
      forwardingServer(`10.0.${at >> 8}.${at & 255}`, 80),
    );
    const told: string[] = [];
    const [planned] = numbers.assign([web(80, ...servers)], (_, what) => told.push(what));
    expect(planned!.servers).toHaveLength(serversMax);
    expect(told).toEqual(["server"]);
  });
});
