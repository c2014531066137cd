/**
 * Packets of any shape for the balancer: well-formed ones of and around its services, and the same
 * with bytes, lengths and checksums that are wrong, or right again.
 *
 * @module
 */
import { internetChecksum } from "../../src/net/checksum.ts";
import { etherBytes, icmpError, ipPacket } from "./ip-packet.ts";

/** Addresses and ports that packets are made of. */
export interface PacketWorld {
  readonly addresses4: readonly string[];
  readonly addresses6: readonly string[];
  readonly ports: readonly number[];
}

/** Numbers that depend on a seed alone (xorshift32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e37_79b9) >>> 0 || 1;
  }

  /** 0..max-1. */
  roll(max: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % max;
  }

  /** True once in `turns`. */
  isRare(turns: number): boolean {
    return this.roll(turns) === 0;
  }

  /** One of them. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.roll(items.length)]!;
  }
}

const sizes = [0, 1, 7, 40, 500, 601, 1400, 1460, 1500];
const flagSets = [2, 16, 18, 17, 4, 20, 0, 255];
const fragments = [0x2000, 1, 60, 0x2001, 0x1fff, 0x4000, 0x4000, 0x4000];

/** A packet without a fault. */
function soundPacket(dice: Dice, world: PacketWorld): Uint8Array<ArrayBuffer> {
  const addresses = dice.isRare(2) ? world.addresses4 : world.addresses6;
  const plain = ipPacket({
    from: dice.pick(addresses),
    to: dice.pick(addresses),
    fromPort: dice.pick(world.ports),
    toPort: dice.pick(world.ports),
    protocol: dice.isRare(3) ? "udp" : "tcp",
    flags: dice.pick(flagSets),
    ttl: dice.isRare(9) ? dice.roll(3) : 64,
    payloadBytes: dice.pick(sizes),
    id: dice.roll(4),
    ...(dice.isRare(9) ? { optionBytes: 4 * (1 + dice.roll(10)) } : {}),
    ...(dice.isRare(3) ? { fragment: dice.pick(fragments) } : {}),
  });
  if (!dice.isRare(4)) return plain;
  return icmpError(dice.pick(addresses), dice.pick(addresses), plain);
}

/** Puts right what checksums a packet of IPv4 or ICMP in it has, as far as its lengths allow. */
function repair(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ip = etherBytes;
  const head = (bytes[ip]! & 15) * 4;
  if (bytes[ip]! >> 4 !== 4 || head < 20 || ip + head > bytes.length) return;
  view.setUint16(ip + 2, bytes.length - ip);
  view.setUint16(ip + 10, 0);
  view.setUint16(ip + 10, internetChecksum(bytes.subarray(ip, ip + head)));
  const body = bytes.subarray(ip + head);
  if (bytes[ip + 9] !== 1 || body.length < 8) return;
  view.setUint16(ip + head + 2, 0);
  view.setUint16(ip + head + 2, internetChecksum(body));
}

/** A packet of any shape; the kernel takes none without the header that its type promises. */
export function anyPacket(dice: Dice, world: PacketWorld): Uint8Array<ArrayBuffer> {
  const packet = soundPacket(dice, world);
  if (dice.isRare(2)) return packet;
  const promised = etherBytes + (packet[12] === 0x86 ? 40 : 20);
  const kept = dice.isRare(3) ? promised + dice.roll(packet.length - promised + 1) : packet.length;
  const bytes = packet.slice(0, kept);
  for (let count = dice.roll(4); count > 0; count--) {
    // Mostly in the headers.
    const at = etherBytes + dice.roll(Math.min(dice.isRare(4) ? 2000 : 60, kept - etherBytes));
    bytes[at] = dice.isRare(2) ? dice.roll(256) : bytes[at]! ^ (1 << dice.roll(8));
  }
  if (dice.isRare(2)) repair(bytes);
  return bytes;
}
