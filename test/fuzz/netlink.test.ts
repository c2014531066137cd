/**
 * Properties of the netlink codecs: nothing throws, whatever bytes come; what is written is read.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { formatAddress } from "../../src/net/address.ts";
import { attribute, AttributeReader, encodeAttributes } from "../../src/netlink/attribute.ts";
import { decodeFamily } from "../../src/netlink/generic/family.ts";
import {
  decodeDaemon,
  decodeInfo,
  decodeTimeouts,
  encodeDaemon,
} from "../../src/netlink/generic/ipvs-control.ts";
import {
  decodeDestination,
  encodeDestination,
} from "../../src/netlink/generic/ipvs-destination.ts";
import { decodeService, encodeService } from "../../src/netlink/generic/ipvs-service.ts";
import type { IpvsServiceKey } from "../../src/netlink/generic/ipvs-service.ts";
import { decodeAcknowledgement, decodeMessages, encodeMessage } from "../../src/netlink/message.ts";
import type { NetlinkMessage } from "../../src/netlink/message.ts";
import { decodeAddress, encodeNewAddress } from "../../src/netlink/route/address.ts";
import { decodeRouteEvent } from "../../src/netlink/route/event.ts";
import { decodeNeighbour } from "../../src/netlink/route/neighbour.ts";
import { decodeRoute } from "../../src/netlink/route/route.ts";
import { decodeFilter, decodeQdisc } from "../../src/netlink/route/traffic-control.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);

function holds<Values extends [unknown, ...unknown[]]>(property: fc.IProperty<Values>): void {
  fc.assert(property, { seed, numRuns });
}

/** Heads and attributes as the kernel might write them, with types that decoders know. */
const attributes: fc.Arbitrary<Uint8Array> = fc
  .array(
    fc.record({
      type: fc.oneof(fc.nat(60), fc.nat(0xffff)),
      data: fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        fc
          .constantFrom(4, 8, 16)
          .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
      ),
    }),
    { maxLength: 8 },
  )
  .map(encodeAttributes);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  fc
    .tuple(
      fc.constantFrom(0, 2, 4, 10),
      fc.constantFrom(4, 8, 12, 16, 20),
      attributes,
      fc.boolean(),
    )
    .map(([family, headBytes, rest, isNested]) => {
      const inner = isNested ? encodeAttributes([attribute.bytes(0x8001, rest)]) : rest;
      const head = new Uint8Array(headBytes);
      head[0] = family;
      return Uint8Array.from([...head, ...inner]);
    }),
);
const message: fc.Arbitrary<NetlinkMessage> = fc.record({
  type: fc.oneof(fc.constantFrom(2, 3, 16, 17, 20, 21, 24, 28, 36, 44), fc.nat(0xffff)),
  flags: fc.oneof(fc.constantFrom(0, 2, 0x100, 0x200, 0x300), fc.nat(0xffff)),
  sequence: fc.nat(),
  port: fc.nat(),
  payload,
});

describe("no decoder throws", () => {
  test("decodeMessages()", () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { messages, fault } = decodeMessages(bytes);
        const taken = messages.reduce((sum, one) => sum + 16 + one.payload.length, 0);
        expect(taken).toBeLessThanOrEqual(bytes.length);
        if (bytes.length > 0 && messages.length === 0) expect(fault).toBeDefined();
      }),
    );
  });

  test("AttributeReader", () => {
    holds(
      fc.property(payload, fc.nat(0x3fff), (bytes, type) => {
        const reader = new AttributeReader(bytes);
        const { fault } = reader.nested(type) ?? reader;
        for (const kind of ["u8", "u16", "u32", "u64", "be16", "be32", "be64", "text"] as const) {
          reader[kind](type);
        }
        reader.list(type);
        // A fault that was found stays.
        if (fault !== undefined) expect(reader.fault).toBe(fault);
      }),
    );
  });

  test.each<[string, (one: NetlinkMessage) => { readonly ok: boolean }]>([
    ["decodeAcknowledgement()", decodeAcknowledgement],
    ["decodeRouteEvent()", decodeRouteEvent],
    ["decodeRoute()", decodeRoute],
    ["decodeNeighbour()", decodeNeighbour],
    ["decodeQdisc()", decodeQdisc],
    ["decodeFilter()", decodeFilter],
    ["decodeFamily()", decodeFamily],
    ["decodeService()", decodeService],
    ["decodeDestination()", (one) => decodeDestination(one, 6)],
    ["decodeInfo()", decodeInfo],
    ["decodeTimeouts()", decodeTimeouts],
    ["decodeDaemon()", decodeDaemon],
  ])("%s", (_name, decode) => {
    holds(
      fc.property(message, (one) => {
        expect(typeof decode(one).ok).toBe("boolean");
      }),
    );
  });
});

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatAddress);
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatAddress);
const port = fc.nat(0xffff);
const number = fc.nat(0xffff_ffff);
const answer = (bytes: Uint8Array): NetlinkMessage => ({
  type: 34,
  flags: 0,
  sequence: 1,
  port: 0,
  payload: Uint8Array.from([4, 1, 0, 0, ...bytes]),
});

