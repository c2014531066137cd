/**
 * src/netlink/route against the running kernel, with iproute2 as a second opinion. Each test has a
 * network namespace of its own.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { inNetns } from "../helpers/netns-script.ts";
import { requireNetns } from "../helpers/require-peer.ts";

const netns = requireNetns();
const scenarios = new URL("netlink-route-scenarios.ts", import.meta.url);
const run = (name: string) => inNetns(scenarios, name);
/** A process starts for each; the machine may be busy. */
const timeoutMs = 30_000;

describe.skipIf(netns.skip)("rtnetlink", () => {
  test(
    "listLinks() and getLink() agree with ip",
    async () => {
      const { theirs, ours, single, none } = (await run("links")) as Record<string, unknown>;
      expect(ours).toEqual(theirs);
      expect(ours).toHaveLength(4);
      expect(ours).toContainEqual(
        expect.objectContaining({ name: "v0", master: "br0", port: "bridge", kind: "veth" }),
      );
      expect(single).toEqual(Array.from({ length: 4 }, () => [true, true]));
      expect(none).toBe("none");
    },
    timeoutMs,
  );

  test(
    "setLinkUp() and deleteLink() do so, and the carrier follows",
    async () => {
      expect(await run("upAndDown")).toEqual({
        states: [
          [false, false],
          [true, false],
          [true, true],
        ],
        carrier: [true, false],
        deleted: [true, false],
        left: ["lo"],
      });
    },
    timeoutMs,
  );

  test(
    "addAddress() and deleteAddress() do so, and ip sees the same",
    async () => {
      const result = (await run("addresses")) as Record<string, unknown>;
      expect(result["theirs"]).toContainEqual(
        expect.objectContaining({
          family: "inet",
          local: "192.0.2.100",
          prefixlen: 32,
          scope: "global",
          label: "v0:1",
          noprefixroute: true,
          valid_life_time: 2 ** 32 - 1,
        }),
      );
      expect(result["theirs"]).toContainEqual(
        expect.objectContaining({ local: "198.51.100.1", prefixlen: 24, scope: "link" }),
      );
      expect(result["theirs"]).toContainEqual(
        expect.objectContaining({
          family: "inet6",
          local: "2001:db8::64",
          prefixlen: 128,
          deprecated: true,
          nodad: true,
          preferred_life_time: 0,
        }),
      );
      expect(result["ours"]).toMatchObject([
        { address: "192.0.2.100", prefixBits: 32, label: "v0:1", scope: "global", protocol: 77 },
        { address: "2001:db8::64", prefixBits: 128, isDeprecated: true, isTentative: false },
      ]);
      expect(result["changed"]).toMatchObject({ validSeconds: 60, preferredSeconds: 30 });
      expect(result["deleted"]).toEqual([true, false, true]);
      expect(result["left"]).toEqual([]);
    },
    timeoutMs,
  );

  test(
    "listRoutes(), getRoute() and listNeighbours() read what ip made",
    async () => {
      const result = (await run("routes")) as Record<string, unknown>;
      const hop = { gateway: "192.0.2.254", outIndex: result["v0"], weight: 1 };
      expect(result["list"]).toMatchObject([
        { destination: "0.0.0.0", prefixBits: 0, source: "192.0.2.100", mtu: 1400, hops: [hop] },
        { destination: "192.0.2.0", prefixBits: 24, source: "192.0.2.1", scope: "link" },
        { destination: "203.0.113.0", type: "blackhole", metric: 7, hops: [] },
      ]);
      expect(result["far"]).toMatchObject({ source: "192.0.2.100", hops: [hop] });
      expect(result["theirs"]).toMatchObject({ gateway: "192.0.2.254", prefsrc: "192.0.2.100" });
      expect(result["near"]).toMatchObject({
        source: "192.0.2.1",
        hops: [{ outIndex: result["v0"] }],
      });
      expect(result["none"]).toBe("none");
      expect(result["neighbours"]).toMatchObject([
        { address: "192.0.2.254", mac: "02:00:00:00:00:09" },
      ]);
    },
    timeoutMs,
  );

  test(
    "openRouteMonitor() tells of links and addresses, in order",
    async () => {
      const { before, after } = (await run("events")) as Record<string, string[]>;
      const wanted = [
        "link-set v0",
        "link-set v0 up",
        "address-set 192.0.2.1/24",
        "address-set 2001:db8::1/64",
        "address-gone 192.0.2.1/24",
        "link-set v0 up carrier",
      ];
      const found = wanted.map((line) => before!.findLastIndex((other) => other === line));
      // A state is told again at each change of something else: the last one counts.
      expect(found.slice(2)).toEqual(found.slice(2).toSorted((a, b) => a - b));
      expect(found).not.toContain(-1);
      // The port left its bridge; the interface did not go.
      expect(before!.filter((line) => line.startsWith("link-gone"))).toEqual([]);
      expect(after).toContain("address-gone 2001:db8::1/64");
      expect(after!.some((line) => line.startsWith("link-gone v0"))).toBe(true);
    },
    timeoutMs,
  );

  test(
    "listAddresses() reads a thousand",
    async () => {
      expect(await run("thousandAddresses")).toEqual({ isSame: true, count: 1_000, theirs: 1_000 });
    },
    timeoutMs,
  );

  test(
    "a monitor that lost notices says so, and goes on after new lists",
    async () => {
      expect(await run("overrun")).toEqual({
        first: { isStale: true, hasMore: false },
        isSome: true,
        known: 100,
        second: { isStale: false, hasMore: false },
        lines: ["address-set 10.0.1.1/32"],
      });
    },
    timeoutMs,
  );

  test(
    "refusals have the errno's name and the kernel's words",
    async () => {
      const { failures, v0 } = (await run("refusals")) as Record<string, unknown>;
      const gone = `Cannot add address 192.0.2.1 on interface ${String(v0)}: ENODEV`;
      const words = "ipv4: Invalid values in header for address dump request";
      expect(failures).toEqual([
        // Newer kernels add "(ipv4: Device not found)".
        expect.objectContaining({
          code: "NETLINK_REFUSED",
          errnoName: "ENODEV",
          message: expect.stringContaining(gone),
          is: true,
        }),
        expect.objectContaining({ errnoName: "EINVAL" }),
        expect.objectContaining({ code: "NETLINK_REFUSED", errnoName: "ENODEV" }),
        false,
        [],
        {
          code: "NETLINK_REFUSED",
          errnoName: "EINVAL",
          kernelText: words,
          message: `Cannot list addresses: EINVAL (${words})`,
          is: true,
        },
      ]);
    },
    timeoutMs,
  );

  test(
    "listAddresses() gives whole lists while others change them",
    async () => {
      expect(await run("restless")).toEqual({ isSorted: true, some: true, end: 3_000 });
    },
    timeoutMs,
  );
});
