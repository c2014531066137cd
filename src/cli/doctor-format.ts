/**
 * What `doctor` prints. Pure.
 *
 * @module
 */

import type { NamedOutcome, OutcomeState } from "../host/index.ts";
import { cleanText } from "./terminal.ts";
import type { Palette } from "./terminal.ts";

/** Outcomes of one part, under its heading. */
export interface DoctorReport {
  readonly role: "realserver" | "director";
  readonly outcomes: readonly NamedOutcome[];
}

const words: Readonly<Record<OutcomeState, string>> = {
  ok: "ok",
  wrong: "WRONG",
  unknown: "unknown",
  note: "note",
};

function paintOf(state: OutcomeState, palette: Palette): (text: string) => string {
  if (state === "wrong") return palette.bad;
  if (state === "ok") return palette.good;
  return state === "unknown" ? palette.warn : palette.soft;
}

/** Number of findings. */
export function countFindings(reports: readonly DoctorReport[]): number {
  return reports.flatMap(({ outcomes }) => outcomes).filter(({ state }) => state === "wrong")
    .length;
}

/** All outcomes, a line each; below a finding what mends it. */
export function formatDoctor(reports: readonly DoctorReport[], palette: Palette): string {
  const all = reports.flatMap(({ outcomes }) => outcomes);
  const idWidth = Math.max(0, ...all.map(({ id }) => id.length));
  const stateWidth = Math.max(...Object.values(words).map((word) => word.length));
  const sections = reports.map(({ role, outcomes }) => {
    const lines = outcomes.map(({ id, state, text, remedy }) => {
      const word = paintOf(state, palette)(words[state].padEnd(stateWidth));
      const line = `  ${word}  ${id.padEnd(idWidth)}  ${cleanText(text)}\n`;
      const blank = " ".repeat(stateWidth + idWidth + 6);
      return remedy === undefined ? line : `${line}${blank}mend: ${cleanText(remedy)}\n`;
    });
    return `${role}\n${lines.join("")}`;
  });
  const findings = countFindings(reports);
  const summary = findings === 0 ? "Nothing is wrong." : `${findings} to mend.`;
  return `${sections.join("\n")}\n${summary}\n`;
}
