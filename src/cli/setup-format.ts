/**
 * What `setup` prints: plans, what was done, what was taken back. Pure.
 *
 * @module
 */

import { describeStep, describeUndo } from "../host/index.ts";
import type { SetupResult, Step, UndoResult } from "../host/index.ts";
import { cleanText, formatTable } from "./terminal.ts";

function formatSteps(steps: readonly Step[], describe = describeStep): string {
  const rows = steps.map((step) => {
    const { verb, object } = describe(step);
    return [{ text: verb }, { text: cleanText(object) }];
  });
  return formatTable(rows, "  ");
}

/** Files with their text, as they would be. */
function formatFiles(steps: readonly Step[]): string {
  return steps
    .flatMap((step) => {
      if (step.kind !== "file") return [];
      const lines = step.to.trimEnd().split("\n");
      return `\n${step.path}:\n${lines.map((line) => `  | ${line}`.trimEnd()).join("\n")}\n`;
    })
    .join("");
}

function formatNotes(notes: readonly string[]): string {
  return notes.map((note) => `note: ${cleanText(note)}\n`).join("");
}

/** What a run would do. */
export function formatPlan({ steps, notes }: SetupResult): string {
  if (steps.length === 0)
    return `Nothing to do: the host is as it should be.\n${formatNotes(notes)}`;
  const head = "Would change, in this order:\n";
  return `${head}${formatSteps(steps)}${formatNotes(notes)}${formatFiles(steps)}`;
}

/** What a run did. */
export function formatApplied({ steps, notes }: SetupResult): string {
  if (steps.length === 0)
    return `Nothing to do: the host is as it should be.\n${formatNotes(notes)}`;
  return `Changed:\n${formatSteps(steps)}${formatNotes(notes)}`;
}

/** What would be taken back. */
export function formatUndoPlan(steps: readonly Step[]): string {
  if (steps.length === 0) return "Nothing to take back.\n";
  return `Would take back, in this order:\n${formatSteps(steps, describeUndo)}`;
}

/** What was taken back, and what was not. */
export function formatUndone({ restored, left }: UndoResult): string {
  if (restored.length === 0 && left.length === 0) return "Nothing to take back.\n";
  const done = restored.map((text) => `  ${cleanText(text)}\n`).join("");
  const open = left.map((text) => `  ${cleanText(text)}\n`).join("");
  return `${done === "" ? "" : `Taken back:\n${done}`}${open === "" ? "" : `Left:\n${open}`}`;
}
