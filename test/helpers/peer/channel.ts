/**
 * Two ends of a peer channel without a network, for tests.
 *
 * @module
 */
import { PeerMac, PeerSession } from "../../../src/peer/index.ts";
import type { PeerKey, PeerResult } from "../../../src/peer/index.ts";

/** Keys of these characters, 32 of each. */
export function keysOf(...characters: readonly string[]): PeerKey[] {
  return characters.map((character) => {
    return { id: character, secret: new TextEncoder().encode(character.repeat(32)) };
  });
}

/** One director's end. Its ids count upwards from `seed`, so that no two starts have the same. */
export class ChannelEnd {
  readonly session: PeerSession;
  readonly mac: PeerMac;

  constructor(seed: number, keys: readonly PeerKey[] = keysOf("k")) {
    let next = seed * 0x1_0000;
    this.session = new PeerSession((words) => {
      words[0] = next++;
      words[1] = next++;
    });
    this.mac = new PeerMac(keys);
    this.session.outgoing.count = 1;
    Object.assign(this.session.outgoing.records[0]!, {
      name: 7,
      vrid: 51,
      state: 1,
      priority: seed,
    });
  }

  /** A message, as it goes out. */
  say(nowMs = 0): Uint8Array {
    const length = this.session.seal(this.mac, nowMs);
    return this.session.bytes.slice(0, length);
  }

  hear(message: Uint8Array, nowMs = 0): PeerResult {
    return this.session.open(message, message.length, { mac: this.mac, nowMs });
  }
}

/** Two ends that have proven themselves to each other. */
export function provenPair(): [ChannelEnd, ChannelEnd] {
  const [one, two] = [new ChannelEnd(1), new ChannelEnd(2)];
  for (let round = 0; round < 2; round++) {
    two.hear(one.say());
    one.hear(two.say());
  }
  return [one, two];
}