describe("what is written is read", () => {
  test("messages", () => {
    holds(
      fc.property(fc.array(message, { maxLength: 5 }), (messages) => {
        const bytes = Uint8Array.from(messages.flatMap((one) => [...encodeMessage(one)]));
        expect(decodeMessages(bytes)).toEqual({ messages, fault: undefined });
      }),
    );
  });

  test("addresses", () => {
    const wanted = fc.record({
      index: fc.nat(0x7fff_ffff),
      address: fc.oneof(ipv4, ipv6),
      prefixBits: fc.nat(32),
      scope: fc.constantFrom("global", "site", "link", "host", "nowhere"),
      protocol: fc.nat(255),
      preferredSeconds: fc.nat(1_000_000),
      validSeconds: fc.nat(1_000_000),
    } as const);
    holds(
      fc.property(wanted, (address) => {
        const one = { ...answer(new Uint8Array(0)), type: 20, payload: encodeNewAddress(address) };
        expect(decodeAddress(one)).toMatchObject({ ok: true, value: address });
      }),
    );
  });

  test("services of IPVS", () => {
    const protocol = fc.constantFrom("tcp", "udp", "sctp");
    const key: fc.Arbitrary<IpvsServiceKey> = fc.oneof(
      fc.record({
        type: fc.constant("address"),
        family: fc.constant(4),
        protocol,
        address: ipv4,
        port,
      } as const),
      fc.record({
        type: fc.constant("address"),
        family: fc.constant(6),
        protocol,
        address: ipv6,
        port,
      } as const),
      fc.record({
        type: fc.constant("fwmark"),
        family: fc.constantFrom(4, 6),
        mark: fc.integer({ min: 1, max: 0xffff_ffff }),
      } as const),
    );
    const settings = fc.record({
      scheduler: fc.stringMatching(/^[a-z]{2,8}$/),
      persistentSeconds: fc.option(number, { nil: undefined }),
      persistentBits: fc.nat(32),
      isOnePacket: fc.boolean(),
      schedulerFlags: fc.subarray([1, 2, 3] as const),
      persistenceEngine: fc.option(fc.constant("sip"), { nil: undefined }),
    });
    holds(
      fc.property(key, settings, (one, how) => {
        const bytes = encodeAttributes([encodeService(one, how)]);
        expect(decodeService(answer(bytes))).toMatchObject({
          ok: true,
          value: { key: one, ...how },
        });
      }),
    );
  });

  test("real servers of IPVS", () => {
    const wanted = fc.record({
      address: fc.oneof(ipv4, ipv6),
      port,
      method: fc.constantFrom("masq", "local", "ipip", "gate", "bypass"),
      weight: fc.nat(0x7fff_ffff),
      upperThreshold: number,
      lowerThreshold: number,
      tunnel: fc.record({
        type: fc.constantFrom("ipip", "gue", "gre"),
        port,
        flags: fc.nat(0xffff),
      } as const),
    } as const);
    holds(
      fc.property(wanted, (one) => {
        const bytes = encodeAttributes([encodeDestination(one, one)]);
        expect(decodeDestination(answer(bytes), 4)).toMatchObject({ ok: true, value: one });
      }),
    );
  });

  test("daemons of IPVS", () => {
    const wanted = fc.record({
      role: fc.constantFrom("active", "backup"),
      interfaceName: fc.stringMatching(/^[a-z0-9]{1,15}$/),
      syncId: fc.nat(255),
      payloadBytes: fc.option(port, { nil: undefined }),
      group: fc.option(fc.oneof(ipv4, ipv6), { nil: undefined }),
      port: fc.option(port, { nil: undefined }),
      ttl: fc.option(fc.nat(255), { nil: undefined }),
    } as const);
    holds(
      fc.property(wanted, (daemon) => {
        const bytes = encodeAttributes([encodeDaemon(daemon)]);
        expect(decodeDaemon(answer(bytes))).toEqual({ ok: true, value: daemon });
      }),
    );
  });
});
