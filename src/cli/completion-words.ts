/**
 * What can follow a command, told from its usage and its help, which say it anyway. Pure.
 *
 * A usage has options as `[--config FILE…]` or `[-a|-b VALUE]`, operands in capitals, and words to
 * choose from in small letters: `bash|zsh|fish`. The help has options as `-c, --config FILE  what`,
 * two blanks before it, and words as `VERB is start, stop or status.`
 *
 * @module
 */

import type { Command } from "./command.ts";

/** One option. */
export interface OptionWord {
  /** With the dashes: `--config`, `-c`. */
  readonly name: string;
  /** Same option in another form; undefined if there is none. */
  readonly short: string | undefined;
  /** What must follow: a file, or something that cannot be guessed. */
  readonly value: "file" | "other" | undefined;
  /** First line of its help; empty if the help says nothing. */
  readonly about: string;
}

/** What can follow one command. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWord[];
  /** To choose from: roles, verbs, shells. */
  readonly words: readonly string[];
  readonly takesFiles: boolean;
}

const optionPattern = String.raw`-{1,2}[A-Za-z][a-z-]*`;
/** Options that mean the same or exclude each other, and what follows each of them. */
const optionsPattern = new RegExp(
  String.raw`(?<![\w-])(${optionPattern}(?:(?:\||, )${optionPattern})*)(?: ([A-Z][\w:]*))?`,
  "g",
);
/** A line of the help about an option: term and text, two blanks or more between them. */
const helpLine = /^ {2}(-.*?)(?: {2,}(\S.*))?$/gm;
const fileOperand = /\b(?:FILE|CONFIG)\b/;

function valueOf(placeholder: string | undefined): OptionWord["value"] {
  if (placeholder === undefined) return undefined;
  return fileOperand.test(placeholder) ? "file" : "other";
}

function isLong(name: string): boolean {
  return name.startsWith("--");
}

/** Options of one piece of text. `-c, --config` is one option, `--stats, --rate` are two. */
function optionsIn(text: string, about: string): OptionWord[] {
  return [...text.matchAll(optionsPattern)].flatMap(([, names = "", placeholder]): OptionWord[] => {
    const value = valueOf(placeholder);
    const all = names.split(/\||, /);
    const [first = "", second] = all;
    const isPair = all.length === 2 && second !== undefined && !isLong(first) && isLong(second);
    if (isPair) return [{ name: second, short: first, value, about }];
    return all.map((name) => ({ name, short: undefined, value, about }));
  });
}

/** The same option may stand in the usage and in the help: what each knows is put together. */
function merge(options: readonly OptionWord[]): OptionWord[] {
  const merged = new Map<string, OptionWord>();
  for (const option of options) {
    const { name, short, value, about } = merged.get(option.name) ?? option;
    merged.set(name, {
      name,
      short: short ?? option.short,
      value: value ?? option.value,
      about: about === "" ? option.about : about,
    });
  }
  const shorts = new Set([...merged.values()].map(({ short }) => short));
  return [...merged.values()].filter(({ name }) => !shorts.has(name));
}

/** Words to choose from. */
function wordsOf({ name, usage, details = "" }: Command): string[] {
  const plain = usage.replace(optionsPattern, "");
  const words = (plain.match(/(?<![\w-])[a-z]{2,}(?!\w)/g) ?? []).filter((word) => word !== name);
  const [, listed = ""] = /^[A-Z]+ is ((?:[a-z-]+, )*[a-z-]+ or [a-z-]+)\.$/m.exec(details) ?? [];
  return [...new Set([...words, ...listed.split(/, | or /)])].filter((word) => word !== "");
}

/** What can follow `command`. */
export function completionWords(command: Command): CommandWords {
  const { name, summary, usage, details = "" } = command;
  const lines = [...details.matchAll(helpLine)];
  const described = lines.flatMap(([, term = "", about = ""]) => optionsIn(term, about));
  return {
    name,
    summary,
    options: merge([...described, ...optionsIn(usage, "")]),
    words: wordsOf(command),
    takesFiles: fileOperand.test(usage.replace(optionsPattern, "")),
  };
}
