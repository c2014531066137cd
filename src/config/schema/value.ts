/**
 * Values of the configuration file: text and numbers to what the model holds.
 *
 * The message of every schema here is a phrase for "Expected …", not a sentence; the value found
 * is added where the issue is told. Pure.
 *
 * @module
 */

import * as v from "valibot";

import type { ListenAddress, Server } from "../../model/index.ts";
import { canonicalAddress, parseEndpoint, parseNetwork } from "../../net/address.ts";
import type { Endpoint, Network } from "../../net/address.ts";
import { isTable } from "../document.ts";
import type { Table } from "../document.ts";
import { durationMsMax, formatDuration, parseDuration } from "../duration.ts";
import { suggestNote } from "../suggest.ts";

/** Schema of any one value: `convert` returns undefined for what is not `expected`. */
export function value<T>(expected: string, convert: (input: unknown) => T | undefined) {
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const output = convert(dataset.value);
      if (output !== undefined) return output;
      addIssue({ message: expected });
      return NEVER;
    }),
  );
}

/** Schema of a text that `parse` understands. */
export function text<T>(expected: string, parse: (input: string) => T | undefined) {
  return value(expected, (input) => (typeof input === "string" ? parse(input) : undefined));
}

/**
 * Schema of a table: each unknown key is an issue, so that a misspelt one does not leave the
 * operator with a default. (`strictObject` would tell of the first one only.)
 */
export function table<const T extends v.ObjectEntries>(
  entries: T,
): v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<T, undefined>>> {
  const known = Object.keys(entries);
  const plain = v.pipe(
    v.custom<Table>(isTable, "a table"),
    v.object(entries, ({ expected }) => `the key ${expected}`),
  );
  return v.lazy((input) => {
    if (!isTable(input)) return plain;
    const unknown = Object.keys(input).filter((key) => !Object.hasOwn(entries, key));
    return unknown.length === 0 ? plain : v.pipe(plain, refuseKeys(input, unknown, known));
  });
}

function refuseKeys<T>(input: Table, unknown: readonly string[], known: readonly string[]) {
  return v.rawCheck<T>(({ addIssue }) => {
    for (const key of unknown) {
      const item = { type: "object", origin: "key", input, key, value: input[key] } as const;
      addIssue({ message: knownKey(key, known), input: key, path: [{ ...item }] });
    }
  });
}

/** Tables with no more keys than this name them all when one is unknown. */
const keysNamedMax = 8;

/** Phrase for a key that is not one of `known`. */
export function knownKey(key: string, known: readonly string[]): string {
  const note = suggestNote(key, known);
  if (note !== undefined) return `a known key (${note})`;
  return known.length <= keysNamedMax ? `one of the keys ${alternatives(known)}` : "a known key";
}

/** Schema of a list of `item`s. */
export function list<const T extends v.GenericSchema>(item: T, expected: string, lengthMax = 4096) {
  return v.pipe(
    v.array(item, expected),
    v.maxLength(lengthMax, `${expected} of at most ${lengthMax}`),
  );
}

/** Schema of a list that has something in it. */
export function filledList<const T extends v.GenericSchema>(item: T, expected: string) {
  return v.pipe(list(item, expected), v.minLength(1, expected));
}

/** Schema of `true` or `false`. */
export const flag = v.boolean("true or false");

/** Schema of a whole number in a range, both ends included. */
export function integer(what: string, min: number, max: number) {
  return value(`${what} ${min}..${max}`, (input) =>
    typeof input === "number" && Number.isInteger(input) && input >= min && input <= max
      ? input
      : undefined,
  );
}

/** Schema of one of some words. */
export function word<const T extends readonly string[]>(words: T) {
  return v.picklist(words, alternatives(words));
}

/** `"a", "b" or "c"`. */
export function alternatives(words: readonly string[]): string {
  const quoted = words.map((one) => `"${one}"`);
  if (quoted.length === 1) return quoted[0]!;
  return `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}

/** Schema of a duration in a range, both ends included; gives milliseconds. */
export function duration(minMs: number, maxMs: number = durationMsMax) {
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  const expected = `a duration of ${range}, such as "10s"`;
  return text(expected, (input) => {
    const durationMs = parseDuration(input);
    return durationMs !== undefined && durationMs >= minMs && durationMs <= maxMs
      ? durationMs
      : undefined;
  });
}

/** Schema of a duration in a range, or `"off"`, which gives 0. */
export function durationOrOff(minMs: number, maxMs: number) {
  const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return text(`"off" or a duration of ${range}, such as "10s"`, (input) => {
    const durationMs = input === "off" ? 0 : parseDuration(input);
    if (durationMs === 0) return 0;
    return durationMs !== undefined && durationMs >= minMs && durationMs <= maxMs
      ? durationMs
      : undefined;
  });
}

/** Schema of a text of 1 to `max` characters without controls. */
export function printable(what: string, max: number) {
  return text(`${what} of 1 to ${max} printable characters`, (input) =>
    input !== "" && input.length <= max && !/\p{C}/u.test(input) ? input : undefined,
  );
}

/** Schema of an identity: fit for a log line, a metric label and an argument without quotes. */
export const name = text(
  "a name of 1 to 128 characters without blanks, quotes and backslashes",
  (input) => (/^[^\s"'`\\\p{C}]{1,128}$/u.test(input) ? input : undefined),
);

