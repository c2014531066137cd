/**
 * `setup`: read, plan, apply, verify; and taking it back.
 *
 * All or nothing: if a step fails, or the host is not as planned in the end, the steps of this run
 * are taken back and the error says so.
 *
 * @module
 */

import { ApplianceError, errorText } from "../errors/index.ts";
import type { HostAccess } from "./access.ts";
import { carryOut, restore } from "./carry-out.ts";
import type { HostReader, Plan, RealServerMethod } from "./plan-realserver.ts";
import { emptyRecord, formatRecord, parseRecord, withStep } from "./record.ts";
import type { SetupRecord } from "./record.ts";
import { formatStep, undoOrder } from "./step.ts";
import type { Step } from "./step.ts";

/** A setup of one kind on one host. */
export interface SetupJob {
  readonly host: HostAccess;
  /** File of the record, absolute. */
  readonly recordPath: string;
  /** What is to be done, by the host as it is now. */
  plan(host: HostReader): Plan;
  /** What the record says of the wish. */
  readonly vips: readonly string[];
  readonly method: RealServerMethod;
}

/** What a run did, or would do. */
export interface SetupResult {
  readonly steps: readonly Step[];
  readonly notes: readonly string[];
}

/** A module may bring an interface that is then set up: so many plans, one after another. */
const passesMax = 3;

/**
 * Reads a record.
 *
 * @throws {ApplianceError} `SETUP_RECORD` if there is one that cannot be read.
 */
export function readRecord(
  host: Pick<HostAccess, "readFile" | "exists">,
  path: string,
): SetupRecord {
  const text = host.readFile(path);
  if (text === undefined && !host.exists(path)) return emptyRecord;
  const record = text === undefined ? undefined : parseRecord(text);
  if (record !== undefined) return record;
  throw new ApplianceError(
    "SETUP_RECORD",
    `Cannot make sense of ${path}, which says what an earlier setup found`,
  );
}

/**
 * The plan for the host as it is.
 *
 * @throws {ApplianceError} `SETUP_REFUSED`, `SETUP_NOT_SUPPORTED`.
 */
export function planSetup(job: Pick<SetupJob, "host" | "plan">): SetupResult {
  const { steps, refusals, unsupported, notes } = job.plan(job.host);
  if (refusals.length > 0) throw new ApplianceError("SETUP_REFUSED", refusals.join("\n"));
  if (unsupported.length > 0) {
    throw new ApplianceError("SETUP_NOT_SUPPORTED", unsupported.join("\n"));
  }
  return { steps, notes };
}

function pathsOf(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => ("path" in step ? [step.path] : []));
}

function requireRights(host: HostAccess, paths: readonly string[]): void {
  const missing = host.missingRights(paths);
  if (missing.length === 0) return;
  throw new ApplianceError(
    "SETUP_PERMISSION",
    `${missing.join("; ")}; nothing was changed. Run it as root`,
  );
}

/** Takes back what was just done, the last step first. @returns what that came to, in words. */
function rollBack(host: HostAccess, steps: readonly Step[]): string {
  const failures = undoOrder(steps)
    .map((step) => restore(host, step))
    .filter((one) => !one.done);
  if (failures.length === 0) return "everything is as it was before";
  return `not all could be taken back: ${failures.map(({ text }) => text).join("; ")}`;
}

interface Progress {
  record: SetupRecord;
  readonly carriedOut: Step[];
  readonly notes: Set<string>;
}

async function applyPass(job: SetupJob, progress: Progress, steps: readonly Step[]): Promise<void> {
  const { host, recordPath } = job;
  for (const step of steps) {
    progress.record = withStep(progress.record, step);
    host.writeFile(recordPath, formatRecord(progress.record));
    // Counted before it is tried: a step that fails half-way is taken back, too.
    progress.carriedOut.push(step);
    try {
      await carryOut(host, step);
    } catch (error) {
      throw new Error(`Cannot ${formatStep(step)}: ${errorText(error)}`, { cause: error });
    }
  }
}

async function applyAll(job: SetupJob, progress: Progress): Promise<void> {
  for (let pass = 1; pass <= passesMax; pass++) {
    const { steps, notes } = planSetup(job);
    for (const note of notes) progress.notes.add(note);
    if (steps.length === 0) return;
    await applyPass(job, progress, steps);
  }
  const { steps } = planSetup(job);
  if (steps.length === 0) return;
  throw new Error(`It does not hold: ${steps.map(formatStep).join("; ")} is still to be done`);
}

