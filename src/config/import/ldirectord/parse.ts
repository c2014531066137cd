/**
 * Reads an ldirectord.cf: lines, blocks, comments. Linear in the size of the text, and total:
 * whatever the text is, the answer is a value.
 *
 * Facts: ldirectord(8), and what ldirectord 4.12 does with files that people have published. Where
 * it is only a bug that costs users, this reader does better; the decision record on ldirectord
 * has the list. Pure.
 *
 * @module
 */

import { fileBytesMax } from "../../document.ts";
import { problemsMax } from "../../problem.ts";
import type { Problem, Warning } from "../../problem.ts";
import { suggestNote } from "../../suggest.ts";
import { emptyGlobals, globalReaders } from "./global.ts";
import { readHostTable } from "./host.ts";
import { createJournal, tellProblem } from "./journal.ts";
import { finishVirtual, memberReaders } from "./member.ts";
import type { GlobalSettings, LdirectordConfig, LdirectordVirtual } from "./model.ts";
import { readPortTable } from "./service.ts";
import type { Directive, Reading } from "./value.ts";
import { readVirtual, virtualId } from "./virtual.ts";

/** What the host knows; everything may be missing. */
export interface LdirectordHost {
  /** Text of services(5), over a table of well-known names. */
  readonly services?: string;
  /** Text of hosts(5): names in ranges and virtual services are looked up here. */
  readonly hosts?: string;
  /** For the logins that ldirectord makes up. */
  readonly hostName?: string;
}

/** Outcome of {@link parseLdirectord}; the warnings are those of reading. */
export interface LdirectordResult {
  readonly ok: boolean;
  /** Complete if `ok`; otherwise what could be read. */
  readonly config: LdirectordConfig;
  readonly problems: readonly Problem[];
  /** Problems beyond those told. */
  readonly omitted: number;
  readonly warnings: readonly Warning[];
}

/** Real servers of one file, as of a native one. */
const realsMax = 100_000;

/** Virtual services of one file, as of a native one. */
const virtualsMax = 20_000;

/** State of one reading. */
interface State {
  readonly reading: Reading;
  readonly globals: GlobalSettings;
  readonly globalLines: Map<string, number>;
  readonly virtuals: LdirectordVirtual[];
  readonly lineById: Map<string, number>;
  current: LdirectordVirtual | undefined;
  /** Line that ended the last virtual service, if it was an empty one. */
  emptyLine: number | undefined;
}

/** Reads a file. Never throws. */
export function parseLdirectord(
  text: string,
  file: string,
  host: LdirectordHost = {},
): LdirectordResult {
  const journal = createJournal(file);
  const reading: Reading = {
    journal,
    ports: readPortTable(host.services ?? ""),
    hosts: readHostTable(host.hosts ?? ""),
    hostName: host.hostName ?? "localhost",
    realsLeft: realsMax,
  };
  const state: State = {
    reading,
    globals: emptyGlobals(),
    globalLines: new Map(),
    virtuals: [],
    lineById: new Map(),
    current: undefined,
    emptyLine: undefined,
  };
  readLines(text, state);
  const { globals, globalLines, virtuals } = state;
  for (const virtual of virtuals) finishVirtual(virtual, globals.fork === true, reading);
  const { problems, omitted, warnings } = journal;
  const ok = problems.length === 0;
  return {
    ok,
    config: { file, globals, globalLines, virtuals },
    problems: problems.toSorted((a, b) => a.line - b.line),
    omitted,
    warnings: warnings.toSorted((a, b) => a.line - b.line),
  };
}

function readLines(text: string, state: State): void {
  const { journal } = state.reading;
  if (text.length > fileBytesMax) {
    const expected = `a file of at most ${fileBytesMax} bytes`;
    tellProblem(journal, { line: 0, path: "", expected, found: "a larger one" });
    return;
  }
  const plain = text.startsWith("\uFEFF") ? text.slice(1) : text;
  let line = 0;
  for (const raw of plain.split("\n")) {
    line++;
    readLine(raw.trimEnd(), line, state);
  }
  endVirtual(state);
}

