/**
 * Schema of `check = { … }`: every check of the product, also those this build does not have.
 *
 * Nothing here has a default: the settings of `[defaults]`, service and real server are laid over
 * each other first. Pure.
 *
 * @module
 */

import * as v from "valibot";

import {
  absolutePath,
  command,
  duration,
  filledList,
  flag,
  hostName,
  integer,
  printable,
  table,
  text,
  value,
  word,
} from "./value.ts";

/** Check types that are words; a number N stands for N connects, then one negotiate. */
export const checkTypes = [
  "connect",
  "negotiate",
  "ping",
  "external",
  "external-perl",
  "vip",
  "on",
  "off",
] as const;

/** What a negotiate check can speak, as ldirectord names it, and redis and udp. */
export const checkServices = [
  "http",
  "https",
  "http_proxy",
  "dns",
  "ftp",
  "imap",
  "imaps",
  "ldap",
  "ldaps",
  "mysql",
  "nntp",
  "none",
  "oracle",
  "pgsql",
  "pop",
  "pops",
  "radius",
  "redis",
  "simpletcp",
  "sip",
  "smtp",
  "submission",
  "udp",
] as const;

/** Highest N of `type = N`, and of `rise` and `fall`. */
export const countMax = 1000;

const typeWords = new Map<unknown, (typeof checkTypes)[number]>(
  checkTypes.map((type) => [type, type]),
);

const checkType = value<(typeof checkTypes)[number] | number>(
  `a check type: ${checkTypes.map((type) => `"${type}"`).join(", ")}, or a number 1..${countMax}`,
  (input) => {
    const isCount = typeof input === "number" && Number.isInteger(input);
    return isCount && input >= 1 && input <= countMax ? input : typeWords.get(input);
  },
);

const statusRange = value<readonly [number, number]>(
  'a status 100..599 or a range such as "200-299"',
  (input) => {
    if (typeof input !== "string" && typeof input !== "number") return undefined;
    const match = /^(\d{3})(?:-(\d{3}))?$/.exec(String(input));
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    return first >= 100 && first <= last && last <= 599 ? [first, last] : undefined;
  },
);

const virtualHost = text('a Host header such as "www.example.com"', (input) =>
  /^[\x21-\x7e]{1,255}$/.test(input) ? input : undefined,
);

const request = text("a request of 1 to 4096 characters without NUL", (input) =>
  input !== "" && input.length <= 4096 && !input.includes("\0") ? input : undefined,
);

const receive = text("a pattern that is not empty", (input) => (input === "" ? undefined : input));

/** The table `check`, of `[defaults]`, a virtual service or a real server. */
export const checkTable = table({
  type: v.optional(checkType),
  service: v.optional(word(checkServices)),
  request: v.optional(request),
  receive: v.optional(receive),
  method: v.optional(word(["GET", "HEAD"])),
  virtual_host: v.optional(virtualHost),
  statuses: v.optional(filledList(statusRange, 'a list of statuses such as ["200-299", 301]')),
  redirects: v.optional(integer("a number of redirects", 0, 10)),
  verify: v.optional(flag),
  ca_file: v.optional(absolutePath),
  server_name: v.optional(hostName),
  command: v.optional(command),
  port: v.optional(integer("a port", 1, 65535)),
  interval: v.optional(duration(10, 86_400_000)),
  timeout: v.optional(duration(1, 3_600_000)),
  rise: v.optional(integer("a number of successes", 1, countMax)),
  fall: v.optional(integer("a number of failures", 1, countMax)),
  fast_interval: v.optional(duration(10, 86_400_000)),
  connects_per_negotiate: v.optional(integer("a number of connects", 0, countMax)),
  login: v.optional(printable("a login", 256)),
  password: v.optional(printable("a password", 256)),
  database: v.optional(printable("a database", 256)),
  secret: v.optional(printable("a secret", 256)),
});

/** What `check` says, durations in ms. */
export type CheckTable = v.InferOutput<typeof checkTable>;
