import { describe, expect, test } from "bun:test";

import { createClientSource } from "../../../src/daemon/client-source.ts";
import type { BoundClient } from "../../../src/datapath/index.ts";

function clientOf(number: number): BoundClient {
  const client = `10.0.${number >> 8}.${number & 255}`;
  return { service: "web", client, server: "192.0.2.11:80", remainingMs: 5000 };
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("createClientSource()", () => {
  test("tells all clients in portions, and takes them as they were", async () => {
    const clients = Array.from({ length: 2500 }, (_, number) => clientOf(number));
    const asked: number[] = [];
    const source = createClientSource({
      boundClients(withinMs, limit) {
        asked.push(withinMs, limit);
        return clients;
      },
    });
    const portions = [];
    for await (const portion of source.walk()) portions.push(portion);
    expect(asked).toEqual([Infinity, 65_536]);
    expect(portions.map(({ entries }) => entries)).toEqual([1000, 1000, 500]);
    const bound: BoundClient[] = [];
    const other = createClientSource({
      bindClients(list) {
        bound.push(...list);
        return 3;
      },
    });
    for (const { body, entries } of portions) {
      expect(other.take(body)).toEqual({ entries, taken: 3 });
    }
    expect(bound).toEqual(clients);
  });

  test("asks for those who came within the last round", () => {
    const asked: number[] = [];
    const source = createClientSource({
      boundClients(withinMs) {
        asked.push(withinMs);
        return [];
      },
    });
    expect([...source.changed(1500)!]).toEqual([]);
    expect(asked).toEqual([1500]);
  });

  test("an engine that remembers nobody tells and takes nobody", () => {
    const source = createClientSource({});
    expect([...source.changed(1500)!]).toEqual([]);
    const row = JSON.stringify([["web", "10.0.0.1", "192.0.2.11:80", 5]]);
    expect(source.take(bytesOf(row))).toEqual({ entries: 1, taken: 0 });
  });

  test.each([
    ["no JSON", "["],
    ["no list", "7"],
    ["too many", JSON.stringify(Array.from({ length: 1001 }, () => ["", "", "", 1]))],
    ["a row that is none", JSON.stringify([["web", "10.0.0.1", "x"]])],
    ["a time that is none", JSON.stringify([["web", "10.0.0.1", "x", "5"]])],
  ])("%s is no portion", (_name, text) => {
    expect(createClientSource({}).take(bytesOf(text))).toBeUndefined();
  });
});
