/**
 * What is malformed about a packet: lengths, checksums, packets within packets. Shares no code with
 * what the product or other tests compute checksums with.
 *
 * @module
 */

const etherBytes = 14;
const icmpErrors4 = new Set([3, 11, 12]);
const icmpErrors6 = new Set([1, 2, 3, 4]);

/** True if the words of all parts add up to 0xffff: a right checksum is among them. */
function addsUp(...parts: readonly Uint8Array[]): boolean {
  let sum = 0;
  for (const part of parts) {
    for (const [at, byte] of part.entries()) sum += at % 2 === 0 ? byte * 256 : byte;
  }
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum === 0xffff;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

interface Transport {
  readonly protocol: number;
  /** Both addresses, one after the other. */
  readonly addresses: Uint8Array;
  readonly body: Uint8Array;
}

function transportFaults({ protocol, addresses, body }: Transport): string[] {
  const pseudo = Uint8Array.of(0, protocol, body.length >> 8, body.length & 255);
  const isRight = addsUp(addresses, pseudo, body);
  switch (protocol) {
    case 6:
      if (body.length < 20) return ["TCP is cut off"];
      return isRight ? [] : ["TCP checksum"];
    case 17: {
      if (body.length < 8) return ["UDP is cut off"];
      if (word(body, 4) !== body.length) return ["UDP length"];
      const hasNone = word(body, 6) === 0 && addresses.length === 8;
      return isRight || hasNone ? [] : ["UDP checksum"];
    }
    case 1:
      if (!addsUp(body)) return ["ICMP checksum"];
      return icmpErrors4.has(body[0]!) && body.length < 36 ? ["ICMP quotes too little"] : [];
    case 58:
      if (!isRight) return ["ICMPv6 checksum"];
      return icmpErrors6.has(body[0]!) && body.length < 56 ? ["ICMPv6 quotes too little"] : [];
    case 4:
      return faultsOfIp(4, body);
    case 41:
      return faultsOfIp(6, body);
    default:
      return [];
  }
}

function faultsOfIp4(bytes: Uint8Array): string[] {
  const head = (bytes[0]! % 16) * 4;
  if (bytes.length < 20 || head < 20 || bytes.length < head) return ["IPv4 header is cut off"];
  const total = word(bytes, 2);
  if (total < head || total > bytes.length) return ["IPv4 length"];
  const faults = addsUp(bytes.subarray(0, head)) ? [] : ["IPv4 checksum"];
  // A fragment has a part of a checksum only.
  if ((word(bytes, 6) & 0x3fff) !== 0) return faults;
  const [protocol, addresses] = [bytes[9]!, bytes.subarray(12, 20)];
  return [
    ...faults,
    ...transportFaults({ protocol, addresses, body: bytes.subarray(head, total) }),
  ];
}

function faultsOfIp6(bytes: Uint8Array): string[] {
  if (bytes.length < 40) return ["IPv6 header is cut off"];
  const total = 40 + word(bytes, 4);
  if (total > bytes.length) return ["IPv6 length"];
  const [protocol, addresses] = [bytes[6]!, bytes.subarray(8, 40)];
  return transportFaults({ protocol, addresses, body: bytes.subarray(40, total) });
}

function faultsOfIp(version: 4 | 6, bytes: Uint8Array): string[] {
  if (bytes.length === 0 || bytes[0]! >> 4 !== version) return [`it is not IPv${version}`];
  return version === 4 ? faultsOfIp4(bytes) : faultsOfIp6(bytes);
}

/** Everything malformed about a packet of IP behind an Ethernet header; empty: nothing. */
export function packetFaults(bytes: Uint8Array): string[] {
  // TEST_RUN leaves the type of the first header where a tunnel has brought in another family.
  return faultsOfIp(bytes[etherBytes]! >> 4 === 6 ? 6 : 4, bytes.subarray(etherBytes));
}
