/**
 * Command line of ldirectord(8): `ldirectord [-d|--debug] [--] [CONFIG] VERB`.
 *
 * Pure, but for looking whether files exist.
 *
 * @module
 */

/** What can be asked for. */
export const verbs = [
  "start",
  "stop",
  "restart",
  "try-restart",
  "reload",
  "force-reload",
  "status",
] as const;
/** One of {@link verbs}. */
export type Verb = (typeof verbs)[number];

/** A command line, read. */
export type LdirectordRequest =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "wrong" }
  | {
      readonly kind: "verb";
      readonly verb: Verb;
      /** As given; undefined: the default one. */
      readonly config: string | undefined;
      readonly isDebug: boolean;
      /** Set by this program for the process that becomes the daemon: name in pid file and log. */
      readonly daemonName: string | undefined;
    };

/** Option by which `start` calls the process that becomes the daemon. */
export const daemonOption = "--daemon-of=";

/** Reads a command line, without the program's name. */
export function readCommandLine(args: readonly string[]): LdirectordRequest {
  const end = args.findIndex((arg) => arg === "--" || !arg.startsWith("-") || arg === "-");
  const options = end === -1 ? args : args.slice(0, end);
  const operands = end === -1 ? [] : args.slice(args[end] === "--" ? end + 1 : end);
  const has = (...names: readonly string[]): boolean =>
    options.some((option) => names.includes(option));
  if (has("-h", "-?", "--help")) return { kind: "help" };
  if (has("-v", "--version")) return { kind: "version" };
  const daemonName = options.find((option) => option.startsWith(daemonOption));
  const known = new Set(["-d", "--debug", daemonName]);
  if (!options.every((option) => known.has(option))) return { kind: "wrong" };
  const [first, second] = operands;
  const word = second ?? first;
  const verb = verbs.find((one) => one === word);
  if (verb === undefined || operands.length > 2) return { kind: "wrong" };
  return {
    kind: "verb",
    verb,
    config: second === undefined ? undefined : first,
    isDebug: has("-d", "--debug"),
    daemonName: daemonName?.slice(daemonOption.length),
  };
}

/** A configuration found. */
export interface FoundConfig {
  readonly path: string;
  /** In the names of pid file and log. */
  readonly name: string;
}

/** Folders that are looked into, before the name is taken as it is given. */
const folders = ["/etc/ha.d/", "/etc/ha.d/conf/"];

/** Taken if none is named. */
const defaultFile = "ldirectord.cf";

/** Name of that one in pid file and log. */
export const defaultName = "ldirectord";

/**
 * Finds a configuration as ldirectord does. The default one has the same name whether it was
 * named or not, so that there is one pid file for it.
 *
 * @returns The path that does not exist, if none does.
 */
export function findConfig(
  config: string | undefined,
  isFile: (path: string) => boolean,
): FoundConfig | string {
  const given = config ?? defaultFile;
  const path = [...folders.map((folder) => folder + given), given].find(isFile);
  if (path === undefined) return given;
  const isDefault = path === `${folders[0]}${defaultFile}`;
  const name = config === undefined || isDefault ? defaultName : fileNameOf(given);
  return { path, name };
}

function fileNameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
