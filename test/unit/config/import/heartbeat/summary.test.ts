import { describe, expect, test } from "bun:test";

import { summariseHaCf } from "../../../../../src/config/import/heartbeat/index.ts";

const text = `logfacility local0
keepalive 500ms
bcast eth0 eth1
mcast eth0 225.0.0.1 694 1 0
node lb1
node lb2
ping_group net 192.0.2.1 192.0.2.2
respawn hacluster /usr/lib/heartbeat/ipfail
`;

describe("summariseHaCf()", () => {
  test("has nodes, links and what is asked by ping", () => {
    expect(summariseHaCf({ file: "ha.cf", text })).toMatchObject({
      nodes: ["lb1", "lb2"],
      pings: ["192.0.2.1", "192.0.2.2"],
      links: ["eth0", "eth1"],
      hasIpfail: true,
    });
  });

  test.each([
    ["keepalive", "500ms"],
    ["deadtime", "30000ms"],
    ["logfacility", "local0"],
    ["node", "lb2"],
    ["watchdog", undefined],
  ])("the parameter %s is %p", (name, expected) => {
    expect(summariseHaCf({ file: "ha.cf", text }).parameters.get(name)).toBe(expected);
  });
});
