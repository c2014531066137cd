/**
 * What is said to servers that speak in lines: SMTP (RFC 5321), POP3 (RFC 1939), IMAP (RFC 9051),
 * NNTP (RFC 3977), Redis (RESP 2). Pure.
 *
 * @module
 */

import type { MailboxCheckSpec, RedisCheckSpec } from "../model/index.ts";
import type { Script } from "./dialogue.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** A numbered reply, its last line kept. */
export interface Reply {
  readonly code: number;
  readonly line: string;
}

/** What stands for a password that a server repeats in its answer. */
const masked = "********";

/** A line as it may be shown: a server may repeat what it was told, also a password. */
function shown(line: string, secret: string | undefined): string {
  if (secret === undefined || secret === "") return line;
  return line.replaceAll(escapeQuoted(secret), masked).replaceAll(secret, masked);
}

/** The real server refused `what`. `secret` is masked. */
export function refusal(what: string, line: string, secret?: string): Failure {
  return {
    reason: "bad-status",
    detail: printable(`${what} answered by "${shown(line, secret)}"`),
  };
}

/** The real server speaks something else. `secret` is masked. */
export function gibberish(protocol: string, line: string, secret?: string): Failure {
  return { reason: "bad-answer", detail: printable(`not ${protocol}: "${shown(line, secret)}"`) };
}

/** Sends a command and takes a numbered reply of one or more lines; undefined: it is none. */
export function* takeReply(command: string): Generator<string, Reply | undefined, string> {
  let line = yield command;
  const match = /^([1-5]\d\d)([ -]|$)/.exec(line);
  if (match === null) return undefined;
  const code = match[1]!;
  // Lines between may be anything (RFC 959, section 4.2); the bound of the dialogue ends them.
  while (match[2] === "-" && line !== code && !line.startsWith(`${code} `)) line = yield "";
  return { code: Number(code), line };
}

/** SMTP: the banner, then EHLO, or HELO for a server that knows no other. */
export function* smtpScript(ownName: string): Script {
  const banner = yield* takeReply("");
  if (banner === undefined) return gibberish("SMTP", "an unnumbered greeting");
  if (banner.code !== 220) return refusal("connection", banner.line);
  const extended = yield* takeReply(`EHLO ${ownName}\r\n`);
  if (extended?.code === 250) return undefined;
  const plain = yield* takeReply(`HELO ${ownName}\r\n`);
  if (plain?.code === 250) return undefined;
  return plain === undefined ? gibberish("SMTP", "") : refusal("HELO", plain.line);
}

/** NNTP: a banner that starts with 2. */
export function* nntpScript(): Script {
  const line = yield "";
  if (!/^[1-5]\d\d( |$)/.test(line)) return gibberish("NNTP", line);
  return line.startsWith("2") ? undefined : refusal("connection", line);
}

type Login = Pick<MailboxCheckSpec, "login" | "password">;

/** POP3: the greeting, then the login if there is one. */
export function* popScript({ login, password }: Login): Script {
  const steps = [["connection", ""]];
  if (login !== undefined) {
    steps.push(["USER", `USER ${login}\r\n`], ["the login", `PASS ${password}\r\n`]);
  }
  for (const [what, command] of steps) {
    const line = yield command!;
    if (line.startsWith("-ERR")) return refusal(what!, line, password);
    if (!/^\+OK(?: |$)/.test(line)) return gibberish("POP3", line, password);
  }
  return undefined;
}

/** Inside of a quoted string of IMAP. */
function escapeQuoted(text: string): string {
  return text.replace(/["\\]/g, String.raw`\$&`);
}

/** IMAP: the greeting, then LOGIN if there is one. */
export function* imapScript({ login, password }: Login): Script {
  const greeting = yield "";
  if (/^\* BYE/i.test(greeting)) return refusal("connection", greeting, password);
  if (!/^\* (?:OK|PREAUTH)/i.test(greeting)) return gibberish("IMAP", greeting, password);
  if (login === undefined) return undefined;
  let line = yield `a1 LOGIN "${escapeQuoted(login)}" "${escapeQuoted(password ?? "")}"\r\n`;
  // Untagged lines tell of capabilities and alerts.
  while (line.startsWith("* ") && !/^\* BYE/i.test(line)) line = yield "";
  if (/^a1 OK(?: |$)/i.test(line)) return undefined;
  if (/^(?:a1 (?:NO|BAD)|\* BYE)/i.test(line)) return refusal("the login", line, password);
  return gibberish("IMAP", line, password);
}

/** A Redis command, as an array of bulk strings, so that blanks need no quotes. */
function redisCommand(...words: readonly string[]): string {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulk.join("")}`;
}

/** Redis: AUTH if there is a password, then PING. */
export function* redisScript({ login, password }: Omit<RedisCheckSpec, "service">): Script {
  if (password !== undefined) {
    const words = login === undefined ? [password] : [login, password];
    const line = yield redisCommand("AUTH", ...words);
    if (line.startsWith("-")) return refusal("the login", line, password);
    if (line !== "+OK") return gibberish("Redis", line, password);
  }
  const line = yield redisCommand("PING");
  if (line.startsWith("-")) return refusal("PING", line, password);
  return line === "+PONG" ? undefined : gibberish("Redis", line, password);
}
