import { expect, test } from "bun:test";

import { countConnections } from "../../../../src/netlink/diag/index.ts";

/** Of the loopback network, and of no other test. */
const address = "127.81.33.7";

test("countConnections() counts both ends that have the address, and no listener", async () => {
  const socket = { data: () => undefined };
  using listener = Bun.listen({ hostname: address, port: 0, socket });
  expect(countConnections([address])).toBe(0);
  const connected = await Bun.connect({ hostname: address, port: listener.port, socket });
  // The client's own address is another one, which the kernel chose.
  expect(countConnections([address, "::1"])).toBeGreaterThan(0);
  expect(countConnections(["192.0.2.1", "2001:db8::1"])).toBe(0);
  expect(countConnections([])).toBe(0);
  connected.terminate();
});