function readLine(raw: string, line: number, state: State): void {
  if (/^\s*#/.test(raw)) return;
  if (raw === "") {
    if (state.current !== undefined) state.emptyLine = line;
    endVirtual(state);
    return;
  }
  if (state.current !== undefined) {
    const expanded = raw.replaceAll("\t", "    ");
    if (expanded.startsWith("    ")) {
      const cut = expanded.indexOf("#");
      const member = cut === -1 ? expanded : expanded.slice(0, cut);
      readMember(member.trim(), line, { virtual: state.current, reading: state.reading });
      return;
    }
    state.emptyLine = undefined;
    endVirtual(state);
  }
  readGlobal(raw, line, state);
}

/** Takes `key = value` apart; the key is empty if there is none. */
function splitDirective(text: string, line: number): Directive {
  const match = /^([a-z][a-z0-9-]*)\s*(?:=\s*(.*))?$/.exec(text);
  if (match === null) return { line, key: "", value: text };
  return { line, key: match[1]!, value: match[2] };
}

/** Longest part of a line that a message shows. */
const shownMax = 40;

function tellUnknown(
  text: string,
  directive: Directive,
  {
    known,
    reading,
    note,
  }: { readonly known: Iterable<string>; readonly reading: Reading; readonly note?: string },
): void {
  // Comparing words is dear where nobody reads the answer.
  if (reading.journal.problems.length >= problemsMax) {
    reading.journal.omitted++;
    return;
  }
  const key = directive.key === "" ? text.split("=")[0]!.trim() : directive.key;
  const found = key.slice(0, shownMax);
  const hint = note ?? suggestNote(key, known);
  const expected = "a directive of ldirectord";
  tellProblem(reading.journal, { line: directive.line, path: "", expected, found, note: hint });
}

function readMember(
  text: string,
  line: number,
  { virtual, reading }: { readonly virtual: LdirectordVirtual; readonly reading: Reading },
): void {
  const directive = splitDirective(text, line);
  const reader = memberReaders.get(directive.key);
  if (reader === undefined || directive.value === undefined) {
    const isGlobal = globalReaders.has(directive.key);
    const note = isGlobal ? { note: "this one stands outside of virtual services" } : {};
    tellUnknown(text, directive, { known: memberReaders.keys(), reading, ...note });
    return;
  }
  virtual.lines.set(directive.key, line);
  reader(virtual, directive, reading);
}

function readGlobal(raw: string, line: number, state: State): void {
  const { reading, globals, globalLines } = state;
  const directive = splitDirective(raw, line);
  const { key, value } = directive;
  if ((key === "virtual" || key === "virtual6") && value !== undefined) {
    startVirtual(directive, state);
    return;
  }
  const reader = globalReaders.get(key);
  if (reader === undefined || (value === undefined && key !== "supervised")) {
    const note = explainStray(raw, state);
    const known = [...globalReaders.keys(), "virtual", "virtual6"];
    tellUnknown(raw, directive, { known, reading, ...(note !== undefined && { note }) });
    return;
  }
  globalLines.set(key, line);
  reader(globals, directive, reading);
}

/** Why a line that looks like one of a virtual service is none. */
function explainStray(raw: string, { emptyLine }: State): string | undefined {
  const { key } = splitDirective(raw.trim(), 0);
  if (globalReaders.has(key) && !memberReaders.has(key)) {
    return "a line outside of virtual services starts in the first column";
  }
  if (!memberReaders.has(key)) {
    return /^\s*virtual6?\b/.test(raw) ? "virtual starts in the first column" : undefined;
  }
  if (emptyLine !== undefined) return `the empty line ${emptyLine} ended the virtual service`;
  return "lines of a virtual service follow it, indented by four blanks or a tab";
}

function startVirtual(directive: Directive, state: State): void {
  const { reading, virtuals } = state;
  const virtual = readVirtual(reading, directive);
  state.current = virtual;
  if (virtuals.length === virtualsMax) {
    const expected = `at most ${virtualsMax} virtual services`;
    const { line } = directive;
    tellProblem(reading.journal, { line, path: "virtual", expected, found: "more" });
  }
  if (virtuals.length < virtualsMax) virtuals.push(virtual);
}

function endVirtual(state: State): void {
  const { current, lineById, reading } = state;
  state.current = undefined;
  // A stand-in after a problem is nobody's double.
  if (current === undefined || (current.address === undefined && current.fwmark === undefined)) {
    return;
  }
  const id = virtualId(current);
  const other = lineById.get(id);
  if (other === undefined) lineById.set(id, current.line);
  else {
    const { line } = current;
    const expected = "each virtual service once";
    const note = `the other is at line ${other}`;
    tellProblem(reading.journal, { line, path: "virtual", expected, found: id, note });
  }
}