/** Schema of an IP address; gives its canonical text. */
export const address = text('an IP address such as "192.0.2.1" or "2001:db8::1"', canonicalAddress);

/** Schema of an IP address with a port 1..65535. */
export const endpoint = text<Endpoint>(
  'an address and port such as "192.0.2.1:80" or "[2001:db8::1]:80"',
  (input) => {
    const parsed = parseEndpoint(input);
    return parsed === undefined || parsed.port === 0 ? undefined : parsed;
  },
);

/** Schema of a network, or of one address. */
export const network = text<Network>(
  'a network such as "192.0.2.0/24" or an address such as "192.0.2.1"',
  parseNetwork,
);

/** Schema of an address and port, or ports: `a:8000-8010`. Port 0 stands for all ports. */
export const listenAddress = text<ListenAddress>(
  'an address and port such as "192.0.2.1:80", "192.0.2.1:8000-8010" or "[2001:db8::1]:80"',
  (input) => {
    const match = /^(.*:)(\d{1,5})(?:-(\d{1,5}))?$/.exec(input);
    if (match === null) return undefined;
    const first = parseEndpoint(match[1]! + match[2]!);
    if (first === undefined) return undefined;
    if (match[3] === undefined) return listen(first, first.port);
    const portLast = Number(match[3]);
    const isRange = first.port > 0 && portLast >= first.port && portLast <= 65535;
    return isRange ? listen(first, portLast) : undefined;
  },
);

function listen({ address: host, port }: Endpoint, portLast: number): ListenAddress {
  return { address: host, portFirst: port, portLast };
}

/** Where a real server is; `port` undefined: the one of its service. */
export interface ServerText {
  readonly host: Server["host"];
  readonly port: number | undefined;
}

/** Schema of `address:port`, `name:port`, or without the port. */
export const server = text<ServerText>(
  'a server such as "192.0.2.11:80", "[2001:db8::11]:80" or "web1.example.com:80"',
  (input) => {
    const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(input);
    if (match === null) {
      const bare = hostOf(input);
      return bare === undefined ? undefined : { host: bare, port: undefined };
    }
    const host = hostOf(match[1] ?? match[2]!);
    const port = Number(match[3]);
    const isPort = port >= 1 && port <= 65535;
    // Brackets belong to IPv6 and only to it.
    const isBracketed = match[1] !== undefined;
    if (host === undefined || !isPort || host.includes(":") !== isBracketed) return undefined;
    return { host, port };
  },
);

/** Canonical address or lower-case name; undefined if `input` is neither, or no one's address. */
function hostOf(input: string): string | undefined {
  const canonical = canonicalAddress(input);
  if (canonical !== undefined) {
    return canonical === "0.0.0.0" || canonical === "::" ? undefined : canonical;
  }
  return isHostName(input) ? input.toLowerCase() : undefined;
}

/** A DNS name (RFC 1123, section 2.1, and `_`); its last label has a letter, unlike an address. */
export function isHostName(input: string): boolean {
  if (input.length > 253) return false;
  const labels = input.split(".");
  const areLabels = labels.every((label) =>
    /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label),
  );
  return areLabels && /[a-z]/i.test(labels.at(-1)!);
}

/** Schema of a DNS name. */
export const hostName = text('a host name such as "web1.example.com"', (input) =>
  isHostName(input) ? input.toLowerCase() : undefined,
);

/** Schema of the absolute path of a file. */
export const absolutePath = text('an absolute path such as "/etc/appliance/token"', (input) =>
  isAbsolutePath(input) ? input : undefined,
);

function isAbsolutePath(input: string): boolean {
  return (
    input.startsWith("/") && input.length > 1 && input.length <= 4096 && !/\p{Cc}/u.test(input)
  );
}

/** Schema of a program, alone or in a list with its arguments; no shell reads it. */
export const command = value<readonly string[]>(
  'the absolute path of a program, or a list of it and its arguments such as ["/bin/ok", "-v"]',
  (input) => {
    const words: unknown = typeof input === "string" ? [input] : input;
    if (!Array.isArray(words) || words.length > 256) return undefined;
    const isText = (one: unknown): one is string =>
      typeof one === "string" && one.length <= 4096 && !one.includes("\0");
    if (!words.every(isText) || words.length === 0 || !isAbsolutePath(words[0]!)) return undefined;
    // A blank in a lone text is nearly always a forgotten list.
    return typeof input === "string" && /\s/.test(input) ? undefined : words;
  },
);
