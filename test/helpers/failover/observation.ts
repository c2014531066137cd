/**
 * What a client saw of an address ({@link startObserver}), and what follows from it.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "../netns.ts";
import { createTempFolder } from "../temp-folder.ts";

/** What the observer is told. */
export interface ObserverSettings {
  /** Device of the ordinary client, and another on the same wire for the questions. */
  readonly device: string;
  readonly watchDevice: string;
  /** IPv4 addresses of the other device, and the one that is watched. */
  readonly watcher: string;
  readonly virtual: string;
  /** Port of the service there. */
  readonly port: number;
  /** MAC addresses of the directors. */
  readonly directors: readonly string[];
  readonly seconds: number;
  /** Between two questions to each director. */
  readonly askIntervalMs: number;
  /** Between two fetches of a page; 0: none. */
  readonly pageIntervalMs: number;
  /** A page that was not there after this time has failed. */
  readonly pagePatienceMs: number;
  /** Of SCHED_FIFO. */
  readonly schedulingPriority: number;
  /** File for the observation. */
  readonly path: string;
}

/** What became of a page. */
export type PageOutcome = "ok" | "timeout" | "refused" | "reset" | "closed";

/** Times are ms of the monotonic clock. */
export interface Observation {
  readonly askedAtMs: readonly number[];
  /** Who answered this question: {@link directorBit} and {@link clientBit}. */
  readonly answers: readonly number[];
  readonly pages: readonly (readonly [startedMs: number, endedMs: number, PageOutcome])[];
  /** Gratuitous ARP that was heard; -1: of nobody known. */
  readonly claims: readonly (readonly [atMs: number, director: number])[];
}

/** The echo of an ordinary client was answered. */
export const clientBit = 1;

/** A director has answered what was sent to its MAC. */
export function directorBit(director: number, kind: "arp" | "echo"): number {
  return (kind === "arp" ? 2 : 4) << (2 * director);
}

/**
 * What counts as an answer: in a planned handover the director that gives an address up serves for
 * a while what still comes to its MAC address, an echo too, but answers no ARP.
 */
export type AnswerKind = "any" | "arp";

/** True if a director answered a question in this way. */
function hasAnswered(answers: number, director: number, kind: AnswerKind): boolean {
  const echo = kind === "any" ? directorBit(director, "echo") : 0;
  return (answers & (directorBit(director, "arp") | echo)) !== 0;
}

/** A time in which nothing was answered. */
export interface Gap {
  readonly fromMs: number;
  /** Infinity: not over at the end. */
  readonly toMs: number;
}

/** Failures further apart than this are two outages. */
const gapMs = 250;
/** A page that was asked for so shortly before belongs to what happened then. */
const underWayMs = 250;

/** Outages: from the first failure to the first success after the last one. */
function gapsOf(asked: readonly { readonly atMs: number; readonly isOk: boolean }[]): Gap[] {
  const gaps: { fromMs: number; lastMs: number; toMs: number }[] = [];
  for (const { atMs, isOk } of asked) {
    const gap = gaps.at(-1);
    if (isOk) {
      if (gap?.toMs === Infinity) gap.toMs = atMs;
    } else if (gap !== undefined && atMs - gap.lastMs < gapMs) {
      gap.lastMs = atMs;
      gap.toMs = Infinity;
    } else gaps.push({ fromMs: atMs, lastMs: atMs, toMs: Infinity });
  }
  return gaps.map(({ fromMs, toMs }) => ({ fromMs, toMs }));
}

/** Outages of an ordinary client's echo. */
export function echoGaps({ askedAtMs, answers }: Observation): Gap[] {
  return gapsOf(
    askedAtMs.map((atMs, index) => ({ atMs, isOk: (answers[index]! & clientBit) !== 0 })),
  );
}

/** Outages of the service. */
export function pageGaps({ pages }: Observation): Gap[] {
  const sorted = pages.toSorted(([one], [other]) => one - other);
  return gapsOf(sorted.map(([atMs, , outcome]) => ({ atMs, isOk: outcome === "ok" })));
}

/** Longest outage that ended after `sinceMs`, ms; 0: none. */
export function longestGapMs(gaps: readonly Gap[], sinceMs: number): number {
  const lengths = gaps
    .filter(({ toMs }) => toMs > sinceMs - underWayMs)
    .map(({ fromMs, toMs }) => toMs - fromMs);
  return Math.max(0, ...lengths);
}

