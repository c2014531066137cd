/**
 * Messages of LDAP (RFC 4511) that a check sends and understands: bind, search for one entry,
 * unbind; results and entries. BER as LDAP restricts it (section 5.1): definite lengths only. Pure.
 *
 * @module
 */

/** Tags of what a check needs (RFC 4511, appendix B; X.690). */
const tags = {
  boolean: 0x01,
  integer: 0x02,
  octets: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  bindRequest: 0x60,
  bindResponse: 0x61,
  unbindRequest: 0x42,
  searchRequest: 0x63,
  searchEntry: 0x64,
  searchDone: 0x65,
  extendedResponse: 0x78,
  /** Simple authentication, of a bind. */
  simple: 0x80,
  /** A filter that asks whether an attribute is there. */
  present: 0x87,
} as const;

const version = 3;
/** Asks for no attribute (RFC 4511, section 4.5.1.8). */
const noAttributes = "1.1";
/** Entries wanted at most: a second one shows that there is more than one. */
const sizeLimit = 2;

/** Bytes that announce the length of a value, above which nobody's message goes. */
const lengthBytesMax = 4;

function lengthOctets(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  return Uint8Array.of(0x82, length >> 8, length & 0xff);
}

/** Tag, length, value. Values are those of the configuration, far below 64 KiB. */
function tlv(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)),
  );
  return Buffer.concat([Uint8Array.of(tag), lengthOctets(value.length), value]);
}

function number(tag: number, value: number): Buffer {
  return tlv(tag, Uint8Array.of(value));
}

function message(id: number, operation: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(tlv(tags.sequence, number(tags.integer, id), operation));
}

/** Binds to a name by its password; both empty: anonymously (RFC 4511, section 4.2). */
export function encodeBind(id: number, name: string, password: string): Uint8Array<ArrayBuffer> {
  const simple = tlv(tags.simple, password);
  const parts = [number(tags.integer, version), tlv(tags.octets, name), simple];
  return message(id, tlv(tags.bindRequest, ...parts));
}

/** Searches for the entry `base` alone, whatever it is (RFC 4511, section 4.5.1). */
export function encodeSearch(id: number, base: string): Uint8Array<ArrayBuffer> {
  const operation = tlv(
    tags.searchRequest,
    tlv(tags.octets, base),
    // Scope: the base object. Aliases: followed by nobody.
    number(tags.enumerated, 0),
    number(tags.enumerated, 0),
    number(tags.integer, sizeLimit),
    // No limit of time but the check's own.
    number(tags.integer, 0),
    number(tags.boolean, 0),
    tlv(tags.present, "objectClass"),
    tlv(tags.sequence, tlv(tags.octets, noAttributes)),
  );
  return message(id, operation);
}

/** Ends a session (RFC 4511, section 4.3). */
export function encodeUnbind(id: number): Uint8Array<ArrayBuffer> {
  return message(id, tlv(tags.unbindRequest));
}

/** What a server said. */
export type LdapMessage =
  | {
      readonly type: "bind" | "search" | "notice";
      /** 0 is success (RFC 4511, appendix A). */
      readonly code: number;
      readonly text: string;
    }
  | { readonly type: "entry"; readonly name: string }
  /** Something that is well formed and says nothing to a check. */
  | { readonly type: "other" };

interface Tlv {
  readonly tag: number;
  readonly value: Uint8Array;
}

/** Where the value after a tag starts and how long it is; undefined: cut off; NaN: no length. */
function readLength(bytes: Uint8Array): { start: number; length: number } | undefined {
  const first = bytes[1];
  if (first === undefined) return undefined;
  if (first < 0x80) return { start: 2, length: first };
  const lengthBytes = first - 0x80;
  if (lengthBytes === 0 || lengthBytes > lengthBytesMax) return { start: 2, length: NaN };
  const start = 2 + lengthBytes;
  if (bytes.length < start) return undefined;
  let length = 0;
  for (const byte of bytes.subarray(2, start)) length = length * 256 + byte;
  return { start, length };
}

/**
 * Bytes of the first message, its header included; undefined: more are needed to know it. NaN: it
 * is no message.
 */
export function messageBytes(bytes: Uint8Array): number | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] !== tags.sequence) return NaN;
  const read = readLength(bytes);
  return read && read.start + read.length;
}

/** The values that stand one after another; undefined: they are not whole. */
function readAll(bytes: Uint8Array): readonly Tlv[] | undefined {
  const found: Tlv[] = [];
  let rest = bytes;
  while (rest.length > 0) {
    const read = readLength(rest);
    if (read === undefined) return undefined;
    const end = read.start + read.length;
    // Also false for a length that is none.
    if (!(end <= rest.length)) return undefined;
    found.push({ tag: rest[0]!, value: rest.subarray(read.start, end) });
    rest = rest.subarray(end);
  }
  return found;
}

function textOf({ value }: Tlv): string {
  return Buffer.from(value).toString();
}

/** A result (RFC 4511, section 4.1.9); undefined: it is none. */
function readResult(type: "bind" | "search" | "notice", bytes: Uint8Array) {
  const [code, matched, text] = readAll(bytes) ?? [];
  if (code?.tag !== tags.enumerated || code.value.length !== 1) return undefined;
  if (matched?.tag !== tags.octets || text?.tag !== tags.octets) return undefined;
  return { type, code: code.value[0]!, text: textOf(text) };
}

function readEntry(bytes: Uint8Array): LdapMessage | undefined {
  const [name] = readAll(bytes) ?? [];
  return name?.tag === tags.octets ? { type: "entry", name: textOf(name) } : undefined;
}

/** Decodes one whole message; undefined: it is none. */
export function decodeMessage(bytes: Uint8Array): LdapMessage | undefined {
  const [whole] = readAll(bytes) ?? [];
  if (whole?.tag !== tags.sequence) return undefined;
  const [id, operation] = readAll(whole.value) ?? [];
  if (id?.tag !== tags.integer || operation === undefined) return undefined;
  const { tag, value } = operation;
  switch (tag) {
    case tags.bindResponse:
      return readResult("bind", value);
    case tags.searchDone:
      return readResult("search", value);
    case tags.extendedResponse:
      return readResult("notice", value);
    case tags.searchEntry:
      return readEntry(value);
    default:
      return { type: "other" };
  }
}
