/**
 * Signing and verifying with keys: who is believed, and how often.
 */
import { expect, test } from "bun:test";

import { AdvertSigner } from "../../../src/failover/advert-signer.ts";
import {
  createAdvertisement,
  encodeAdvertisement,
  messageBytesMax,
  setAddresses,
} from "../../../src/vrrp/index.ts";
import type { Advertisement } from "../../../src/vrrp/index.ts";

const first = { id: 1, secret: "aa".repeat(32) };
const second = { id: 2, secret: "bb".repeat(64) };
const source = Uint8Array.of(192, 0, 2, 1);
const destination = Uint8Array.of(224, 0, 0, 18);

/** A packet signed now. */
function signed(
  signer: AdvertSigner,
  from: Uint8Array = source,
): [bytes: Uint8Array, Advertisement] {
  const advertisement = createAdvertisement(4);
  setAddresses(advertisement, [Uint8Array.of(192, 0, 2, 100)]);
  const bytes = new Uint8Array(messageBytesMax + 28);
  const envelope = { source: from, destination };
  advertisement.messageBytes = encodeAdvertisement(advertisement, envelope, bytes);
  const length = signer.append(bytes, advertisement, from);
  return [bytes.subarray(0, length), advertisement];
}

test("AdvertSigner.append() makes packets that the same key accepts once, in their order", () => {
  const signer = new AdvertSigner([first], 100, 4);
  const verifier = new AdvertSigner([first], 100, 4);
  const packets = [signed(signer), signed(signer), signed(signer)];
  const verify = (index: number): string =>
    verifier.verify(...packets[index]!, { source, nowMs: index });
  expect([0, 1, 1, 2, 0].map(verify)).toEqual([
    "accepted",
    "accepted",
    "replayed",
    "accepted",
    "replayed",
  ]);
});

test("AdvertSigner.verify() knows every key, and signs with the first", () => {
  const verifier = new AdvertSigner([first, second], 100, 4);
  const verify = (keys: (typeof first)[]): string =>
    verifier.verify(...signed(new AdvertSigner(keys, 100, 4)), { source, nowMs: 0 });
  expect(verify([first])).toBe("accepted");
  expect(verify([second, first])).toBe("accepted");
  expect(verify([{ ...second, id: 3 }])).toBe("unknown-key");
  expect(verify([{ ...second, id: 1 }])).toBe("bad-hmac");
});

test("AdvertSigner.verify() refuses a packet without a trailer, and one of another sender", () => {
  const signer = new AdvertSigner([first], 100, 4);
  const [bytes, advertisement] = signed(signer);
  const verify = (part: Uint8Array, from: Uint8Array): string =>
    signer.verify(part, advertisement, { source: from, nowMs: 0 });
  expect(verify(bytes.subarray(0, advertisement.messageBytes), source)).toBe("missing-hmac");
  expect(verify(bytes, Uint8Array.of(192, 0, 2, 9))).toBe("bad-hmac");
  expect(verify(bytes, source)).toBe("accepted");
});

test("AdvertSigner.setKeys() keeps what senders said", () => {
  const signer = new AdvertSigner([first], 100, 4);
  const verifier = new AdvertSigner([first], 100, 4);
  const packet = signed(signer);
  expect(verifier.verify(...packet, { source, nowMs: 0 })).toBe("accepted");
  verifier.setKeys([second, first]);
  expect(verifier.verify(...packet, { source, nowMs: 1 })).toBe("replayed");
  signer.setKeys([second]);
  expect(verifier.verify(...signed(signer), { source, nowMs: 2 })).toBe("accepted");
});

test("AdvertSigner remembers sixteen senders: those that spoke last", () => {
  const signer = new AdvertSigner([first], 100, 4);
  const verifier = new AdvertSigner([first], 100, 4);
  const from = (host: number): Uint8Array => Uint8Array.of(192, 0, 2, host);
  const packets = Array.from({ length: 17 }, (_, host) => signed(signer, from(host)));
  const verify = (host: number, nowMs: number): string =>
    verifier.verify(...packets[host]!, { source: from(host), nowMs });
  for (let host = 0; host < 17; host++) expect(verify(host, host)).toBe("accepted");
  expect(verify(16, 20)).toBe("replayed");
  // Forgotten: the first of its packets is believed again.
  expect(verify(0, 20)).toBe("accepted");
});

test("AdvertSigner.takeSigned() says once that something was signed", () => {
  const signer = new AdvertSigner([first], 100, 4);
  expect(signer.takeSigned()).toBe(false);
  signed(signer);
  expect([signer.takeSigned(), signer.takeSigned()]).toEqual([true, false]);
});

test("AdvertSigner.adopt() goes on with stamps and senders of another process", () => {
  const [old, verifier] = [new AdvertSigner([first], 100, 4), new AdvertSigner([first], 100, 4)];
  const [packet, other] = [signed(old), signed(new AdvertSigner([first], 100, 4))];
  expect(verifier.verify(...packet, { source, nowMs: 0 })).toBe("accepted");
  const next = new AdvertSigner([first], 100, 4);
  next.adopt(JSON.parse(JSON.stringify(verifier.carry())));
  // Heard there is heard here.
  expect(next.verify(...packet, { source, nowMs: 1 })).toBe("replayed");
  expect(next.verify(...other, { source, nowMs: 1 })).toBe("accepted");
  // Its clock was set back by an hour when it began: stamps grow nevertheless.
  const { stampBaseMs, senders } = old.carry();
  next.adopt({ stampBaseMs: stampBaseMs + 1000, senders });
  expect(verifier.verify(...signed(next), { source, nowMs: 1001 })).toBe("accepted");
  next.adopt({ stampBaseMs, senders });
});
