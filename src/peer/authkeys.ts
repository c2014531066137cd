/**
 * Heartbeat's authkeys as the text of a key file, for a director that runs from Heartbeat's folder.
 *
 * Same keys as `appliance import` writes: the SHA-256 of each secret, the one that signs first.
 * What is wrong with an authkeys is told where the configuration is read; here such a file is none.
 * Pure.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The one that signs and the next. */
const keysMax = 2;

interface Authkeys {
  /** Number of the key that signs. */
  readonly active: string | undefined;
  /**
   * Secrets by number. Of one that comes twice the last line holds, at the place of the first; crc
   * has no secret.
   */
  readonly secrets: ReadonlyMap<string, string | undefined>;
}

function readLines(text: string): Authkeys {
  let active: string | undefined;
  const secrets = new Map<string, string | undefined>();
  for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
    const [id = "", method = "", secret] = line.trim().split(/\s+/);
    if (id === "auth") active = method;
    else if (method === "crc") secrets.set(id, undefined);
    else if (isKey(id, method) && secret !== undefined) secrets.set(id, secret);
  }
  return { active, secrets };
}

function isKey(id: string, method: string): boolean {
  return (method === "sha1" || method === "md5") && !id.startsWith("#");
}

/** Lines `ID KEY`; undefined if the text is no authkeys with a key. */
export function keyTextOfAuthkeys(text: string): string | undefined {
  const { active, secrets } = readLines(text);
  const signing = active === undefined ? undefined : secrets.get(active);
  if (signing === undefined) return undefined;
  const keys = [`${active} ${sha256(signing)}\n`];
  for (const [id, secret] of secrets) {
    if (id === active || secret === undefined || secret === signing) continue;
    if (keys.length < keysMax) keys.push(`${id} ${sha256(secret)}\n`);
  }
  return keys.join("");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
