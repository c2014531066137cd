import { describe, expect, test } from "bun:test";

import { readHeartbeat } from "../../../../../src/config/import/heartbeat/document.ts";
import { pairText } from "./fixture.ts";

function read(haresources: string | undefined, authkeys = "auth 1\n1 crc\n", mode = 0o600) {
  const text = (file: string, content: string) => ({ file, text: content });
  return readHeartbeat(
    {
      haCf: text("ha.cf", pairText),
      haresources: haresources === undefined ? undefined : text("haresources", haresources),
      authkeys: { ...text("authkeys", authkeys), mode },
    },
    { nodeName: "lb1" },
  );
}

describe("readHeartbeat()", () => {
  test("has tables, and the line of each", () => {
    const { document, problems } = read("# x\nlb1 192.0.2.100/24/eth0\nlb2 192.0.2.101/24/eth0\n");
    expect(problems).toEqual([]);
    expect(document.file).toBe("haresources");
    expect(document.table?.["vrrp"]).toMatchObject([{ priority: 150 }, { priority: 100 }]);
    expect(document.origin?.(["vrrp", 1, "addresses", 0])).toEqual({
      line: 3,
      path: "addresses[0]",
    });
    expect(document.origin?.(["peer", "address"])).toEqual({ line: 0, path: "peer.address" });
  });

  test("names the ldirectord.cf files and leaves their services to them", () => {
    const found = read("lb1 ldirectord::a.cf 192.0.2.100/24/eth0\nlb2 ldirectord::a.cf\n");
    expect(found.configs).toEqual([{ config: "a.cf", routers: ["lb1"] }]);
    expect(found.document.table).not.toHaveProperty("virtual_service");
  });

  test("is empty after a problem, which is told once", () => {
    const { document, problems } = read("lb1 192.0.2.100/24/eth0\n", undefined, 0o644);
    expect(problems).toHaveLength(1);
    expect(document).toMatchObject({ table: undefined, fault: { isTold: true } });
  });

  test("without haresources there is a problem", () => {
    expect(read(undefined).problems).toMatchObject([{ file: "haresources" }]);
  });
});
