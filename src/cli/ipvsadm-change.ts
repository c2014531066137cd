/**
 * What to type instead of an ipvsadm command that changes the table. Pure.
 *
 * The director owns its table and puts it right at once, so a change made beside it would not
 * last; each command has its own way here. Options after ipvsadm(8).
 *
 * @module
 */

import type { OptionSpec, ParsedArguments } from "./arguments.ts";

/** A command of ipvsadm that changes something. */
interface Change {
  readonly option: OptionSpec;
  /** What there is instead; the words of a command come after a tab. */
  instead(given: ParsedArguments): string;
}

/** Text of an option for a command to type; a placeholder if it was not given or needs quotes. */
function shown(given: ParsedArguments, name: string, placeholder: string): string {
  const value = given.value(name);
  return value !== undefined && /^[\w.:[\]-]+$/.test(value) ? value : placeholder;
}

function serverOf(given: ParsedArguments): string {
  return shown(given, "real-server", "ADDRESS:PORT");
}

function editFile(what: string): () => string {
  return () => `${what} in the director's configuration file, then type\n\tappliance reload`;
}

function editServer(given: ParsedArguments): string {
  const server = serverOf(given);
  const weight = shown(given, "weight", "WEIGHT");
  if (weight === "0") return `Type\n\tappliance drain ${server}`;
  return `Type\n\tappliance weight ${server} ${weight}`;
}

function addServer(given: ParsedArguments): string {
  const server = serverOf(given);
  return (
    `For a real server that is in the configuration, type\n\tappliance enable ${server}\n` +
    "Add another one to the director's configuration file, then type\n\tappliance reload"
  );
}

function deleteServer(given: ParsedArguments): string {
  return (
    `Type\n\tappliance disable ${serverOf(given)}\n` +
    `To let its connections end first, type\n\tappliance drain ${serverOf(given)} --wait`
  );
}

const syncDaemon = (): string =>
  "There is no sync daemon to start or stop: what carries the services here has none";

const changes: readonly Change[] = [
  {
    option: { name: "add-service", short: "A" },
    instead: editFile("Add the virtual service"),
  },
  {
    option: { name: "edit-service", short: "E" },
    instead: editFile("Change the virtual service"),
  },
  {
    option: { name: "delete-service", short: "D" },
    instead: editFile("Remove the virtual service"),
  },
  {
    option: { name: "clear", short: "C" },
    instead: () => "The table empties when the director ends; type\n\tsystemctl stop appliance",
  },
  {
    option: { name: "restore", short: "R" },
    instead: editFile("Write the virtual services"),
  },
  { option: { name: "add-server", short: "a" }, instead: addServer },
  { option: { name: "edit-server", short: "e" }, instead: editServer },
  { option: { name: "delete-server", short: "d" }, instead: deleteServer },
  {
    option: { name: "zero", short: "Z" },
    instead: () =>
      "Counters start with the director and only grow; for what happens now, type\n" +
      "\tappliance list --rate",
  },
  { option: { name: "set" }, instead: editFile("Set idle, half_closed and udp_idle of timeouts") },
  { option: { name: "start-daemon", takesValue: true }, instead: syncDaemon },
  { option: { name: "stop-daemon", takesValue: true }, instead: syncDaemon },
];

/** Their options, and those that say what to change and how. */
export const changeOptions: readonly OptionSpec[] = [
  ...changes.map(({ option }) => option),
  { name: "sctp-service", takesValue: true },
  { name: "real-server", short: "r", takesValue: true },
  { name: "scheduler", short: "s", takesValue: true },
  // Its value may be left out, so it is taken for an operand.
  { name: "persistent", short: "p" },
  { name: "netmask", short: "M", takesValue: true },
  { name: "sched-flags", short: "b", takesValue: true },
  { name: "pe", takesValue: true },
  { name: "gatewaying", short: "g" },
  { name: "ipip", short: "i" },
  { name: "masquerading", short: "m" },
  { name: "tun-type", takesValue: true },
  { name: "tun-port", takesValue: true },
  { name: "tun-nocsum" },
  { name: "tun-csum" },
  { name: "tun-remcsum" },
  { name: "weight", short: "w", takesValue: true },
  { name: "u-threshold", short: "x", takesValue: true },
  { name: "l-threshold", short: "y", takesValue: true },
  { name: "ipv6", short: "6" },
  { name: "ops", short: "o" },
  { name: "mcast-interface", takesValue: true },
  { name: "syncid", takesValue: true },
  { name: "sync-maxlen", takesValue: true },
  { name: "mcast-group", takesValue: true },
  { name: "mcast-port", takesValue: true },
  { name: "mcast-ttl", takesValue: true },
];

/**
 * Why a command cannot be obeyed, and what to type instead, in lines; undefined if it changes
 * nothing.
 */
export function explainChange(given: ParsedArguments): string | undefined {
  const change = changes.find(({ option }) => given.has(option.name));
  if (change === undefined) return undefined;
  const { name, short } = change.option;
  const typed = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return `Cannot change the table with ${typed}: the director owns it\n${change.instead(given)}\n`;
}
