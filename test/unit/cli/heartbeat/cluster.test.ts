import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  isClientOnline,
  linksOf,
  linkStatusOf,
  nodesOf,
  nodeStatusOf,
  nodeTypeOf,
  readCluster,
} from "../../../../src/cli/heartbeat/cluster.ts";
import { summariseHaCf } from "../../../../src/config/index.ts";
import {
  directorSnapshot,
  failoverSnapshot,
  peerSnapshot,
} from "../../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

const text =
  "bcast eth0\nnode lb1 lb2\nping 192.0.2.1 192.0.2.2\nrespawn x /usr/lib/heartbeat/ipfail\n";

function clusterOf(reachable?: boolean, haCf = text) {
  const peer = reachable === undefined ? undefined : peerSnapshot({ reachable });
  const tracked = [
    { name: "ping 192.0.2.1", state: "up", reason: "" },
    { name: "ping 192.0.2.2", state: "down", reason: "no reply" },
  ] as const;
  const snapshot = directorSnapshot({ failover: { ...failoverSnapshot(), tracked, peer } });
  return { snapshot, own: "lb1", haCf: summariseHaCf({ file: "ha.cf", text: haCf }) };
}

describe("readCluster()", () => {
  test("reads the ha.cf beside the haresources of the director", async () => {
    using folder = createTempFolder();
    writeFileSync(join(folder.path, "ha.cf"), text);
    const { configuration } = directorSnapshot();
    const files = [join(folder.path, "haresources")];
    const snapshot = directorSnapshot({ configuration: { ...configuration, files } });
    expect((await readCluster(snapshot, "lb1")).haCf.nodes).toEqual(["lb1", "lb2"]);
  });
});

describe("a pair", () => {
  test("has nodes of two kinds; without a ha.cf only this one", () => {
    const cluster = clusterOf(true);
    expect(nodesOf(cluster, "normal")).toEqual(["lb1", "lb2"]);
    expect(nodesOf(cluster, "ping")).toEqual(["192.0.2.1", "192.0.2.2"]);
    expect(nodesOf(clusterOf(true, ""), "normal")).toEqual(["lb1"]);
    expect(nodeTypeOf(cluster, "192.0.2.1")).toBe("ping");
    expect(nodeTypeOf(cluster, "lb9")).toBeUndefined();
  });

  test.each([
    ["lb1", true, "active", "up"],
    ["lb2", true, "active", "up"],
    ["lb2", false, "dead", "dead"],
    ["lb2", undefined, undefined, undefined],
    ["192.0.2.1", true, "ping", "up"],
    ["192.0.2.2", true, "dead", "dead"],
  ] as const)(
    "%s with the peer reachable %p is %p, its links are %p",
    (name, reachable, status, link) => {
      const cluster = clusterOf(reachable);
      expect(nodeStatusOf(cluster, name)).toBe(status);
      expect(linkStatusOf(cluster, name)).toBe(link);
    },
  );

  test("has the links of ha.cf, and a ping node is its own", () => {
    expect(linksOf(clusterOf(true), "lb2")).toEqual(["eth0"]);
    expect(linksOf(clusterOf(true), "192.0.2.1")).toEqual(["192.0.2.1"]);
  });

  test.each([
    ["ipfail", text, true],
    ["ipfail", "node lb1 lb2\n", false],
    ["ccm", text, false],
  ])("the client %s is online: %p", (client, haCf, expected) => {
    expect(isClientOnline(clusterOf(true, haCf), client)).toBe(expected);
  });
});