function writeRecordBack(job: SetupJob, before: string | undefined): void {
  if (before === undefined) job.host.remove(job.recordPath);
  else job.host.writeFile(job.recordPath, before);
}

const isUnitFile = (step: Step): boolean =>
  (step.kind === "file" || step.kind === "link") && step.path.startsWith("/etc/systemd/");

async function reloadUnits(host: HostAccess, steps: readonly Step[]): Promise<string[]> {
  if (!steps.some(isUnitFile)) return [];
  const failure = await host.reloadUnits();
  return failure === undefined ? [] : [`systemd was not told: ${failure}`];
}

/**
 * Makes the host as planned.
 *
 * @returns The steps carried out; none if the host was so already.
 * @throws {ApplianceError} `SETUP_REFUSED`, `SETUP_NOT_SUPPORTED`, `SETUP_PERMISSION`: nothing was
 *   changed. `SETUP_FAILED`: the text says what was taken back.
 */
export async function applySetup(job: SetupJob): Promise<SetupResult> {
  const { host, recordPath, vips, method } = job;
  const first = planSetup(job);
  const before = host.readFile(recordPath);
  const old = readRecord(host, recordPath);
  const record = { ...old, vips, method };
  const text = formatRecord(record);
  if (first.steps.length === 0 && (before === text || vips.length === 0)) return first;
  requireRights(host, [recordPath, ...pathsOf(first.steps)]);
  const progress: Progress = { record, carriedOut: [], notes: new Set(first.notes) };
  try {
    host.writeFile(recordPath, text);
    await applyAll(job, progress);
  } catch (error) {
    const outcome = rollBack(host, progress.carriedOut);
    writeRecordBack(job, before);
    await reloadUnits(host, progress.carriedOut);
    const code = error instanceof ApplianceError ? error.code : "SETUP_FAILED";
    throw new ApplianceError(code, `${errorText(error)}; ${outcome}`, { cause: error });
  }
  const notes = [...progress.notes, ...(await reloadUnits(host, progress.carriedOut))];
  return { steps: progress.carriedOut, notes };
}

/** What taking a setup back came to. */
export interface UndoResult {
  readonly restored: readonly string[];
  /** What is not as it was found, and why. */
  readonly left: readonly string[];
}

/** What {@link undoSetup} would try, in its order. */
export function planUndo(host: HostAccess, recordPath: string): readonly Step[] {
  return undoOrder(readRecord(host, recordPath).steps);
}

/**
 * Restores what the setup found, the last change first. What others have changed since is left.
 *
 * @throws {ApplianceError} `SETUP_PERMISSION`: nothing was changed. `SETUP_RECORD`.
 */
export async function undoSetup(host: HostAccess, recordPath: string): Promise<UndoResult> {
  const record = readRecord(host, recordPath);
  const steps = undoOrder(record.steps);
  if (steps.length === 0 && record.vips.length === 0) return { restored: [], left: [] };
  requireRights(host, [recordPath, ...pathsOf(steps)]);
  const outcomes = steps.map((step) => ({ step, ...restore(host, step) }));
  const failed = outcomes.filter((one) => one.failed).map((one) => one.step);
  // What the kernel refused can be tried again; what others changed is theirs.
  if (failed.length === 0) host.remove(recordPath);
  else
    host.writeFile(
      recordPath,
      formatRecord({ ...record, steps: record.steps.filter((one) => failed.includes(one)) }),
    );
  const trouble = await reloadUnits(host, steps);
  const texts = (isDone: boolean): string[] =>
    outcomes.filter((one) => one.done === isDone).map(({ text }) => text);
  return { restored: [...texts(true), ...adopted(record)], left: [...texts(false), ...trouble] };
}

/** Virtual addresses that were there before the first setup. */
function adopted({ vips, steps }: SetupRecord): string[] {
  const added = new Set(
    steps.flatMap((step) => (step.kind === "address" ? [step.address.address] : [])),
  );
  return vips
    .filter((address) => !added.has(address))
    .map((address) => `${address} was on lo before the setup, and stays`);
}
