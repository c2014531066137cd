/**
 * Reads an authkeys and derives keys from its secrets. Total; pure.
 *
 * A secret is in no message and in no other result than the key file's text, and there only as its
 * SHA-256: what a key file needs has 32 bytes and more, and secrets of Heartbeat are often short.
 *
 * @module
 */

import { createHash } from "node:crypto";

import { quoted } from "../keepalived/notes.ts";
import type { Notes } from "../keepalived/notes.ts";
import { authkeysRules, readLines } from "./line.ts";
import type { Line, NamedText } from "./line.ts";

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
export function readAuthkeys(named: AuthkeysText, notes: Notes): DirectorKeys | undefined {
  const { file, mode } = named;
  if (mode !== undefined && (mode & othersBits) !== 0) {
    const found = `0${(mode & 0o7777).toString(8)}`;
    const what = "Expected mode 0600, as Heartbeat does, so that nobody else reads the secret";
    notes.problem({ file, line: 0 }, `${what}; got ${found}`);
    return undefined;
  }
  const keys = new Map<string, Found>();
  let active: { readonly line: Line; readonly id: string } | undefined;
  for (const line of readLines(named, authkeysRules)) {
    if (line.words[0] === "auth") active = readActive(line, notes) ?? active;
    else readKey(line, keys, notes);
  }
  if (active === undefined) {
    notes.problem({ file, line: 0 }, 'Expected a line "auth 1" that says which key signs');
    return undefined;
  }
  const signing = keys.get(active.id);
  if (signing === undefined) {
    notes.problem(active.line, `Expected a key ${active.id} in another line, as auth says`);
    return undefined;
  }
  return deriveKeys(active.id, keys, notes);
}

/** 1..15. */
function isId(text: string): boolean {
  return /^(?:[1-9]|1[0-5])$/.test(text);
}

function readActive(line: Line, notes: Notes) {
  const [, id = ""] = line.words;
  if (isId(id) && line.words.length === 2) return { line, id };
  notes.problem(line, "Expected auth with the number of one key, 1 to 15");
  return undefined;
}

/** Nothing of the line is shown: what is misplaced in it may be the secret. */
function readKey(line: Line, keys: Map<string, Found>, notes: Notes): void {
  const [id = "", method = "", secret = ""] = line.words;
  const isMethod = method === "crc" || method === "md5" || method === "sha1";
  if (!isId(id) || !isMethod) {
    notes.problem(line, "Expected a number 1 to 15, then crc, md5 or sha1, then the secret");
    return;
  }
  if (method !== "crc" && secret === "") {
    notes.problem(line, `Expected a secret after ${method}`);
    return;
  }
  if (line.words.length > (method === "crc" ? 2 : 3)) {
    notes.warn(line, "What stands behind the secret is left out, as Heartbeat does");
  }
  if (keys.has(id)) notes.warn(line, `Key ${id} comes twice: this one holds`);
  keys.set(id, { line, method, secret });
}

function deriveKeys(id: string, keys: ReadonlyMap<string, Found>, notes: Notes): DirectorKeys {
  const signing = keys.get(id)!;
  if (signing.method === "crc") {
    notes.warn(signing.line, "crc proves nothing about a sender: anybody on the network is heard");
    return { keyLines: [] };
  }
  const keyLines = [formatKey(id, signing.secret)];
  for (const [other, { line, method, secret }] of keys) {
    if (other === id) continue;
    if (method === "crc") notes.warn(line, `Key ${quoted(other)} is left out: crc proves nothing`);
    else if (keyLines.length < keysMax) keyLines.push(formatKey(other, secret));
    else notes.warn(line, `Key ${quoted(other)} is left out: a key file has at most ${keysMax}`);
  }
  return { keyLines };
}

function formatKey(id: string, secret: string): string {
  return `${id} ${createHash("sha256").update(secret).digest("hex")}`;
}
