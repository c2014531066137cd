/**
 * IP addresses, endpoints and networks: text at the edge, bytes inside.
 *
 * Text is canonical everywhere in the program: dotted quad for IPv4, RFC 5952 for IPv6, so that
 * two texts are the same address exactly when they are equal. Pure.
 *
 * @module
 */

/** Address family as a number of the protocol, not the kernel's AF_ constant. */
export type Family = 4 | 6;

/** An IP address: 4 or 16 bytes in network order. */
export type AddressBytes = Uint8Array;

/** Address (canonical text) and port 0..65535. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A network in CIDR form; `prefixBits` 0..32 or 0..128. */
export interface Network {
  readonly address: string;
  readonly prefixBits: number;
}

const ipv4Pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/**
 * Bytes of an IPv4 address in dotted-quad form; undefined if `text` is none. Leading zeros are
 * refused: they read as octal elsewhere.
 */
export function parseIpv4(text: string): AddressBytes | undefined {
  const match = ipv4Pattern.exec(text);
  if (match === null) return undefined;
  const bytes = new Uint8Array(4);
  for (let index = 0; index < 4; index++) {
    const part = match[index + 1]!;
    if (part.length > 1 && part.startsWith("0")) return undefined;
    const value = Number(part);
    if (value > 255) return undefined;
    bytes[index] = value;
  }
  return bytes;
}

/** 16-bit groups of a part of an IPv6 address between `::`; the last may be a dotted quad. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes(".")) {
      const quad = parseIpv4(part);
      if (quad === undefined) return undefined;
      groups.push((quad[0]! << 8) | quad[1]!, (quad[2]! << 8) | quad[3]!);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** Bytes of an IPv6 address (RFC 4291, section 2.2; no zone); undefined if `text` is none. */
export function parseIpv6(text: string): AddressBytes | undefined {
  if (!text.includes(":") || text.length > 45) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0]!);
  const tail = halves.length === 2 ? parseGroups(halves[1]!) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  const bytes = new Uint8Array(16);
  for (const [index, group] of groups.entries()) {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  }
  return bytes;
}

/** Bytes of an IPv4 or IPv6 address; undefined if `text` is neither. */
export function parseAddress(text: string): AddressBytes | undefined {
  return parseIpv4(text) ?? parseIpv6(text);
}

/** Canonical text of an address (RFC 5952 for IPv6). */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[i * 2]! << 8) | bytes[i * 2 + 1]!);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `::ffff:${formatAddress(bytes.subarray(12))}`;
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart === -1) return hex.join(":");
  return `${hex.slice(0, bestStart).join(":")}::${hex.slice(bestStart + bestLength).join(":")}`;
}

/** The same address in canonical text; undefined if `text` is no address. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text);
  return bytes === undefined ? undefined : formatAddress(bytes);
}

/** Family of an address in text form, which must be valid. */
export function familyOf(address: string): Family {
  return address.includes(":") ? 6 : 4;
}

/** True for the address that stands for all of a host's, in its canonical text. */
export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** `192.0.2.1:80` or `[2001:db8::1]:80`. */
export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Splits `host:port`, `[v6]:port`; the host may be a name, in brackets only IPv6. Undefined if
 * there is no port 0..65535.
 */
export function splitHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^[\]]*:[^[\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port > 65535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}

/** Endpoint with a canonical address; undefined if `text` is not `address:port`. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const split = splitHostPort(text);
  if (split === undefined) return undefined;
  const bytes = parseAddress(split.host);
  if (bytes === undefined) return undefined;
  // Brackets belong to IPv6 and only to it.
  if ((bytes.length === 16) !== text.startsWith("[")) return undefined;
  return { address: formatAddress(bytes), port: split.port };
}

/** Address without the bits after `prefixBits`, as new bytes. */
export function maskAddress(bytes: AddressBytes, prefixBits: number): AddressBytes {
  const masked = Uint8Array.from(bytes);
  for (let index = 0; index < masked.length; index++) {
    const keepBits = Math.min(8, Math.max(0, prefixBits - index * 8));
    masked[index] = masked[index]! & (0xff << (8 - keepBits));
  }
  return masked;
}

/** `address` or `address/prefix`; undefined if it is neither. Host bits are cleared. */
export function parseNetwork(text: string): Network | undefined {
  const [addressText, prefixText, ...rest] = text.split("/");
  const bytes = parseAddress(addressText!);
  if (bytes === undefined || rest.length > 0) return undefined;
  const bitsMax = bytes.length * 8;
  if (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText)) return undefined;
  const prefixBits = prefixText === undefined ? bitsMax : Number(prefixText);
  if (prefixBits > bitsMax) return undefined;
  return { address: formatAddress(maskAddress(bytes, prefixBits)), prefixBits };
}

/** `192.0.2.0/24`; a single host without its prefix. */
export function formatNetwork({ address, prefixBits }: Network): string {
  return prefixBits === (familyOf(address) === 4 ? 32 : 128) ? address : `${address}/${prefixBits}`;
}

/** 32 bits of an address, unsigned: IPv4 in host order, IPv6 the exclusive or of its four words. */
export function foldAddress(bytes: AddressBytes): number {
  let word = 0;
  for (let index = 0; index < bytes.length; index += 4) {
    word ^=
      (bytes[index]! << 24) |
      (bytes[index + 1]! << 16) |
      (bytes[index + 2]! << 8) |
      bytes[index + 3]!;
  }
  return word >>> 0;
}
