/**
 * Reads the files of a configuration: the only effects of this folder.
 *
 * @module
 */

import { constants } from "node:fs";
import { open, readdir, readFile, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";

import { ApplianceError, errorText } from "../errors/index.ts";
import { below, fileBytesMax, parseDocument, positionOf } from "./document.ts";
import type { Document, Place } from "./document.ts";
import { warnOfExposure } from "./exposed-secret.ts";
import { errnoOf } from "./file-error.ts";
import { readHeartbeat, readLdirectord } from "./import/index.ts";
import type { LdirectordHost, LdirectordRun } from "./import/index.ts";
import { kindOfFile } from "./kind.ts";
import { findLdirectordFile, heartbeatFolder, heartbeatHost } from "./load-heartbeat.ts";
import { validate } from "./parse.ts";
import type { LoadedConfig } from "./parse.ts";
import { createReport } from "./report.ts";
import type { OpenReport } from "./report.ts";
import type { Environment } from "./resolve/index.ts";

/** Files of one configuration; more are a wrong pattern. */
const filesMax = 1000;

/** `include` within included files, so deep. */
const includeDepthMax = 8;

/** Read at once. */
const chunkBytes = 256 * 1024;

/** State of one load. */
interface Loading {
  readonly documents: Document[];
  /** Real paths of the files read. */
  readonly seen: Set<string>;
  readonly report: OpenReport;
  /** Of each ldirectord.cf. */
  readonly ldirectord: LdirectordRun[];
}

/** What this host knows of names, for files that need it when they are read. */
export async function readHostNames(): Promise<Required<LdirectordHost>> {
  const [services, hosts] = await Promise.all(
    ["/etc/services", "/etc/hosts"].map((file) => readFile(file, "utf8").catch(() => "")),
  );
  return { services: services ?? "", hosts: hosts ?? "", hostName: hostname() };
}

/**
 * Reads, follows `include`, and checks.
 *
 * @param files As named by the operator; what they say is taken together.
 * @throws {ApplianceError} `CONFIG_FILE_MISSING`, `CONFIG_FILE_PERMISSION` or
 *   `CONFIG_FILE_UNREADABLE` for a file in `files` that cannot be read.
 * @throws {ConfigError} `CONFIG_INVALID` with every problem of those that can.
 */
export async function loadConfig(
  files: readonly string[],
  environment: Environment,
): Promise<LoadedConfig> {
  const loading: Loading = {
    documents: [],
    seen: new Set(),
    report: createReport(),
    ldirectord: [],
  };
  for (const file of files) {
    const folder = heartbeatFolder(file);
    if (folder === undefined) await addFile(loading, file);
    else await addHeartbeat(loading, folder);
  }
  const loaded = validate(loading.documents, environment, loading.report);
  const [ldirectord, ...others] = loading.ldirectord;
  return ldirectord === undefined ? loaded : { ...loaded, ldirectord: { ...ldirectord, others } };
}

/** @param routers Virtual routers whose resource it is, if it is an ldirectord.cf. */
async function addFile(
  loading: Loading,
  file: string,
  routers: readonly string[] = [],
): Promise<void> {
  const read = await readDocument(file, loading, routers);
  // The same file twice on the command line is one file.
  if (loading.seen.has(read.realPath)) return;
  loading.seen.add(read.realPath);
  await add(loading, read.document, 0);
}

/** ha.cf, haresources and authkeys together, then each ldirectord.cf that they name. */
async function addHeartbeat(loading: Loading, folder: string): Promise<void> {
  const haCf = await readPart(join(folder, "ha.cf"), true);
  const haresources = await readPart(join(folder, "haresources"), false);
  const authkeys = await readPart(join(folder, "authkeys"), false);
  const host = heartbeatHost(await readHostNames(), folder);
  const { configs, ...found } = readHeartbeat({ haCf, haresources, authkeys }, host);
  loading.report.foreign(found);
  await add(loading, found.document, 0);
  for (const { config, routers } of configs) {
    const path = findLdirectordFile(folder, config);
    if (path !== undefined) await addFile(loading, path, routers);
    else {
      const expected = "an ldirectord.cf for each ldirectord:: of haresources";
      const place = { document: found.document, path: [] };
      loading.report.problem(place, { expected, found: config });
    }
  }
}

/** One of Heartbeat's files with its mode; undefined if it is not there and need not be. */
async function readPart(file: string, isRequired: boolean) {
  try {
    const { bytes, mode } = await readBytes(file);
    if (bytes.length > fileBytesMax) throw new Error(`larger than ${fileBytesMax} bytes`);
    return { file, text: decodeForeign(bytes), mode };
  } catch (error) {
    if (!isRequired && errnoOf(error) === "ENOENT") return undefined;
    throw explainRead(file, error);
  }
}

interface ReadDocument {
  readonly realPath: string;
  readonly document: Document;
}

async function readDocument(
  file: string,
  loading: Loading,
  routers: readonly string[] = [],
): Promise<ReadDocument> {
  try {
    const { bytes, mode } = await readBytes(file);
    const foreign = await readForeign(bytes, { file, routers }, loading);
    const document = foreign ?? decode(bytes, file);
    const exposure = warnOfExposure(document.table, mode);
    if (exposure !== undefined) {
      loading.report.warn({ document, path: exposure.path }, exposure.message);
    }
    return { realPath: await realpath(file), document };
  } catch (error) {
    throw explainRead(file, error);
  }
}

/** A file of another program as a document; undefined for a native one. */
async function readForeign(
  bytes: Uint8Array,
  { file, routers }: { readonly file: string; readonly routers: readonly string[] },
  loading: Loading,
): Promise<Document | undefined> {
  if (bytes.length > fileBytesMax) return undefined;
  const text = decodeForeign(bytes);
  const kind = kindOfFile(text, file);
  if (kind === "keepalived") {
    const note = `translate it with: appliance import ${file}`;
    const fault = { line: 0, column: 0, expected: "a native file or an ldirectord.cf", note };
    return { file, text, table: undefined, fault: { ...fault, found: "a keepalived.conf" } };
  }
  if (kind !== "ldirectord") return undefined;
  const named = { text, file, routers };
  const { document, run, ...findings } = readLdirectord(named, await readHostNames());
  loading.report.foreign(findings);
  loading.ldirectord.push(run);
  return document;
}

/** Old files are not always UTF-8, and their comments may be in any encoding. */
function decodeForeign(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

interface FileContent {
  readonly bytes: Uint8Array;
  /** Permissions, chmod(2). */
  readonly mode: number;
}

async function readBytes(file: string): Promise<FileContent> {
  // Without O_NONBLOCK, opening a FIFO would wait for somebody to write to it.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
  await using handle = await open(file, flags);
  const status = await handle.stat();
  if (status.isFile()) return { bytes: await readBounded(handle), mode: status.mode & 0o7777 };
  const found = status.isDirectory() ? "a directory" : "a device, FIFO or socket";
  const message = `Cannot read configuration ${file}: expected a regular file, got ${found}`;
  throw new ApplianceError("CONFIG_FILE_UNREADABLE", message);
}

/** Up to one byte more than may be: enough to see that it is too much. */
async function readBounded(handle: FileHandle): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length <= fileBytesMax) {
    const chunk = new Uint8Array(Math.min(chunkBytes, fileBytesMax + 1 - length));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length);
    if (bytesRead === 0) break;
    chunks.push(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return Buffer.concat(chunks, length);
}

function explainRead(file: string, error: unknown): ApplianceError {
  if (error instanceof ApplianceError) return error;
  const code = errnoOf(error);
  const missing = code === "ENOENT" || code === "ENOTDIR";
  const denied = code === "EACCES" || code === "EPERM";
  if (missing) {
    const message = `Cannot read configuration ${file}: it does not exist`;
    return new ApplianceError("CONFIG_FILE_MISSING", message, { cause: error });
  }
  const reason = denied ? "permission denied" : errorText(error);
  const message = `Cannot read configuration ${file}: ${reason}`;
  const name = denied ? "CONFIG_FILE_PERMISSION" : "CONFIG_FILE_UNREADABLE";
  return new ApplianceError(name, message, { cause: error });
}

function decode(bytes: Uint8Array, file: string): Document {
  const fault = { file, text: "", table: undefined };
  if (bytes.length > fileBytesMax) {
    const expected = `a file of at most ${fileBytesMax} bytes`;
    const found = "a larger one";
    return { ...fault, fault: { line: 0, column: 0, expected, found, note: undefined } };
  }
  try {
    return parseDocument(new TextDecoder("utf-8", { fatal: true }).decode(bytes), file);
  } catch {
    const text = new TextDecoder().decode(bytes);
    const place = positionOf(text, text.indexOf("\uFFFD"));
    const note = "the file is binary, or in another encoding";
    return { ...fault, fault: { ...place, expected: "UTF-8 text", found: "other bytes", note } };
  }
}

/** Takes a document in, then what it includes, in the order of its list. */
async function add(loading: Loading, document: Document, depth: number): Promise<void> {
  const { documents, report } = loading;
  documents.push(document);
  const include = document.table?.["include"];
  // Another shape is told of with the other shapes.
  if (!Array.isArray(include)) return;
  const place: Place = { document, path: ["include"] };
  for (const [index, pattern] of include.entries()) {
    if (typeof pattern !== "string") return;
    const elementPlace = below(place, index);
    if (depth >= includeDepthMax) {
      const expected = `include in at most ${includeDepthMax} files within each other`;
      report.problem(elementPlace, { expected, foundText: "more" });
      return;
    }
    for (const file of await expand(document.file, pattern, { place: elementPlace, report })) {
      await addIncluded(loading, file, { place: elementPlace, depth: depth + 1 });
    }
  }
}

async function addIncluded(
  loading: Loading,
  file: string,
  { place, depth }: { readonly place: Place; readonly depth: number },
): Promise<void> {
  const { documents, seen, report } = loading;
  if (documents.length >= filesMax) {
    report.problem(place, { expected: `at most ${filesMax} files`, foundText: "more" });
    return;
  }
  try {
    const { document, realPath } = await readDocument(file, loading);
    if (seen.has(realPath)) {
      const expected = "each file once, and no file that includes itself";
      report.problem(place, { expected, found: file });
      return;
    }
    seen.add(realPath);
    await add(loading, document, depth);
  } catch (error) {
    const expected = "a file that can be read";
    report.problem(place, { expected, found: file, note: errorText(error) });
  }
}

/** Files that a pattern of `include` names, sorted, relative to the file it stands in. */
async function expand(
  file: string,
  pattern: string,
  { place, report }: { readonly place: Place; readonly report: OpenReport },
): Promise<readonly string[]> {
  const path = isAbsolute(pattern) ? pattern : join(dirname(file), pattern);
  const directory = dirname(path);
  if (/[*?[{]/.test(dirname(pattern)) || pattern === "") {
    const expected = 'wildcards in the last part only, such as "conf.d/*.toml"';
    report.problem(place, { expected, found: pattern });
    return [];
  }
  if (!/[*?[{]/.test(basename(path))) return [path];
  const glob = new Bun.Glob(basename(path));
  const names = await readdir(directory).catch((error: unknown) => {
    report.warn(place, `Cannot list ${directory}: ${errorText(error)}`);
    return [];
  });
  // As in a shell, a wildcard takes no hidden files: editors leave theirs there.
  const matching = names.filter((name) => !name.startsWith(".") && glob.match(name));
  if (names.length > 0 && matching.length === 0) {
    report.warn(place, `No file in ${directory} matches "${basename(path)}"`);
  }
  return matching.toSorted().map((name) => join(directory, name));
}
