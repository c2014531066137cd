/**
 * Reads files with a secret: effects, apart from those of `load.ts`.
 *
 * A secret is read where it is used and never enters a `Config`, a message or a log line.
 *
 * @module
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { ApplianceError } from "../errors/index.ts";
import { errnoOf } from "./file-error.ts";

/** Shorter secrets can be guessed over a network. */
export const secretCharactersMin = 16;

/** Longer ones do not fit an HTTP header that clients send. */
export const secretCharactersMax = 512;

/** Room for a secret, its end of line, and a little to see that there is more. */
const fileBytesMax = 1024;

/** Permission bits of those who are neither owner nor group (inode(7)). */
const othersMask = 0o007;

/**
 * Reads a file that holds one secret in one line, {@link secretCharactersMin} to
 * {@link secretCharactersMax} visible ASCII characters.
 *
 * @throws {ApplianceError} `SECRET_MISSING` if there is no such file, `SECRET_UNREADABLE` if it
 *   cannot be read, `SECRET_EXPOSED` if others than owner and group may use it,
 *   `SECRET_INVALID` if it holds something else.
 */
export async function readSecretFile(path: string): Promise<string> {
  const text = await readGuarded(path);
  const secret = text.replace(/\r?\n$/, "");
  if (!/^[\x21-\x7e]*$/.test(secret)) {
    throw invalid(path, "one line of visible ASCII characters", "others");
  }
  const { length } = secret;
  if (length < secretCharactersMin || length > secretCharactersMax) {
    const range = `${secretCharactersMin} to ${secretCharactersMax} characters`;
    throw invalid(path, range, length > secretCharactersMax ? "more" : String(length));
  }
  return secret;
}

function invalid(path: string, expected: string, found: string): ApplianceError {
  const message = `Cannot use secret file ${path}: expected ${expected}, got ${found}`;
  return new ApplianceError("SECRET_INVALID", message);
}

async function readGuarded(path: string): Promise<string> {
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    await using handle = await open(path, flags);
    const status = await handle.stat();
    if (!status.isFile()) throw invalid(path, "a regular file", "something else");
    if ((status.mode & othersMask) !== 0) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
      throw new ApplianceError(
        "SECRET_EXPOSED",
        `Cannot use secret file ${path}: expected no access for others, got mode ${mode} ` +
          `(chmod 0640 ${path})`,
      );
    }
    const buffer = new Uint8Array(fileBytesMax);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length);
    return new TextDecoder("latin1").decode(buffer.subarray(0, bytesRead));
  } catch (error) {
    throw explainRead(path, error);
  }
}

function explainRead(path: string, error: unknown): ApplianceError {
  if (error instanceof ApplianceError) return error;
  const code = errnoOf(error);
  const isMissing = code === "ENOENT" || code === "ENOTDIR";
  return new ApplianceError(
    isMissing ? "SECRET_MISSING" : "SECRET_UNREADABLE",
    `Cannot read secret file ${path}: ${isMissing ? "it does not exist" : String(code)}`,
    { cause: error },
  );
}
