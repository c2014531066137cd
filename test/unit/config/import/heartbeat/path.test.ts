import { describe, expect, test } from "bun:test";

import { readHaCf } from "../../../../../src/config/import/heartbeat/ha-cf.ts";
import type { HeartbeatHost } from "../../../../../src/config/import/heartbeat/index.ts";
import { pathsOf } from "../../../../../src/config/import/heartbeat/path.ts";
import { createLines } from "./fixture.ts";

const own = { interface: "eth0", address: "192.0.2.1", prefixBits: 24 };
const addresses = new Map([
  ["lb1", "127.0.1.1"],
  ["lb2", "192.0.2.2"],
]);

function paths(text: string, host: Partial<HeartbeatHost> = { networks: [own] }) {
  const { told, warnings } = createLines();
  const haCf = readHaCf({ file: "f", text }, told);
  const found = pathsOf(haCf, { nodeName: "lb1", ...host }, { addresses, told });
  return { ...found, warnings: warnings() };
}

describe("pathsOf()", () => {
  test.each([
    ["bcast", "bcast eth0 ha0\n", ["eth0", "ha0"], [], []],
    ["bcast and mcast on one interface", "bcast eth0\nmcast eth0\n", ["eth0"], [], []],
    ["ucast", "ucast eth0 192.0.2.2\n", ["eth0"], ["192.0.2.2"], ["192.0.2.2"]],
    ["ucast of a name", "ucast eth0 lb2\n", ["eth0"], ["192.0.2.2"], ["192.0.2.2"]],
    [
      "ucast to both, so that both have one file",
      "ucast eth0 192.0.2.1\nucast eth0 192.0.2.2\nucast ha0 198.51.100.2\n",
      ["eth0", "ha0"],
      ["192.0.2.2", "198.51.100.2"],
      ["192.0.2.2", "198.51.100.2"],
    ],
    ["no medium", "", [], [], []],
  ])("finds %s", (_, text, interfaces, peers, others) => {
    expect(paths(text)).toMatchObject({ interfaces, peers, others, warnings: [] });
  });

  test("knows the own address by name, too", () => {
    const found = paths("ucast eth0 192.0.2.1\nucast eth0 192.0.2.2\n", { nodeName: "lb2" });
    expect(found).toMatchObject({ peers: ["192.0.2.1"], warnings: [] });
  });

  test.each([
    [
      "ucast beside bcast",
      "bcast eth0\nucast eth0 192.0.2.2\n",
      { peers: [], others: ["192.0.2.2"] },
      [
        '2: ucast to "192.0.2.2" is left out: advertisements go out by multicast on each interface named',
      ],
    ],
    [
      "a name that nobody knows",
      "ucast eth0 lb3\nucast eth0 lb2\n",
      { peers: ["192.0.2.2"] },
      ['1: ucast to "lb3" is left out: /etc/hosts has no such name, so write its address'],
    ],
    [
      "ucast to oneself only",
      "ucast eth0 192.0.2.1\n",
      { interfaces: ["eth0"], peers: [] },
      ["1: No ucast names another director: advertisements go out by multicast"],
    ],
  ])("tells of %s", (_, text, expected, warnings) => {
    expect(paths(text)).toMatchObject({ ...expected, warnings });
  });

  test("tells if it cannot know which address is its own", () => {
    const text = "ucast eth0 192.0.2.1\nucast eth0 192.0.2.2\n";
    const found = paths(text, { networks: [] });
    expect(found.peers).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(found.warnings).toEqual([
      "2: Which of the ucast lines is this director is not known: mend peers",
    ]);
  });
});
