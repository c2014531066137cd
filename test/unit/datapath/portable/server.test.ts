/**
 * When a server of the portable engine may get a connection.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import { PortableServer } from "../../../../src/datapath/portable/server.ts";
import type { ForwardingServer } from "../../../../src/model/index.ts";
import { serverAt } from "../../../helpers/traffic/forwarding.ts";

function openServer(changes: Partial<ForwardingServer>): PortableServer {
  return new PortableServer(serverAt({ address: "192.0.2.1", port: 80 }, changes));
}

describe("PortableServer", () => {
  test.each<[string, Partial<ForwardingServer>, number]>([
    ["active", { weight: 5 }, 5],
    ["quiescent", { weight: 5, state: "quiescent" }, 0],
    ["down", { weight: 5, state: "down" }, 0],
    ["reset", { weight: 5, state: "reset" }, 0],
    ["active with weight 0", { weight: 0 }, 0],
  ])("counts the weight of a server that is %s", (_name, changes, weight) => {
    const server = openServer(changes);
    expect(server.weight).toBe(weight);
    expect(server.canTake).toBe(weight > 0);
  });

  test.each<[string, Partial<ForwardingServer>, readonly (readonly [number, boolean])[]]>([
    [
      "no threshold",
      {},
      [
        [0, false],
        [1e6, false],
      ],
    ],
    [
      "both thresholds",
      { upperThreshold: 10, lowerThreshold: 4 },
      [
        [9, false],
        [10, true],
        [5, true],
        [4, false],
        [9, false],
        [11, true],
      ],
    ],
    [
      "three quarters of the upper one",
      { upperThreshold: 8 },
      [
        [8, true],
        [7, true],
        [6, false],
        [7, false],
      ],
    ],
    [
      "a threshold of one",
      { upperThreshold: 1 },
      [
        [1, true],
        [0, false],
      ],
    ],
  ])("isOverloaded with %s", (_name, thresholds, steps) => {
    const server = openServer(thresholds);
    for (const [connections, expected] of steps) {
      server.activeConnections = connections;
      expect([connections, server.isOverloaded]).toEqual([connections, expected]);
    }
  });

  test("isOverloaded counts connections that are half closed", () => {
    const server = openServer({ upperThreshold: 2 });
    server.activeConnections = 1;
    server.inactiveConnections = 1;
    expect(server.isOverloaded).toBe(true);
    expect(server.canTake).toBe(false);
  });

  test("retire() takes nothing new", () => {
    const server = openServer({});
    server.retire();
    expect(server.canTake).toBe(false);
  });
});
