import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { ChannelEnd, keysOf, provenPair } from "../../helpers/peer/channel.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);

describe("PeerSession", () => {
  test("proves two starts to each other within three messages", () => {
    const [one, two] = [new ChannelEnd(1), new ChannelEnd(2)];
    // Neither knows the other: each asks.
    expect(two.hear(one.say())).toBe("unproven");
    expect(one.hear(two.say())).toBe("unproven");
    expect(two.hear(one.say())).toBe("accepted");
    expect(one.hear(two.say())).toBe("accepted");
    expect(two.session.incoming).toMatchObject({ count: 1 });
    expect(two.session.incoming.records[0]).toMatchObject({ vrid: 51, priority: 1 });
    expect([one.session.boots, two.session.boots]).toEqual([1, 1]);
  });

  test("takes each message once, and none that is older", () => {
    const [one, two] = provenPair();
    const [first, second] = [one.say(), one.say()];
    expect(two.hear(second)).toBe("accepted");
    expect(two.hear(second)).toBe("replayed");
    expect(two.hear(first)).toBe("replayed");
    expect(two.hear(one.say())).toBe("accepted");
  });

  test("drops its own message when it comes back", () => {
    const [one] = provenPair();
    expect(one.hear(one.say())).toBe("own-message");
  });

  test("challenges a peer that has started anew, then hears no word of the earlier start", () => {
    const [one, two] = provenPair();
    const withheld = one.say();
    const again = new ChannelEnd(3);
    expect(two.hear(again.say())).toBe("unproven");
    again.hear(two.say());
    expect(two.hear(again.say())).toBe("accepted");
    expect(two.session.boots).toBe(2);
    expect(two.hear(withheld)).toBe("unproven");
    expect(two.hear(one.say())).toBe("unproven");
    expect(two.hear(again.say())).toBe("accepted");
  });

  test("uses a nonce once: the proof of an earlier start proves no later one", () => {
    const [one, two] = [new ChannelEnd(1), new ChannelEnd(2)];
    two.hear(one.say());
    one.hear(two.say());
    const proof = one.say();
    expect(two.hear(proof)).toBe("accepted");
    const again = new ChannelEnd(3);
    two.hear(again.say());
    // Now something is challenged, and the old proof is no answer to it.
    expect(two.hear(proof)).toBe("replayed");
    again.hear(two.say());
    expect(two.hear(again.say())).toBe("accepted");
    expect(two.hear(proof)).toBe("unproven");
  });

  test("a director that has started anew believes no recorded message", () => {
    const [one, two] = provenPair();
    const recorded = [one.say(), one.say(), one.say()];
    for (const message of recorded) expect(two.hear(message)).toBe("accepted");
    const again = new ChannelEnd(4);
    for (const message of recorded) expect(again.hear(message)).toBe("unproven");
    expect(again.session.boots).toBe(0);
  });

  test("a recorded nonce does not crowd out the one of the living peer", () => {
    const [one, two] = [new ChannelEnd(1), new ChannelEnd(2)];
    const old = new ChannelEnd(9);
    old.hear(one.say());
    const recorded = old.say();
    two.hear(one.say());
    one.hear(two.say());
    // `one` is proven and still asks: what an earlier start of it asked is not answered instead.
    expect(two.hear(one.say())).toBe("accepted");
    const wanted = two.session.outgoing.echo.slice();
    expect(two.hear(recorded)).toBe("unproven");
    expect(two.session.outgoing.echo).toEqual(wanted);
    expect(one.hear(two.say())).toBe("accepted");
  });

  test("a second key is heard while keys rotate, a foreign one is not", () => {
    const two = new ChannelEnd(2, keysOf("n", "k"));
    expect(two.hear(new ChannelEnd(1, keysOf("k")).say())).toBe("unproven");
    expect(two.hear(new ChannelEnd(3, keysOf("n")).say())).toBe("unproven");
    expect(two.hear(new ChannelEnd(4, keysOf("x")).say())).toBe("unknown-key");
  });

  test("measures the way there and back without the time between", () => {
    const [one, two] = provenPair();
    const question = one.say(1000);
    expect(two.hear(question, 1002)).toBe("accepted");
    const answer = two.say(1015);
    expect(one.hear(answer, 1018)).toBe("accepted");
    expect(one.session.roundTripMs).toBeCloseTo(5, 3);
    expect(one.session.answeredAtMs).toBe(1000);
  });

  test("another process goes on with a session, and the peer does not notice", () => {
    const [one, two] = provenPair();
    const [old, question] = [one.say(1000), one.say(1001)];
    two.hear(old, 1002);
    two.hear(question, 1002);
    const next = new ChannelEnd(7);
    next.session.adopt(JSON.parse(JSON.stringify(one.session.carry())));
    expect(next.hear(two.say(1010), 1011)).toBe("accepted");
    expect(next.session.answeredAtMs).toBe(1001);
    expect(two.hear(next.say())).toBe("accepted");
    expect(two.hear(question)).toBe("replayed");
    expect([two.session.boots, next.session.boots]).toEqual([1, 1]);
    // What is its own comes back as its own.
    expect(next.hear(next.say())).toBe("own-message");
  });

  test("forgets the peer when another is configured", () => {
    const [one, two] = provenPair();
    two.session.forget();
    expect(two.hear(one.say())).toBe("unproven");
  });
});

