import { expect, test } from "bun:test";

import { readPair } from "../../../../../src/config/import/heartbeat/pair.ts";
import { createLines, pairText } from "./fixture.ts";

test("readPair() has a peer only beside a virtual router", () => {
  const { told } = createLines();
  const read = (haresources: string) =>
    readPair(
      {
        haCf: { file: "ha.cf", text: pairText },
        haresources: { file: "haresources", text: haresources },
        authkeys: { file: "authkeys", text: "auth 1\n1 md5 secret\n", mode: 0o600 },
      },
      { nodeName: "lb1", hosts: "192.0.2.2 lb2\n", keyFile: "/key" },
      told,
    );
  expect(read("lb1 192.0.2.100/24/eth0\n")).toMatchObject({
    instances: [{ table: { name: "lb1" } }],
    peer: { address: "192.0.2.2:9781", key_file: "/key" },
  });
  expect(read("lb1 db\n")).toMatchObject({ instances: [], peer: undefined });
});
