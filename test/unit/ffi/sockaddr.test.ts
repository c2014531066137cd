import { expect, test } from "bun:test";

import { decodeSockaddr, encodeSockaddr } from "../../../ffi/sockaddr.ts";

test("encodeSockaddr lays IPv4 out as struct sockaddr_in", () => {
  const bytes = encodeSockaddr(Uint8Array.of(192, 0, 2, 1), 8080);
  // family AF_INET, port in network order, address, eight zeros
  expect([...bytes]).toEqual([2, 0, 0x1f, 0x90, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("encodeSockaddr lays IPv6 out as struct sockaddr_in6", () => {
  const address = Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
  const bytes = encodeSockaddr(address, 53);
  expect(Array.from(bytes.subarray(0, 8))).toEqual([10, 0, 0, 53, 0, 0, 0, 0]);
  expect(bytes.slice(8, 24)).toEqual(address);
  expect(Array.from(bytes.subarray(24))).toEqual([0, 0, 0, 0]);
});

test.each([
  ["IPv4", Uint8Array.of(127, 0, 0, 1), 1],
  ["IPv6", new Uint8Array(16).fill(7), 65_535],
])("decodeSockaddr gives %s back", (_name, address, port) => {
  expect(decodeSockaddr(encodeSockaddr(address, port))).toEqual({ address, port });
});

test.each([
  ["nothing", new Uint8Array(0)],
  ["a unix socket", Uint8Array.of(1, 0, 47, 116, 0, 0, 0, 0)],
  ["a cut IPv6 address", Uint8Array.of(10, 0, 0, 53, 0, 0, 0, 0, 1)],
])("decodeSockaddr has no answer for %s", (_name, bytes) => {
  expect(decodeSockaddr(bytes)).toBeUndefined();
});
