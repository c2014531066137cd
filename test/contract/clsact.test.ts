/**
 * The fence's filters of clsact against the running kernel, with tc as a second opinion. Each test
 * has a network namespace of its own.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import { inNetns } from "../helpers/netns-script.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns } from "../helpers/require-peer.ts";

const needs = requireAll(requireNetns(), requireBpf());
const scenarios = new URL("clsact-scenarios.ts", import.meta.url);
const run = (name: string) => inNetns(scenarios, name);
/** A process starts for each; the machine may be busy. */
const timeoutMs = 30_000;
const outward = "1 bpf appliance-fence outward";
const inward = "1 bpf appliance-fence inward";

describe.skipIf(needs.skip)("clsact", () => {
  test(
    "filters are attached, taken over and removed, and the loopback is left as it was",
    async () => {
      expect(await run("attach")).toEqual({
        tried: [false, false],
        attached: [[outward], [inward]],
        mended: [],
        taken: [],
        isLeft: false,
      });
    },
    timeoutMs,
  );

  test(
    "filters of others stay, after those of the fence",
    async () => {
      expect(await run("shared")).toEqual({
        attached: [inward, "9 bpf"],
        left: ["9 bpf"],
        hasQdisc: true,
      });
    },
    timeoutMs,
  );

  test(
    "what stands in the way is told at each look, until it is gone",
    async () => {
      expect(await run("inTheWay")).toEqual({
        faults: ["missing", "missing"],
        occupied: [
          ["out", "missing"],
          ["in", "missing"],
        ],
        mended: [1, 0],
        gone: [],
      });
    },
    timeoutMs,
  );

  test(
    "a device with an ingress qdisc is refused",
    async () => {
      const text = "Interface N has an ingress qdisc, where the fence needs clsact";
      expect(await run("ingress")).toBe(text);
    },
    timeoutMs,
  );
});
