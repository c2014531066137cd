/**
 * Reads an authkeys and derives keys from its secrets. Total; pure.
 *
 * A secret is in no message and in no other result than the key file's text, and there only as its
 * SHA-256: what a key file needs has 32 bytes and more, and secrets of Heartbeat are often short.
 *
 * @module
 */

import { quoted } from "../notes.ts";
import { sha256 } from "./digest.ts";
import { authkeysRules, readLines } from "./line.ts";
import type { Line, NamedText } from "./line.ts";
import type { Told } from "./told.ts";

/** A file, and who may read it. */
export interface AuthkeysText extends NamedText {
  /** Permission bits (stat(2)); undefined if they are not known: then they are not looked at. */
  readonly mode: number | undefined;
}

/** What a director needs of an authkeys. */
export interface DirectorKeys {
  /** Lines `ID KEY` of a key file, the one that signs first; empty: `crc`, which proves nothing. */
  readonly keyLines: readonly string[];
}

/** A key file has two while keys rotate. */
const keysMax = 2;

/** Everybody but the owner. */
const othersBits = 0o077;

interface Found {
  readonly line: Line;
  readonly method: "crc" | "md5" | "sha1";
  readonly secret: string;
}

/** Reads a file; undefined after a problem: Heartbeat would not start with it either. */
export function readAuthkeys(named: AuthkeysText, told: Told): DirectorKeys | undefined {
  const { file, mode } = named;
  if (mode !== undefined && (mode & othersBits) !== 0) {
    const found = `0${(mode & 0o7777).toString(8)}`;
    told.refuse({ file, line: 0 }, "mode 0600, so that nobody else reads the secret", found);
    return undefined;
  }
  const keys = new Map<string, Found>();
  let active: { readonly line: Line; readonly id: string } | undefined;
  for (const line of readLines(named, authkeysRules)) {
    if (line.words[0] === "auth") active = readActive(line, told) ?? active;
    else readKey(line, keys, told);
  }
  if (active === undefined) {
    told.refuse({ file, line: 0 }, 'a line such as "auth 1" that says which key signs', "none");
    return undefined;
  }
  const signing = keys.get(active.id);
  if (signing === undefined) {
    told.refuse(active.line, `a key ${active.id} in a line of its own`, "none");
    return undefined;
  }
  return deriveKeys(active.id, keys, told);
}

/** 1..15. */
function isId(text: string): boolean {
  return /^(?:[1-9]|1[0-5])$/.test(text);
}

function readActive(line: Line, told: Told) {
  const [, id = ""] = line.words;
  if (isId(id) && line.words.length === 2) return { line, id };
  told.refuse(line, "auth with the number of one key, 1 to 15", "something else");
  return undefined;
}

/** Nothing of the line is shown: what is misplaced in it may be the secret. */
function readKey(line: Line, keys: Map<string, Found>, told: Told): void {
  const [id = "", method = "", secret = ""] = line.words;
  if (!isId(id) || !isMethod(method)) {
    const expected = "a number 1 to 15, then crc, md5 or sha1, then the secret";
    told.refuse(line, expected, "something else");
    return;
  }
  const wordCount = method === "crc" ? 2 : 3;
  if (line.words.length < wordCount) {
    told.refuse(line, `a secret after ${method}`, "none");
    return;
  }
  if (line.words.length > wordCount) {
    told.warn(line, "What stands behind the key is left out, as Heartbeat does");
  }
  if (keys.has(id)) told.warn(line, `Key ${id} comes twice: this one holds`);
  keys.set(id, { line, method, secret });
}

function isMethod(text: string): text is Found["method"] {
  return text === "crc" || text === "md5" || text === "sha1";
}

function deriveKeys(id: string, keys: ReadonlyMap<string, Found>, told: Told): DirectorKeys {
  const signing = keys.get(id)!;
  if (signing.method === "crc") {
    told.warn(signing.line, "crc proves nothing about a sender: anybody on the network is heard");
    return { keyLines: [] };
  }
  const keyLines = [formatKey(id, signing.secret)];
  for (const [other, { line, method, secret }] of keys) {
    // A key file has each secret once: either of its numbers would do.
    if (other === id || secret === signing.secret) continue;
    if (method === "crc") told.warn(line, `Key ${quoted(other)} is left out: crc proves nothing`);
    else if (keyLines.length < keysMax) keyLines.push(formatKey(other, secret));
    else told.warn(line, `Key ${quoted(other)} is left out: a key file has at most ${keysMax}`);
  }
  return { keyLines };
}

function formatKey(id: string, secret: string): string {
  return `${id} ${sha256(secret)}`;
}
