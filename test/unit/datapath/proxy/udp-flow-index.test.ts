import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { UdpFlowIndex, udpKeyWords } from "../../../../src/datapath/proxy/udp-flow-index.ts";

function keyOf(client: number, port: number): Uint32Array {
  const key = new Uint32Array(udpKeyWords);
  key[0] = 9;
  key[1] = 2 | (port << 16);
  key[2] = client;
  return key;
}

test("UdpFlowIndex finds what was added, by the whole key", () => {
  const index = new UdpFlowIndex(64);
  index.add(20, keyOf(1, 1000));
  index.add(21, keyOf(1, 1001));
  expect(index.find(keyOf(1, 1000))).toBe(20);
  expect(index.find(keyOf(1, 1001))).toBe(21);
  expect(index.find(keyOf(2, 1000))).toBe(0);
  expect(index.count).toBe(2);
});

test("UdpFlowIndex forgets what was removed and finds its neighbours still", () => {
  const index = new UdpFlowIndex(1024);
  for (let fd = 1; fd < 500; fd++) index.add(fd, keyOf(fd, fd));
  for (let fd = 1; fd < 500; fd += 2) index.remove(fd);
  for (let fd = 1; fd < 500; fd++) expect(index.find(keyOf(fd, fd))).toBe(fd % 2 === 1 ? 0 : fd);
});

test("UdpFlowIndex agrees with a Map over any sequence of adds and removes", () => {
  const step = fc.record({ isAdd: fc.boolean(), client: fc.integer({ min: 1, max: 60 }) });
  const property = fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
    const index = new UdpFlowIndex(128);
    const model = new Map<number, number>();
    for (const { isAdd, client } of steps) {
      const fd = model.get(client);
      if (isAdd && fd === undefined) {
        index.add(client + 3, keyOf(client, 53));
        model.set(client, client + 3);
      } else if (!isAdd && fd !== undefined) {
        index.remove(fd);
        model.delete(client);
      }
      expect(index.find(keyOf(client, 53))).toBe(model.get(client) ?? 0);
      expect(index.count).toBe(model.size);
    }
  });
  fc.assert(property, { numRuns: 200 });
});

test("UdpFlowIndex keeps finding after its table was cleaned of removed flows many times", () => {
  const index = new UdpFlowIndex(16);
  for (let turn = 1; turn < 20_000; turn++) {
    index.add(5, keyOf(turn, 1));
    expect(index.find(keyOf(turn, 1))).toBe(5);
    index.remove(5);
  }
  expect(index.count).toBe(0);
});
