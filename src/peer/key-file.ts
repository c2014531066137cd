/**
 * Key files: one key a line, `[ID] SECRET`, the secret 32 to 64 bytes; two lines while keys rotate.
 *
 * Blank lines and lines that start with `#` are skipped. The first key signs, all are accepted.
 * Others must not be able to read the file.
 *
 * @module
 */

import { readFileSync, statSync } from "node:fs";

import { ApplianceError } from "../errors/index.ts";
import { keyTextOfAuthkeys } from "./authkeys.ts";
import type { PeerKey } from "./mac.ts";

/** The one in use and the next. */
const keysMax = 2;
/** A longer file is not a key file. */
const fileBytesMax = 64 * 1024;
const secretBytesMin = 32;
const secretBytesMax = 64;
/** Printable, so that a key can be copied by hand; no blank, which divides ID and secret. */
const secretPattern = /^[\x21-\x7e]+$/;

/** Why a key file cannot be used; `line` from 1 where one is at fault. */
export interface KeyFileProblem {
  readonly code: KeyFileProblemCode;
  readonly line?: number;
}

/**
 * - `unreadable`, `no-file`, `open-to-others`, `too-long`: of the file.
 * - `no-key`, `too-many-keys`, `same-key`: of its keys together.
 * - `bad-line`: more than ID and secret. `bad-secret`: its length or characters.
 */
export type KeyFileProblemCode =
  | "unreadable"
  | "no-file"
  | "open-to-others"
  | "too-long"
  | "no-key"
  | "too-many-keys"
  | "same-key"
  | "bad-line"
  | "bad-secret";

/** Keys, or why there are none. */
export type KeyFileResult =
  | { readonly ok: true; readonly keys: readonly PeerKey[] }
  | { readonly ok: false; readonly problem: KeyFileProblem };

const sayings: Readonly<Record<KeyFileProblemCode, string>> = {
  unreadable: "it cannot be read",
  "no-file": "it is no regular file",
  "open-to-others": "others can read or change it; chmod o= it",
  "too-long": "it is too long for some keys",
  "no-key": "it holds no key",
  "too-many-keys": `it holds more than ${keysMax} keys`,
  "same-key": "it holds one key twice",
  "bad-line": "expected [ID] SECRET",
  "bad-secret": `expected a secret of ${secretBytesMin} to ${secretBytesMax} printable characters`,
};

function refused(code: KeyFileProblemCode, line?: number): KeyFileResult {
  return { ok: false, problem: { code, ...(line === undefined ? {} : { line }) } };
}

/** Keys of a key file's text. Pure. */
export function parseKeys(text: string): KeyFileResult {
  const found = new Map<string, string>();
  let count = 0;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.split(/\s+/);
    if (words.length > 2) return refused("bad-line", index + 1);
    const secret = words.at(-1)!;
    const isLength = secret.length >= secretBytesMin && secret.length <= secretBytesMax;
    if (!isLength || !secretPattern.test(secret)) return refused("bad-secret", index + 1);
    found.set(secret, words.length === 2 ? words[0]! : "");
    count += 1;
  }
  if (count === 0) return refused("no-key");
  if (found.size < count) return refused("same-key");
  if (count > keysMax) return refused("too-many-keys");
  const encoder = new TextEncoder();
  const keys = [...found].map(([secret, id]) => ({ id, secret: encoder.encode(secret) }));
  return { ok: true, keys };
}

/** Reads a key file; what is wrong with it is data. */
export function readKeys(path: string): KeyFileResult {
  try {
    const { mode, size, isFile } = describeFile(path);
    // To read a FIFO would wait for ever.
    if (!isFile) return refused("no-file");
    if ((mode & 0o007) !== 0) return refused("open-to-others");
    if (size > fileBytesMax) return refused("too-long");
    const text = readFileSync(path, "utf8");
    return parseKeys(keyTextOfAuthkeys(text) ?? text);
  } catch {
    return refused("unreadable");
  }
}

function describeFile(path: string): { mode: number; size: number; isFile: boolean } {
  const stat = statSync(path);
  return { mode: stat.mode, size: stat.size, isFile: stat.isFile() };
}

/** In words for people; never quotes the file. */
export function describeKeyProblem({ code, line }: KeyFileProblem): string {
  return line === undefined ? sayings[code] : `${sayings[code]} in line ${line}`;
}

/**
 * Keys of a file.
 *
 * @throws {ApplianceError} `PEER_KEY_FILE` with what is wrong in words.
 */
export function requireKeys(path: string): readonly PeerKey[] {
  const result = readKeys(path);
  if (result.ok) return result.keys;
  const why = describeKeyProblem(result.problem);
  throw new ApplianceError("PEER_KEY_FILE", `Cannot use key file ${path}: ${why}`);
}