/** Time in which several directors answered the same question, ms. */
export function sharedMs(
  { askedAtMs, answers }: Observation,
  directors: number,
  kind: AnswerKind = "any",
): number {
  let sumMs = 0;
  for (const [index, bits] of answers.entries()) {
    let count = 0;
    for (let director = 0; director < directors; director++) {
      if (hasAnswered(bits, director, kind)) count++;
    }
    // The last question stands for its millisecond.
    const nextMs = askedAtMs[index + 1] ?? askedAtMs[index]! + 1;
    if (count > 1) sumMs += nextMs - askedAtMs[index]!;
  }
  return sumMs;
}

/** Time of the last question that a director answered; undefined: none. */
export function lastAnswerMs(
  { askedAtMs, answers }: Observation,
  director: number,
  kind: AnswerKind = "any",
): number | undefined {
  return askedAtMs[answers.findLastIndex((bits) => hasAnswered(bits, director, kind))];
}

/** How often the answering director changed. */
export function ownerChanges(
  { answers }: Observation,
  directors: number,
  kind: AnswerKind = "any",
): number {
  let changes = 0;
  let owner: number | undefined;
  for (const bits of answers) {
    for (let director = 0; director < directors; director++) {
      if (!hasAnswered(bits, director, kind) || director === owner) continue;
      if (owner !== undefined) changes++;
      owner = director;
    }
  }
  return changes;
}

/** Who watches, what, and for how long. */
export interface ObserverOptions {
  readonly client: Host;
  readonly directors: readonly Host[];
  readonly virtual: string;
  readonly seconds: number;
  /** Asking each millisecond takes a quarter of a core. @default 1 */
  readonly askIntervalMs?: number;
  /** @default 0 */
  readonly pageIntervalMs?: number;
  /** More than a second tells lost pages from late ones. @default 200 */
  readonly pagePatienceMs?: number;
  /** @default 80 */
  readonly port?: number;
}

/** A client at work. */
export interface RunningObserver {
  /** Settles at the end of its time. */
  readonly observation: Promise<Observation>;
}

const device = "eth0";
/**
 * Answers of a node that should not have answered would tell the client's neighbour table where to
 * go. Those of a device of its own do not reach it.
 */
const watchDevice = "watch0";
const watcher = "10.99.0.250";

async function addWatchDevice(client: Host): Promise<void> {
  const commands = [
    ["link", "add", watchDevice, "link", device, "type", "macvlan", "mode", "bridge"],
    ["addr", "add", `${watcher}/32`, "dev", watchDevice],
    ["link", "set", watchDevice, "up"],
  ];
  // There already: it is not the first observer.
  if ((await client.run(["ip", "link", "show", watchDevice])).status === 0) return;
  for (const command of commands) {
    const { status, stderr } = await client.run(["ip", ...command]);
    if (status !== 0) throw new Error(`ip ${command.join(" ")}: ${stderr}`);
  }
}

const script = new URL("observer.ts", import.meta.url).pathname;
const root = new URL("../../..", import.meta.url).pathname;
/** Above everything that is measured. */
const schedulingPriority = 20;

/** MAC address of a host. */
export async function macOf(host: Host): Promise<string> {
  return (await host.run(["cat", "/sys/class/net/eth0/address"])).stdout.trim();
}

/** Starts watching; settles when it does. */
export async function startObserver({
  client,
  directors,
  virtual,
  seconds,
  askIntervalMs = 1,
  pageIntervalMs = 0,
  pagePatienceMs = 200,
  port = 80,
}: ObserverOptions): Promise<RunningObserver> {
  await addWatchDevice(client);
  const folder = createTempFolder();
  const path = join(folder.path, "observation.json");
  const settings: ObserverSettings = {
    device,
    watchDevice,
    watcher,
    virtual,
    port,
    directors: await Promise.all(directors.map(macOf)),
    seconds,
    askIntervalMs,
    pageIntervalMs,
    pagePatienceMs,
    schedulingPriority,
    path,
  };
  const started = client.spawn([process.execPath, script, JSON.stringify(settings)], { cwd: root });
  await started.waitForOutput(/observing/);
  const end = async (): Promise<Observation> => {
    try {
      await started.waitForOutput(/observed/, seconds * 1000 + 30_000);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- observer.ts wrote it.
      return JSON.parse(readFileSync(path, "utf8")) as Observation;
    } finally {
      folder[Symbol.dispose]();
    }
  };
  return { observation: end() };
}
