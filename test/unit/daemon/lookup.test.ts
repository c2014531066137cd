import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { createLookup } from "../../../src/daemon/lookup.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const typeA = 1;
const typeAaaa = 28;

/** Records by name and type: data and time to live. */
type Zone = Readonly<Record<string, readonly (readonly [data: readonly number[], ttl: number])[]>>;

/** Answer to a query of one question (RFC 1035, section 4). */
function answerOf(query: Uint8Array, zone: Zone): Uint8Array {
  let end = 12;
  const labels: string[] = [];
  while (query[end] !== 0) {
    labels.push(new TextDecoder().decode(query.subarray(end + 1, end + 1 + query[end]!)));
    end += query[end]! + 1;
  }
  const type = query[end + 2]!;
  end += 5;
  const records = zone[`${labels.join(".")} ${type}`] ?? [];
  const nameError = records.length === 0 ? 3 : 0;
  const bytes = [...query.subarray(0, end)];
  bytes.splice(2, 10, 0x81, 0x80 | nameError, 0, 1, 0, records.length, 0, 0, 0, 0);
  for (const [data, ttl] of records) {
    // The name is a pointer to the question's.
    bytes.push(0xc0, 12, 0, type, 0, 1, 0, 0, ttl >> 8, ttl & 0xff, 0, data.length, ...data);
  }
  return Uint8Array.from(bytes);
}

/** A DNS server on loopback. */
async function serveZone(zone: Zone) {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) =>
    socket.send(answerOf(query, zone), from.port, from.address),
  );
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const { port } = socket.address();
  return { server: `127.0.0.1:${port}`, [Symbol.dispose]: () => void socket.close() };
}

const zone: Zone = {
  [`web1.test ${typeA}`]: [
    [[192, 0, 2, 1], 300],
    [[192, 0, 2, 2], 60],
  ],
  [`web1.test ${typeAaaa}`]: [[[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 60]],
  [`six.test ${typeAaaa}`]: [[[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 90]],
};

describe("createLookup()", () => {
  test.each([
    ["web1.test", { addresses: ["192.0.2.1", "192.0.2.2"], ttlMs: 60_000 }],
    ["six.test", { addresses: ["2001:db8::1"], ttlMs: 90_000 }],
    ["fixed.test", { addresses: ["192.0.2.99"], ttlMs: undefined }],
    ["none.test", undefined],
  ])("finds %s", async (name, expected) => {
    using folder = createTempFolder();
    const hostsPath = join(folder.path, "hosts");
    writeFileSync(hostsPath, "192.0.2.99 fixed.test web2.test\n");
    using dns = await serveZone(zone);
    const lookup = createLookup({ hostsPath, servers: [dns.server] });
    expect(await lookup(name)).toEqual(expected);
  });

  test("does without a hosts file", async () => {
    using dns = await serveZone(zone);
    const lookup = createLookup({ hostsPath: "/nonexistent/hosts", servers: [dns.server] });
    expect(await lookup("six.test")).toEqual({ addresses: ["2001:db8::1"], ttlMs: 90_000 });
  });
});
