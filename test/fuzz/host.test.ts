/**
 * Texts of the kernel and of files, and packets of the LAN, in whatever form: nothing of it stops
 * setup or doctor.
 *
 * @module
 */

import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { decodeArpReply, encodeArpQuestion } from "../../src/host/doctor/arp-packet.ts";
import { rulesNaming } from "../../src/host/doctor/ruleset.ts";
import {
  parseInterfaceNames,
  parseIpv4Routes,
  parseIpv6Addresses,
  parseIpv6Routes,
  parseListeners,
} from "../../src/host/proc-text.ts";
import { formatRecord, parseRecord, withStep } from "../../src/host/record.ts";
import type { SetupRecord } from "../../src/host/record.ts";
import { targetOf } from "../../src/host/step.ts";
import type { Step } from "../../src/host/step.ts";
import { addressRefusal } from "../../src/host/virtual-address.ts";
import { formatAddress } from "../../src/net/address.ts";
import { createFakeHost } from "../helpers/fake-host.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const options = {
  seed: Number(process.env["FUZZ_SEED"] ?? 1),
  numRuns: Number(process.env["FUZZ_RUNS"] ?? 500),
};

/** Lines made of what /proc/net is made of. */
const procText = fc
  .array(fc.constantFrom(..."0123456789abcdefABCDEF:  \n\t*lo".split("")), { maxLength: 400 })
  .map((letters) => letters.join(""));

test("texts of /proc/net are read or left out, whatever they hold", () => {
  const property = fc.property(procText, (text) => {
    parseInterfaceNames(text);
    parseIpv4Routes(text);
    parseIpv6Routes(text);
    parseIpv6Addresses(text);
    for (const { port } of parseListeners(text, "tcp")) expect(port).toBeLessThan(65_536);
  });
  fc.assert(property, options);
});

test("a packet of the LAN is a reply or nothing", () => {
  const property = fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
    const reply = decodeArpReply(bytes);
    if (reply !== undefined) expect([reply.hardware.length, reply.address.length]).toEqual([6, 4]);
  });
  fc.assert(property, options);
});

test("an own question is never taken for an answer", () => {
  const six = fc.uint8Array({ minLength: 6, maxLength: 6 });
  const four = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const property = fc.property(six, four, (hardware, target) => {
    expect(decodeArpReply(encodeArpQuestion(hardware, target))).toBeUndefined();
  });
  fc.assert(property, options);
});

const word = fc.string({ maxLength: 8 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("sysctl" as const), key: word, from: word, to: word }),
  fc.record({ kind: fc.constant("up" as const), interface: word }),
  fc.record({
    kind: fc.constant("file" as const),
    path: word,
    from: fc.option(word, { nil: undefined }),
    to: word,
  }),
);

test("a record is read as it was written, and keeps what each target was first", () => {
  const property = fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const empty: SetupRecord = { version: 1, vips: [], method: "gate", steps: [] };
    // Between two runs stands a file.
    const record = steps.reduce<SetupRecord>(
      (sum, one) => withStep(parseRecord(formatRecord(sum))!, one),
      empty,
    );
    for (const kept of record.steps) {
      const first = steps.find((one) => targetOf(one) === targetOf(kept))!;
      const found = (one: Step): unknown => ("from" in one ? one.from : undefined);
      expect(found(kept)).toEqual(found(first));
    }
    expect(new Set(record.steps.map(targetOf)).size).toBe(record.steps.length);
  });
  fc.assert(property, options);
});

test("parseRecord() takes no text that it does not know", () => {
  fc.assert(
    fc.property(fc.json(), (text) => void parseRecord(text)),
    options,
  );
});

test("addressRefusal() judges every address", () => {
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );
  const { state } = createFakeHost();
  const property = fc.property(address, (bytes) => {
    const refusal = addressRefusal(formatAddress(bytes), state);
    if (refusal !== undefined) expect(refusal).toStartWith("is ");
  });
  fc.assert(property, options);
});

test("rulesNaming() finds nothing in what has no address, whatever else it holds", () => {
  const property = fc.property(fc.string(), (text) => {
    expect(rulesNaming(text.replaceAll("192", ""), "192.0.2.1")).toEqual([]);
  });
  fc.assert(property, options);
});
