/**
 * Tokens of the endpoint: read from a file, compared in constant time.
 *
 * A token file has one token a line, `[ID] SECRET`, the secret 32 to 64 bytes; two lines while
 * tokens rotate. Blank lines and lines that start with `#` are skipped. Others must not be able
 * to read the file. Only hashes are kept in memory.
 *
 * @module
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, statSync } from "node:fs";

import { ApplianceError, errorText } from "../errors/index.ts";

/** Tokens that one file may hold: the one in use, the next, and some for separate clients. */
const tokensMax = 16;
/** A file longer than this is not a token file. */
const fileBytesMax = 64 * 1024;
const secretBytesMin = 32;
const secretBytesMax = 64;
/** What may stand in an Authorization header (b64token, RFC 6750, section 2.1). */
const secretPattern = /^[A-Za-z0-9\-._~+/]+=*$/;

/** A set of tokens that can only be asked. */
export interface TokenSet {
  readonly size: number;
  /** Takes as long whatever the token is and wherever it differs. */
  has(token: string): boolean;
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** A set of these tokens. */
export function createTokenSet(tokens: readonly string[]): TokenSet {
  const hashes = tokens.map((token) => digest(token));
  return {
    size: hashes.length,
    has(token) {
      const asked = digest(token);
      let found = false;
      // All are compared, so that the time does not tell which one matched.
      for (const hash of hashes) found = timingSafeEqual(hash, asked) || found;
      return found;
    },
  };
}

function refuse(path: string, why: string, cause?: unknown): ApplianceError {
  return new ApplianceError("STATUS_TOKEN_FILE", `Cannot use token file ${path}: ${why}`, {
    cause,
  });
}

/** What `read` returns, with any failure told as one of the file. */
function attempt<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw refuse(path, errorText(error), error);
  }
}

/** Secrets of a token file's text. `path` is for messages, which never quote the text. */
export function parseTokens(text: string, path: string): readonly string[] {
  const tokens: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const secret = line.split(/\s+/, 2).at(-1)!;
    const isLongEnough = secret.length >= secretBytesMin && secret.length <= secretBytesMax;
    if (line.split(/\s+/).length > 2) throw refuse(path, `line ${index + 1} is not [ID] SECRET`);
    if (!isLongEnough || !secretPattern.test(secret)) {
      const expected = `${secretBytesMin} to ${secretBytesMax} letters, digits or -._~+/=`;
      throw refuse(path, `expected a secret of ${expected} in line ${index + 1}`);
    }
    tokens.push(secret);
  }
  if (tokens.length === 0) throw refuse(path, "it holds no token");
  if (tokens.length > tokensMax) throw refuse(path, `it holds more than ${tokensMax} tokens`);
  return tokens;
}

/**
 * Tokens of a file.
 *
 * @throws {ApplianceError} `STATUS_TOKEN_FILE` if it cannot be read, others can read it, or a
 *   line is no token.
 */
export function readTokenFile(path: string): readonly string[] {
  const stat = attempt(path, () => statSync(path));
  const { mode, size } = stat;
  // To read a FIFO would wait for ever.
  if (!stat.isFile()) throw refuse(path, "it is no regular file");
  if ((mode & 0o007) !== 0) throw refuse(path, "others can read or change it; chmod o= it");
  if (size > fileBytesMax) throw refuse(path, `it has ${size} bytes, expected some lines`);
  return parseTokens(
    attempt(path, () => readFileSync(path, "utf8")),
    path,
  );
}
