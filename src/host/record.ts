/**
 * What a setup has found and changed, kept in the state directory so that it can be taken back.
 *
 * The record is written before each change, so that a crash leaves nothing untold; a step in it
 * that was not carried out is seen as such when it is taken back. Pure.
 *
 * @module
 */

import type { RealServerMethod } from "./plan-realserver.ts";
import { targetOf } from "./step.ts";
import type { Step } from "./step.ts";

/** The record of one setup. */
export interface SetupRecord {
  readonly version: 1;
  /** Virtual addresses of a real server, canonical; empty for a director. */
  readonly vips: readonly string[];
  readonly method: RealServerMethod;
  /** In the order in which they were carried out; `from` is what the first run found. */
  readonly steps: readonly Step[];
}

/** The record before anything was done. */
export const emptyRecord: SetupRecord = { version: 1, vips: [], method: "gate", steps: [] };

/** The text of a record's file. */
export function formatRecord(record: SetupRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/** Fields that a step of each kind must have, and their types. */
const shapes: Readonly<Record<Step["kind"], Readonly<Record<string, string>>>> = {
  sysctl: { key: "string", from: "string", to: "string" },
  address: { address: "object" },
  prefix: { label: "string", address: "string", from: "number", to: "number" },
  up: { interface: "string" },
  module: { name: "string" },
  file: { path: "string", to: "string" },
  link: { path: "string", to: "string" },
};

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

function isStep(value: unknown): value is Step {
  if (!isFields(value)) return false;
  const { kind } = value;
  if (typeof kind !== "string" || !Object.hasOwn(shapes, kind)) return false;
  // `kind` was looked up in `shapes` just now.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const shape = Object.entries(shapes[kind as Step["kind"]]);
  return shape.every(([name, type]) => typeof value[name] === type && value[name] !== null);
}

/** A record from its file's text; undefined if it is none of ours. */
export function parseRecord(text: string): SetupRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(value) || value["version"] !== 1) return undefined;
  const { vips, method, steps } = value;
  if (!Array.isArray(vips) || !Array.isArray(steps)) return undefined;
  const isText = (one: unknown): one is string => typeof one === "string";
  if (!vips.every(isText) || !steps.every(isStep)) return undefined;
  return { version: 1, vips, method: method === "ipip" ? "ipip" : "gate", steps };
}

/** The record with one more step: of a target that is in it already the first `from` stays. */
export function withStep(record: SetupRecord, step: Step): SetupRecord {
  const index = record.steps.findIndex((one) => targetOf(one) === targetOf(step));
  if (index === -1) return { ...record, steps: [...record.steps, step] };
  const old = record.steps[index]!;
  // JSON has dropped a `from` that is undefined: what has none was not there.
  const hasFrom = ["sysctl", "prefix", "file", "link"].includes(step.kind);
  const merged = hasFrom ? { ...step, from: "from" in old ? old.from : undefined } : step;
  // Both are of one target, so of one kind.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { ...record, steps: record.steps.with(index, merged as Step) };
}