describe("PeerSession against an attacker who has recorded everything", () => {
  /** What the attacker does with a message of the past. */
  const attack = fc.record({
    pick: fc.nat(1000),
    /** Byte to change, or none; and where to cut. */
    flip: fc.option(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 255 })), { nil: undefined }),
    cut: fc.option(fc.nat(200), { nil: undefined }),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("one", "two") },
    { weight: 1, arbitrary: fc.constantFrom("restart-one", "restart-two") },
    { weight: 6, arbitrary: attack },
  );

  test("no message counts twice, none of an earlier start, none that was changed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let starts = 2;
        const ends = { one: new ChannelEnd(1), two: new ChannelEnd(2) };
        const recorded: { bytes: Uint8Array; by: ChannelEnd }[] = [];
        /** Messages that an end has accepted, as text. */
        const accepted = new Map<ChannelEnd, Set<string>>();
        const deliver = (to: "one" | "two", bytes: Uint8Array): void => {
          const end = ends[to];
          if (end.hear(bytes) !== "accepted") return;
          const from = ends[to === "one" ? "two" : "one"];
          const seen = accepted.get(end) ?? new Set();
          accepted.set(end, seen);
          expect(seen.has(bytes.toHex())).toBe(false);
          seen.add(bytes.toHex());
          // Only the living start of the other end is believed, and only what it has said.
          const origin = recorded.find((one) => one.bytes.toHex() === bytes.toHex());
          expect(origin?.by).toBe(from);
        };
        for (const one of steps) {
          if (one === "restart-one") ends.one = new ChannelEnd(++starts);
          else if (one === "restart-two") ends.two = new ChannelEnd(++starts);
          else if (one === "one" || one === "two") {
            const bytes = ends[one].say();
            recorded.push({ bytes, by: ends[one] });
            deliver(one === "one" ? "two" : "one", bytes);
          } else if (recorded.length > 0) {
            const bytes = recorded[one.pick % recorded.length]!.bytes.slice(0, one.cut);
            if (one.flip !== undefined && bytes.length > 0) {
              bytes[one.flip[0] % bytes.length]! ^= one.flip[1];
            }
            deliver("one", bytes);
            deliver("two", bytes);
          }
        }
      }),
      { seed, numRuns },
    );
  });

  test("two living ends find each other again, whatever came before", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 30 }), (whats) => {
        let starts = 2;
        let [one, two] = [new ChannelEnd(1), new ChannelEnd(2)];
        for (const what of whats) {
          if (what === 0) one = new ChannelEnd(++starts);
          else if (what === 1) two = new ChannelEnd(++starts);
          else if (what === 2) two.hear(one.say());
          else one.hear(two.say());
        }
        for (let round = 0; round < 2; round++) {
          two.hear(one.say());
          one.hear(two.say());
        }
        expect(two.hear(one.say())).toBe("accepted");
        expect(one.hear(two.say())).toBe("accepted");
      }),
      { seed, numRuns },
    );
  });
});
