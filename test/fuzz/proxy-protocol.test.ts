/**
 * Properties of the PROXY protocol codec: round trip, prefixes, hostile bytes.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  decodeProxyHeader,
  encodeProxyV1,
  encodeProxyV2,
  proxyV2BytesMax,
} from "../../src/net/proxy-protocol.ts";
import type { ProxyFlow } from "../../src/net/proxy-protocol.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

const port = fc.integer({ min: 0, max: 65535 });
const ends = (length: number): fc.Arbitrary<Pick<ProxyFlow, "source" | "destination">> => {
  const address = fc.uint8Array({ minLength: length, maxLength: length });
  const end = fc.record({ address, port });
  return fc.record({ source: end, destination: end });
};
const sameFamily = fc.oneof(ends(4), ends(16));
const tcpFlow = sameFamily.map(({ source, destination }): ProxyFlow => ({
  transport: "tcp",
  source,
  destination,
}));
const anyFlow = fc
  .tuple(sameFamily, fc.constantFrom("tcp" as const, "udp" as const))
  .map(([{ source, destination }, transport]): ProxyFlow => ({ transport, source, destination }));
const tlvs = fc.uint8Array({ maxLength: 300 });

/** A valid header of version 2 with whatever follows the addresses. */
function withTlvs(header: Uint8Array, rest: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from([...header, ...rest]);
  new DataView(bytes.buffer).setUint16(14, bytes.length - 16);
  return bytes;
}

const anyHeader = fc.oneof(
  fc.option(tcpFlow, { nil: undefined }).map((flow) => encodeProxyV1(flow)),
  fc
    .tuple(fc.option(anyFlow, { nil: undefined }), tlvs)
    .map(([flow, rest]) => withTlvs(encodeProxyV2(flow), rest)),
);

describe("PROXY protocol", () => {
  test("version 1 decodes to what was encoded", () => {
    const property = fc.property(tcpFlow, tlvs, (flow, rest) => {
      const header = encodeProxyV1(flow);
      const bytes = Uint8Array.from([...header, ...rest]);
      const decoded = decodeProxyHeader(bytes);
      expect(decoded).toEqual({ kind: "header", headerBytes: header.length, ...flow } as never);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("version 2 decodes to what was encoded, TLVs skipped", () => {
    const property = fc.property(anyFlow, tlvs, tlvs, (flow, extra, rest) => {
      const header = withTlvs(encodeProxyV2(flow), extra);
      const decoded = decodeProxyHeader(Uint8Array.from([...header, ...rest]));
      expect(decoded).toEqual({ kind: "header", headerBytes: header.length, ...flow } as never);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("every strict prefix of a header is incomplete", () => {
    const property = fc.property(anyHeader, (header) => {
      for (let length = 0; length < header.length; length++) {
        const decoded = decodeProxyHeader(header.subarray(0, length));
        if (decoded.kind !== "incomplete") expect([length, decoded]).toEqual([]);
      }
      expect(decodeProxyHeader(header).kind).toBe("header");
    });
    fc.assert(property, { seed, numRuns: Math.min(numRuns, 100) });
  });

  test("hostile bytes never throw and are decided within the bound", () => {
    const starts = [[], [...new TextEncoder().encode("PROXY ")], [...encodeProxyV2(undefined)]];
    const hostile = fc
      .tuple(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 2300 }))
      .map(([start, rest]) => Uint8Array.from([...start, ...rest]));
    const property = fc.property(hostile, (bytes) => {
      const decoded = decodeProxyHeader(bytes);
      if (decoded.kind === "header") {
        expect(decoded.headerBytes).toBeLessThanOrEqual(bytes.length);
        expect(decoded.headerBytes).toBeLessThanOrEqual(proxyV2BytesMax);
      }
      if (decoded.kind === "incomplete") expect(bytes.length).toBeLessThan(proxyV2BytesMax);
    });
    fc.assert(property, { seed, numRuns });
  });

  test("one flipped bit never throws", () => {
    const property = fc.property(anyHeader, fc.nat(), (header, position) => {
      const bytes = Uint8Array.from(header);
      const bit = position % (bytes.length * 8);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(["incomplete", "invalid", "header"]).toContain(decodeProxyHeader(bytes).kind);
    });
    fc.assert(property, { seed, numRuns });
  });
});
