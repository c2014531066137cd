import { expect, test } from "bun:test";

import { createStatusBlock, lastPeerWord, statusWords } from "../../../src/failover/layout.ts";
import { difference } from "../../../src/failover/peer-comparison.ts";
import { PeerStatusWriter, readPeer } from "../../../src/failover/peer-status.ts";
import { provenPair } from "../../helpers/peer/channel.ts";

test("what the thread writes is what the main thread reads", () => {
  const words = statusWords(createStatusBlock());
  const writer = new PeerStatusWriter(words);
  expect(readPeer(words, 0)).toBeUndefined();
  writer.setConfigured(true);
  const [one, two] = provenPair();
  expect(two.hear(one.say(1000), 1001)).toBe("accepted");
  expect(one.hear(two.say(1002), 1004)).toBe("accepted");
  writer.publish(one.session, {
    heardAtMs: 1004,
    isReachable: true,
    configuration: difference.same,
    tables: difference.different,
    dropped: 5,
  });
  writer.countSent(true);
  writer.countSent(true);
  writer.countSent(false);
  writer.countUnmatched();
  writer.countResult("accepted");
  writer.countResult("replayed");
  expect(readPeer(words, 1010)).toEqual({
    isReachable: true,
    heardAgeMs: 6,
    answeredAgeMs: 10,
    roundTripMs: 3,
    configuration: "same",
    tables: "different",
    boots: 1,
    sent: 2,
    unsent: 1,
    dropped: 5,
    unmatched: 1,
    received: { accepted: 1, replayed: 1 },
  });
  writer.setConfigured(false);
  expect(readPeer(words, 1010)).toBeUndefined();
});

test("of a peer that was never heard nothing is known", () => {
  const words = statusWords(createStatusBlock());
  const writer = new PeerStatusWriter(words);
  writer.setConfigured(true);
  const [{ session }] = [provenPair()[0]];
  session.forget();
  writer.publish(session, {
    heardAtMs: -Infinity,
    isReachable: false,
    configuration: difference.unknown,
    tables: difference.unknown,
    dropped: 0,
  });
  expect(readPeer(words, 5000)).toMatchObject({
    isReachable: false,
    heardAgeMs: undefined,
    answeredAgeMs: undefined,
    roundTripMs: undefined,
    configuration: "unknown",
    tables: "unknown",
    received: {},
  });
});

test("the row has room for every result", () => {
  expect(lastPeerWord).toBeLessThan(64);
});
