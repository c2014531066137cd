import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";

import * as fc from "fast-check";

import { fenceObject, parseBpfObject } from "../../../src/bpf/index.ts";
import { ApplianceError } from "../../../src/errors/index.ts";
import { treeRoot } from "../../helpers/source-tree.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);
const bytes = new Uint8Array(readFileSync(`${treeRoot}ffi/bpf/fence.bpf.o`));

describe("parseBpfObject", () => {
  test("finds maps, programs and the license of the fence", () => {
    const { maps, programs, license } = fenceObject();
    expect(license).toBe("Dual BSD/GPL");
    expect(programs.map(({ name }) => name)).toEqual(["tc_ingress", "tc_egress"]);
    expect(maps.find(({ name }) => name === "leases")).toEqual({
      name: "leases",
      type: 2,
      keyBytes: 4,
      valueBytes: 32,
      entriesMax: 256,
      flags: 1024,
    });
    expect(maps.map(({ name }) => name).toSorted()).toEqual([
      "addresses4",
      "addresses6",
      "counters",
      "handovers",
      "leases",
      "peers",
    ]);
  });

  test("tells each place where a map is used", () => {
    const [ingress] = parseBpfObject(bytes).programs;
    const first = ingress!.uses[0]!;
    expect(first.map).toBe("addresses4");
    // A wide load, the only instruction that holds a descriptor.
    for (const { offset } of ingress!.uses) expect(ingress!.instructions[offset]).toBe(0x18);
  });

  test.each([
    ["an empty file", new Uint8Array()],
    ["text", new TextEncoder().encode("#!/bin/sh\n".repeat(100))],
    ["a file that is cut off", bytes.slice(0, 4000)],
    ["an executable of another machine", bytes.with(18, 62)],
  ])("refuses %s", (_, damaged) => {
    expect(() => parseBpfObject(damaged)).toThrow(ApplianceError);
    expect(() => parseBpfObject(damaged)).toThrow("Cannot read a bpf object");
  });

  test("never throws anything else, whatever byte is wrong", () => {
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    const property = fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
      const damaged = bytes.slice();
      for (const [offset, value] of changes) damaged[offset] = value;
      try {
        parseBpfObject(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ApplianceError);
      }
    });
    fc.assert(property, { seed, numRuns });
  });
});
