import { describe, expect, test } from "bun:test";

import {
  decodePersistent,
  encodeClientKey,
  encodePersistent,
  encodeSharedReply,
  putConnection,
} from "../../../../src/datapath/bpf/copy-layout.ts";
import { decodeConnection, sizes, tickMs } from "../../../../src/datapath/bpf/layout.ts";
import { parseAddress } from "../../../../src/net/address.ts";

const server = { address: parseAddress("192.0.2.11")!, port: 8080 };
const client = { address: parseAddress("198.51.100.9")!, port: 1000 };
const virtual = { address: "192.0.2.2", port: 80 };

test("putConnection() writes what decodeConnection() reads, marked as told", () => {
  const view = new DataView(new ArrayBuffer(2 * sizes.connections4.value));
  const at = sizes.connections4.value;
  const connection = { server: 7, generation: 3, seenMs: 5 * tickMs, state: 2 };
  putConnection(view, at, { ...connection, device: 9 });
  expect(decodeConnection(view, at)).toEqual(connection);
  expect([view.getUint32(at + 12, true), view.getUint8(at + 17)]).toEqual([9, 0x82]);
  expect(view.getUint32(0)).toBe(0);
});

describe("encodeSharedReply()", () => {
  test("has server and client as key, and the virtual address as value", () => {
    const [key, value] = encodeSharedReply(server, client, { virtual, protocol: 6 });
    const zeros = Array.from({ length: 12 }, () => 0);
    // prettier-ignore
    expect([...key]).toEqual([
      192, 0, 2, 11, ...zeros,
      198, 51, 100, 9, ...zeros,
      0x1f, 0x90, 0x03, 0xe8, 6, 0, 0, 0,
    ]);
    expect([...value]).toEqual([192, 0, 2, 2, ...zeros, 0, 80, 0, 0]);
  });

  test("a server without a port has that of the packet", () => {
    const [key] = encodeSharedReply({ ...server, port: 0 }, client, { virtual, protocol: 17 });
    expect([...key.subarray(32, 37)]).toEqual([0, 80, 0x03, 0xe8, 17]);
  });
});

test("encodeClientKey() has the client and the number of the service", () => {
  const key = encodeClientKey(client.address, 258);
  const zeros = Array.from({ length: 12 }, () => 0);
  expect([...key]).toEqual([198, 51, 100, 9, ...zeros, 2, 1, 0, 0]);
});

test("decodePersistent() reads what encodePersistent() writes, in whole ticks", () => {
  const record = { server: 7, generation: 3, untilMs: 5.5 * tickMs };
  const value = encodePersistent(record);
  expect(value).toHaveLength(sizes.persistents.value);
  const read = decodePersistent(new DataView(value.buffer), 0);
  expect(read).toEqual({ ...record, untilMs: 5 * tickMs });
});
