/**
 * Options and operands of a command line, in the manner of getopt_long(3). Pure.
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`, flags in a bunch as `-nS`; `--` ends the
 * options. Options may follow operands.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import { suggestNote } from "./suggestion.ts";

/** What a command takes. */
export interface ArgumentSpec {
  readonly options: readonly OptionSpec[];
  /** Number of operands; @default none at all */
  readonly operandsMin?: number;
  readonly operandsMax?: number;
}

/** One option. */
export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** One letter, or several that mean the same. */
  readonly short?: string;
  /** True: a value follows. */
  readonly takesValue?: boolean;
}

/** What was given. */
export interface ParsedArguments {
  /** True if the option was there. */
  has(name: string): boolean;
  /** Its last value. */
  value(name: string): string | undefined;
  /** All its values, in order. */
  values(name: string): readonly string[];
  readonly operands: readonly string[];
}

/** A command line that cannot be meant; code `CLI_USAGE`, exit status 64. */
export class UsageError extends ApplianceError {
  override readonly name = "UsageError";

  constructor(message: string) {
    super("CLI_USAGE", message);
  }
}

interface State {
  readonly spec: ArgumentSpec;
  readonly found: Map<string, string[]>;
  readonly operands: string[];
  /** Arguments not looked at yet. */
  readonly rest: string[];
}

function note({ found }: State, option: OptionSpec, value?: string): void {
  const values = found.get(option.name) ?? [];
  if (value !== undefined) values.push(value);
  found.set(option.name, values);
}

function takeValue(state: State, option: OptionSpec, shown: string): void {
  const value = state.rest.shift();
  if (value === undefined) throw new UsageError(`Expected a value after ${shown}`);
  note(state, option, value);
}

function takeLong(state: State, argument: string): void {
  const [name, ...parts] = argument.slice(2).split("=");
  const { options } = state.spec;
  const option = options.find((one) => one.name === name);
  if (option === undefined) {
    const known = options.map((one) => `--${one.name}`);
    throw new UsageError(`Unknown option --${name}${suggestNote(`--${name}`, known)}`);
  }
  if (option.takesValue !== true) {
    if (parts.length > 0) throw new UsageError(`Expected no value for --${name}`);
    note(state, option);
  } else if (parts.length > 0) note(state, option, parts.join("="));
  else takeValue(state, option, `--${name}`);
}

function takeShort(state: State, argument: string): void {
  for (let index = 1; index < argument.length; index++) {
    const letter = argument[index]!;
    const option = state.spec.options.find(({ short = "" }) => short.includes(letter));
    if (option === undefined) throw new UsageError(`Unknown option -${letter}`);
    if (option.takesValue !== true) note(state, option);
    else {
      const attached = argument.slice(index + 1);
      if (attached === "") takeValue(state, option, `-${letter}`);
      else note(state, option, attached);
      return;
    }
  }
}

function checkCount({ spec, operands }: State): void {
  const { operandsMin = 0, operandsMax = 0 } = spec;
  if (operands.length < operandsMin) {
    throw new UsageError(`Expected ${operandsMin} operands, got ${operands.length}`);
  }
  if (operands.length > operandsMax) throw new UsageError(`Unexpected ${operands[operandsMax]}`);
}

/**
 * Takes a command line apart.
 *
 * @throws {UsageError} `CLI_USAGE` for an unknown option, a missing or needless value, a wrong
 *   number of operands.
 */
export function parseArguments(args: readonly string[], spec: ArgumentSpec): ParsedArguments {
  const state: State = { spec, found: new Map(), operands: [], rest: [...args] };
  for (let next = state.rest.shift(); next !== undefined; next = state.rest.shift()) {
    if (next === "--") state.operands.push(...state.rest.splice(0));
    else if (next.startsWith("--")) takeLong(state, next);
    else if (next.startsWith("-") && next.length > 1) takeShort(state, next);
    else state.operands.push(next);
  }
  checkCount(state);
  const { found, operands } = state;
  return {
    has: (name) => found.has(name),
    value: (name) => found.get(name)?.at(-1),
    values: (name) => found.get(name) ?? [],
    operands,
  };
}

/** True if `name` stands among the options: for what must be known before parsing. */
export function mentions(args: readonly string[], ...names: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some((argument) => names.includes(argument));
}
