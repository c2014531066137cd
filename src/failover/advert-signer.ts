/**
 * Signs and verifies the advertisements of one virtual router (`auth_hmac`), without garbage.
 *
 * Time stamps come from the wall clock as it was when this thread began, moved on by the monotonic
 * clock: so they always grow, and a step of the clock is no business of other directors.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import type { AddressBytes, Family } from "../net/address.ts";
import { KeyedHash } from "../peer/index.ts";
import {
  appendHmac,
  compareAddresses,
  createAdvertisement,
  createHmacScratch,
  createStampWindow,
  hmacTrailerBytes,
  judgeStamp,
  messageBytesMax,
  verifyHmac,
} from "../vrrp/index.ts";
import type { Advertisement, AdvertisementResult, Mac, Stamp, StampWindow } from "../vrrp/index.ts";
import type { PlannedKey } from "./plan.ts";

/** Senders whose stamps are remembered: they all know the key. */
const sendersMax = 16;
/** What the HMAC covers before the message. */
const pseudoBytes = 20;
const bytesMax = pseudoBytes + messageBytesMax + hmacTrailerBytes;
const macBytes = 32;
const subsecondsPerMs = 65_536 / 1000;

let stampBaseMs = Date.now() - monotonicMs();

/** What another process of the same host needs to sign and verify on. */
export interface CarriedSigner {
  /** Wall clock of the stamps, less the monotonic clock. */
  readonly stampBaseMs: number;
  readonly senders: readonly {
    /** Bytes. */
    readonly address: readonly number[];
    readonly ticks: number;
    readonly counter: number;
    readonly atMs: number;
  }[];
}

/** A sender, and the stamp it said last. */
interface Sender {
  readonly address: AddressBytes;
  readonly window: StampWindow;
}

/** Keys, stamps and senders of one virtual router. Belongs to the real-time thread. */
export class AdvertSigner implements Mac {
  readonly #wireIntervalMs: number;
  readonly #out = createHmacScratch();
  readonly #in = createHmacScratch();
  readonly #code = new Uint8Array(macBytes);
  readonly #senders: Sender[] = [];
  readonly #last: Stamp = { seconds: 0, subseconds: 0, counter: 0 };
  readonly #packet: { bytes: Uint8Array; advertisement: Advertisement; source: AddressBytes };
  #keys = new Map<number, KeyedHash>();
  #keyId = 0;
  #hasSigned = false;

  /** @param keys At least one; the first signs. */
  constructor(keys: readonly PlannedKey[], wireIntervalMs: number, family: Family) {
    this.#wireIntervalMs = wireIntervalMs;
    const advertisement = createAdvertisement(family);
    this.#packet = { bytes: this.#code, advertisement, source: this.#code };
    this.setKeys(keys);
  }

  /** Takes other keys; who said what when is kept. */
  setKeys(keys: readonly PlannedKey[]): void {
    this.#keyId = keys[0]!.id;
    this.#keys = new Map(
      keys.map(({ id, secret }) => [id, new KeyedHash(Uint8Array.fromHex(secret), bytesMax)]),
    );
  }

  /** Stamps and senders, for another process to go on with. */
  carry(): CarriedSigner {
    const senders = this.#senders.map(({ address, window: { ticks, counter, atMs } }) => {
      return { address: [...address], ticks, counter, atMs };
    });
    return { stampBaseMs, senders };
  }

  /** Goes on where another process was: stamps must grow, whatever the wall clock did meanwhile. */
  adopt(carried: CarriedSigner): void {
    stampBaseMs = carried.stampBaseMs;
    for (const { address, ticks, counter, atMs } of carried.senders) {
      Object.assign(this.#windowOf(Uint8Array.from(address)), {
        isSet: true,
        ticks,
        counter,
        atMs,
      });
    }
  }

  /** True if something was signed since this was asked. */
  takeSigned(): boolean {
    const hasSigned = this.#hasSigned;
    this.#hasSigned = false;
    return hasSigned;
  }

  /** For the codec: the HMAC by one of the keys. */
  sign(keyId: number, data: Uint8Array, lengthBytes: number): Uint8Array | undefined {
    const key = this.#keys.get(keyId);
    key?.sign(data, lengthBytes, this.#code);
    return key === undefined ? undefined : this.#code;
  }

  /** Appends a trailer with a new stamp to an encoded message. @returns The whole length. */
  append(bytes: Uint8Array, advertisement: Advertisement, source: AddressBytes): number {
    this.#nextStamp();
    this.#hasSigned = true;
    const packet = this.#describe(bytes, advertisement, source);
    return appendHmac(packet, this.#out, { mac: this, keyId: this.#keyId });
  }

  /** Verifies the trailer of a decoded packet and whether it is new. */
  verify(
    bytes: Uint8Array,
    advertisement: Advertisement,
    { source, nowMs }: { readonly source: AddressBytes; readonly nowMs: number },
  ): AdvertisementResult {
    const packet = this.#describe(bytes, advertisement, source);
    const result = verifyHmac(packet, this.#in, this);
    if (result !== "accepted") return result;
    return judgeStamp(this.#windowOf(source), this.#in.stamp, nowMs);
  }

  #describe(bytes: Uint8Array, advertisement: Advertisement, source: AddressBytes) {
    const packet = this.#packet;
    packet.bytes = bytes;
    packet.advertisement = advertisement;
    packet.source = source;
    return packet;
  }

  #nextStamp(): void {
    const wallMs = stampBaseMs + monotonicMs();
    const { stamp } = this.#out;
    stamp.seconds = Math.floor(wallMs / 1000);
    stamp.subseconds = Math.floor((wallMs % 1000) * subsecondsPerMs);
    const last = this.#last;
    const isSame = stamp.seconds === last.seconds && stamp.subseconds === last.subseconds;
    stamp.counter = isSame ? last.counter + 1 : 0;
    last.seconds = stamp.seconds;
    last.subseconds = stamp.subseconds;
    last.counter = stamp.counter;
  }

  #windowOf(source: AddressBytes): StampWindow {
    for (const { address, window } of this.#senders)
      if (compareAddresses(address, source) === 0) return window;
    if (this.#senders.length === sendersMax) this.#forgetOldest();
    const window = createStampWindow(this.#wireIntervalMs);
    this.#senders.push({ address: source.slice(), window });
    return window;
  }

  #forgetOldest(): void {
    let oldest = 0;
    for (const [index, { window }] of this.#senders.entries()) {
      if (window.atMs < this.#senders[oldest]!.window.atMs) oldest = index;
    }
    this.#senders.splice(oldest, 1);
  }
}
