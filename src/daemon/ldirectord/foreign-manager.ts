/**
 * Who else manages the services of an ldirectord.cf: a real ldirectord, heartbeat, keepalived.
 *
 * Two managers of one virtual service undo each other's work, so the second one does not start.
 * Only processes of this network namespace count. Reads /proc and their files, both bounded.
 *
 * @module
 */

import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { dirname, resolve } from "node:path";

import { formatEndpoint } from "../../net/address.ts";
import { configNameOf, defaultConfigName, defaultConfigPath } from "./pid-file.ts";

/** A process that manages what this director would. */
export interface ForeignManager {
  readonly program: "ldirectord" | "heartbeat" | "keepalived";
  readonly pid: number;
  /** What it manages, in words. */
  readonly what: string;
  /** What to type, so that this director may start. */
  readonly remedy: string;
}

/** A process, as /proc shows it. */
export interface ProcessFacts {
  readonly pid: number;
  /** Words of its command line. */
  readonly words: readonly string[];
}

/** What is looked at. */
export interface ForeignQuery {
  /** The ldirectord.cf, as given. */
  readonly path: string;
  /** Virtual services: `address:port`, or the number of a firewall mark. */
  readonly virtuals: readonly string[];
  readonly processes: Iterable<ProcessFacts>;
  /** Text of a file, or undefined. */
  readonly readText: (path: string) => string | undefined;
}

/** Processes looked at; a host that has more keeps its secret. */
const processesMax = 32_768;

/** Of one file. */
const textBytesMax = 1024 * 1024;

/** Longest command line that is looked at. */
const commandLineBytesMax = 4096;

function readStart(path: string, bytesMax: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const bytes = new Uint8Array(bytesMax);
    return new TextDecoder("latin1").decode(bytes.subarray(0, readSync(fd, bytes)));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Start of a text file; undefined if it cannot be read. */
export function readTextStart(path: string): string | undefined {
  return readStart(path, textBytesMax);
}

function namespaceOf(pid: number | "self"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

/** Processes of this network namespace, without this one and its parent. */
export function* listProcesses(): Iterable<ProcessFacts> {
  const own = namespaceOf("self");
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  for (const name of pids.slice(0, processesMax)) {
    const pid = Number(name);
    if (pid === process.pid || pid === process.ppid) continue;
    const words = readStart(`/proc/${pid}/cmdline`, commandLineBytesMax)?.split("\0") ?? [];
    if (!managerWord.test(words.slice(0, scriptWords).join(" "))) continue;
    if (namespaceOf(pid) === own) yield { pid, words: words.filter((word) => word !== "") };
  }
}

const managerWord = /ldirectord|heartbeat|keepalived/;

/** A script is the second or third word: `perl -w /usr/sbin/ldirectord`. */
const scriptWords = 3;

function nameOf(word: string | undefined): string {
  return (word ?? "").replace(/^.*\//, "").replace(/:$/, "");
}

/** True if a real ldirectord works on this file: it names it as this program does, or less. */
function isSameConfig(words: readonly string[], path: string): boolean {
  const script = words.findIndex((word) => nameOf(word) === "ldirectord");
  const operands = words.slice(script + 1).filter((word) => !word.startsWith("-"));
  const [named, verb] = operands;
  if (verb === undefined && named !== undefined && !named.endsWith(".cf")) {
    return path === defaultConfigPath;
  }
  if (named === undefined) return path === defaultConfigPath;
  // Where a relative path started is not known any more.
  return named.startsWith("/") ? named === resolve(path) : nameOf(named) === nameOf(path);
}

function asLdirectord({ pid, words }: ProcessFacts, { path }: ForeignQuery) {
  const interpreter = nameOf(words[0]);
  const isPerl = interpreter.startsWith("perl") && words.slice(1, scriptWords).some(isLdirectord);
  if (!isPerl || !isSameConfig(words, path)) return undefined;
  const name = path === defaultConfigPath ? "" : `${path} `;
  const remedy = `/usr/sbin/ldirectord ${name}stop, or: kill ${pid}`;
  return { program: "ldirectord", pid, what: path, remedy } as const;
}

function isLdirectord(word: string): boolean {
  return nameOf(word) === "ldirectord";
}

/** Heartbeat starts ldirectord itself, as a resource. */
function asHeartbeat({ pid, words }: ProcessFacts, { path, readText }: ForeignQuery) {
  if (nameOf(words[0]) !== "heartbeat") return undefined;
  const file = [`${dirname(path)}/haresources`, "/etc/ha.d/haresources"].find((one) =>
    resourcesName(readText(one), path),
  );
  if (file === undefined) return undefined;
  const remedy =
    "let heartbeat start it as that resource, or stop heartbeat: service heartbeat stop";
  return { program: "heartbeat", pid, what: `ldirectord of ${file}`, remedy } as const;
}

function resourcesName(text: string | undefined, path: string): boolean {
  const resources = text?.replaceAll(/^\s*#.*$/gm, "") ?? "";
  const names = [...resources.matchAll(/\bldirectord(?:::(\S+))?/g)];
  return names.some(([, name]) => {
    if (name === undefined) return configNameOf(path) === defaultConfigName;
    return name === path || name.replace(/^.*\//, "") === path.replace(/^.*\//, "");
  });
}

/** The first virtual service that both have. */
function asKeepalived({ pid, words }: ProcessFacts, { virtuals, readText }: ForeignQuery) {
  if (nameOf(words[0]) !== "keepalived") return undefined;
  const option = words.findIndex((word) => word === "-f" || word === "--use-file");
  const file = (option === -1 ? undefined : words[option + 1]) ?? "/etc/keepalived/keepalived.conf";
  const wanted = new Set(virtuals);
  const lines = (readText(file) ?? "").matchAll(/^\s*virtual_server\s+(\S+)\s+(\d+)/gm);
  for (const [, address = "", port] of lines) {
    const virtual =
      address === "fwmark" ? String(port) : formatEndpoint({ address, port: Number(port) });
    if (!wanted.has(virtual)) continue;
    const remedy = `service keepalived stop; or take virtual_server ${virtual} out of ${file}`;
    return { program: "keepalived", pid, what: `${virtual} of ${file}`, remedy } as const;
  }
  return undefined;
}

/**
 * Finds somebody else who manages these services. Pure but for what the query brings.
 *
 * @param isCalledByScript True for `ldirectord start`: that is how heartbeat starts it.
 */
export function findForeignManager(
  query: ForeignQuery,
  isCalledByScript: boolean,
): ForeignManager | undefined {
  for (const one of query.processes) {
    const found =
      asLdirectord(one, query) ??
      (isCalledByScript ? undefined : asHeartbeat(one, query)) ??
      asKeepalived(one, query);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The refusal, for the operator. */
export function foreignManagerText(path: string, { program, pid, what, remedy }: ForeignManager) {
  const who = `${program} (pid ${pid}) manages ${what} already`;
  return `Cannot start for ${path}: ${who}; type: ${remedy}`;
}
