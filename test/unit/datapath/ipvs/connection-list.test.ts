import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  createOwnerOf,
  parseConnectionLine,
  readConnections,
} from "../../../../src/datapath/ipvs/connection-list.ts";
import { wantedTable } from "../../../../src/datapath/ipvs/table.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";

const head = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n";
const tcp = "TCP C0000263 E659 C0000264 0050 C000020B 0050 ESTABLISHED     899\n";
const ipv6 =
  "UDP 2001:0db8:0000:0000:0000:0000:0000:0099 E659 " +
  "2001:0db8:0000:0000:0000:0000:0000:0005 0035 " +
  "2001:0db8:0000:0000:0000:0000:0000:0006 0035 UDP             297 sip call\n";
const template = "IP  C0000263 0000 00000001 0000 C000020C 0000 NONE            348\n";

describe("parseConnectionLine()", () => {
  test.each([
    [
      tcp,
      {
        protocol: "tcp",
        client: { address: "192.0.2.99", port: 58_969 },
        virtual: { address: "192.0.2.100", port: 80 },
        server: { address: "192.0.2.11", port: 80 },
        state: "ESTABLISHED",
        expiresMs: 899_000,
      },
    ],
    [
      ipv6,
      {
        protocol: "udp",
        client: { address: "2001:db8::99", port: 58_969 },
        virtual: { address: "2001:db8::5", port: 53 },
        server: { address: "2001:db8::6", port: 53 },
        state: "UDP",
        expiresMs: 297_000,
      },
    ],
    [
      template,
      {
        protocol: "ip",
        client: { address: "192.0.2.99", port: 0 },
        virtual: { address: "0.0.0.1", port: 0 },
        server: { address: "192.0.2.12", port: 0 },
        state: "NONE",
        expiresMs: 348_000,
      },
    ],
  ] as const)("of %s", (line, expected) => {
    expect(parseConnectionLine(line)).toEqual(expected);
  });

  test.each([head, "", "SCTP x", "TCP C0 E659 C0000264 0050 C000020B 0050 ESTABLISHED 1"])(
    "of %j gives nothing",
    (line) => {
      expect(parseConnectionLine(line)).toBeUndefined();
    },
  );
});

const wanted = wantedTable(
  [
    serviceWith({
      name: "web",
      forwarding: "gate",
      listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }],
    }),
    serviceWith({
      name: "all",
      forwarding: "gate",
      listen: [{ address: "192.0.2.101", portFirst: 0, portLast: 0 }],
    }),
    serviceWith({
      name: "mark",
      forwarding: "gate",
      listen: [],
      firewallMark: 1,
      servers: [serverAt({ address: "192.0.2.12", port: 80 })],
    }),
  ],
  { isLocal: () => false },
);

describe("createOwnerOf()", () => {
  const ownerOf = createOwnerOf(wanted);
  const connection = parseConnectionLine(tcp)!;
  test.each([
    ["of a port", connection.virtual, "web"],
    ["of all ports", { address: "192.0.2.101", port: 4711 }, "all"],
    ["of nobody", { address: "192.0.2.102", port: 80 }, undefined],
  ] as const)("%s", (_name, virtual, expected) => {
    expect(ownerOf({ ...connection, virtual })).toBe(expected);
  });

  test("of a firewall mark, by the real server", () => {
    const virtual = { address: "192.0.2.102", port: 80 };
    const server = { address: "192.0.2.12", port: 80 };
    expect(ownerOf({ ...connection, virtual, server })).toBe("mark");
    expect(ownerOf(parseConnectionLine(template)!)).toBe("mark");
  });
});

describe("readConnections()", () => {
  const folder = createTempFolder();
  afterAll(() => folder[Symbol.dispose]());
  const path = join(folder.path, "ip_vs_conn");

  test("gives those that have an owner, up to the limit, also over many pieces", async () => {
    const foreign = tcp.replace("C0000264", "C0000266");
    writeFileSync(path, head + (tcp + foreign).repeat(2000));
    const ownerOf = createOwnerOf(wanted);
    expect(await readConnections(ownerOf, 10_000, path)).toHaveLength(2000);
    const [first, ...others] = await readConnections(ownerOf, 1500, path);
    expect(others).toHaveLength(1499);
    expect(first).toMatchObject({ service: "web", client: { address: "192.0.2.99" } });
  });

  test("gives nothing without a list", async () => {
    expect(await readConnections(() => "web", 10, join(folder.path, "missing"))).toEqual([]);
  });
});
