/**
 * Reads and writes the files of `appliance import`.
 *
 * @module
 */

import { constants } from "node:fs";
import { open } from "node:fs/promises";

import { ApplianceError, errorText } from "../errors/index.ts";

/** Largest file read, as of a native configuration. */
const fileBytesMax = 16 * 1024 * 1024;

/** A file as it was read. */
export interface TextFile {
  readonly file: string;
  readonly text: string;
  /** Permission bits (stat(2)). */
  readonly mode: number;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

function unreadable(file: string, reason: string, cause?: unknown): ApplianceError {
  const message = `Cannot read configuration ${file}: ${reason}`;
  return new ApplianceError("CONFIG_FILE_UNREADABLE", message, { cause });
}

/** Bytes of a regular file, at most one more than may be. */
async function readBytes(file: string) {
  // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  await using handle = await open(file, flags);
  const status = await handle.stat();
  if (!status.isFile()) throw unreadable(file, "expected a regular file");
  if (status.size > fileBytesMax) throw unreadable(file, `larger than ${fileBytesMax} bytes`);
  const bytes = new Uint8Array(status.size);
  let length = 0;
  while (length < bytes.length) {
    const { bytesRead } = await handle.read(bytes, length, bytes.length - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return { bytes: bytes.subarray(0, length), mode: status.mode & 0o7777 };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

/**
 * Reads a file; old ones are not always UTF-8, and their comments may be in any encoding.
 *
 * @throws {ApplianceError} `CONFIG_FILE_MISSING`, `CONFIG_FILE_PERMISSION` or
 *   `CONFIG_FILE_UNREADABLE`.
 */
export async function readTextFile(file: string): Promise<TextFile> {
  try {
    const { bytes, mode } = await readBytes(file);
    return { file, text: decode(bytes), mode };
  } catch (error) {
    if (error instanceof ApplianceError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") {
      const message = `Cannot read configuration ${file}: it does not exist`;
      throw new ApplianceError("CONFIG_FILE_MISSING", message, { cause: error });
    }
    if (code === "EACCES" || code === "EPERM") {
      const message = `Cannot read configuration ${file}: permission denied`;
      throw new ApplianceError("CONFIG_FILE_PERMISSION", message, { cause: error });
    }
    throw unreadable(file, errorText(error), error);
  }
}

/** What {@link writeOutput} does with a file. */
export interface OutputOptions {
  /** Replaces a file that exists. */
  readonly isForced: boolean;
  readonly mode: number;
}

/**
 * Writes a file.
 *
 * @throws {ApplianceError} `IMPORT_OUTPUT_EXISTS` for one that exists, unless forced;
 *   `IMPORT_OUTPUT_FAILED`.
 */
export async function writeOutput(
  file: string,
  text: string,
  { isForced, mode }: OutputOptions,
): Promise<void> {
  try {
    await using handle = await open(file, isForced ? "w" : "wx", mode);
    // One that was there keeps its mode when it is opened.
    if (isForced) await handle.chmod(mode);
    await handle.writeFile(text);
  } catch (error) {
    const exists = codeOf(error) === "EEXIST";
    const reason = exists ? "it exists; --force replaces it" : errorText(error);
    const message = `Cannot write ${file}: ${reason}`;
    const code = exists ? "IMPORT_OUTPUT_EXISTS" : "IMPORT_OUTPUT_FAILED";
    throw new ApplianceError(code, message, { cause: error });
  }
}
