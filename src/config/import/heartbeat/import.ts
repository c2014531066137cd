/**
 * ha.cf, haresources and authkeys to a native file, with the services of the ldirectord.cf files
 * that they name. Pure, but for the questions to the caller in {@link HeartbeatHost}.
 *
 * @module
 */

import type { Problem } from "../../problem.ts";
import { formatSection } from "../../toml.ts";
import type { ImportNote } from "../notes.ts";
import type { HeartbeatHost } from "./host.ts";
import type { Instance } from "./instance.ts";
import type { Nodes } from "./node.ts";
import { readPair } from "./pair.ts";
import type { HeartbeatFiles, Pair } from "./pair.ts";
import { checkResult } from "./result.ts";
import { translateServices } from "./service.ts";
import { createTold } from "./told.ts";
import type { Told } from "./told.ts";

/** What {@link importHeartbeat} gives. */
export interface ImportedHeartbeat {
  /** Native file; empty if there is no address and no service that can be used. */
  readonly toml: string;
  /** Text of the key file that `toml` names; a secret. Undefined: it names none. */
  readonly keyText: string | undefined;
  /** What was left out or changed, with its place in the file it was read from. */
  readonly warnings: readonly ImportNote[];
  /** What forbids the use of the files: Heartbeat or ldirectord would not start with it either. */
  readonly problems: readonly Problem[];
  /** Problems beyond those told. */
  readonly omitted: number;
}

/** Translates the files. Never throws, whatever the texts are, as long as `host` does not. */
export function importHeartbeat(files: HeartbeatFiles, host: HeartbeatHost): ImportedHeartbeat {
  const told = createTold();
  const pair = readPair(files, host, told);
  const toml = textOf(pair, host, told);
  const { warnings } = told.finish(pair.haCf.file);
  const keyText = toml === "" ? undefined : pair.keyText;
  return { toml, keyText, warnings: sortByPlace(warnings), ...told.refused() };
}

/** File by file, in the order in which they are first told of. */
function sortByPlace(notes: readonly ImportNote[]): readonly ImportNote[] {
  const files = new Map<string, number>();
  for (const { file } of notes) if (!files.has(file)) files.set(file, files.size);
  const rank = ({ file }: ImportNote): number => files.get(file)!;
  return notes.toSorted((a, b) => rank(a) - rank(b) || a.line - b.line);
}

function textOf(pair: Pair, host: HeartbeatHost, told: Told): string {
  const { nodes, instances, peer = {} } = pair;
  const services = translateServices(pair, host, told);
  if (instances.length === 0 && services === "") return "";
  const sections = [
    headOf(nodes, instances),
    formatSection("[peer]", peer),
    ...instances.map(({ table }) => formatSection("[[vrrp]]", table)),
    services,
  ];
  const toml = sections.filter((section) => section !== "").join("\n");
  checkResult(toml, pair, told);
  return toml;
}

function headOf({ own, names }: Nodes, instances: readonly Instance[]): string {
  const plain = (text: string): string => text.slice(0, 128).replaceAll(/\p{C}/gu, "?");
  const lines = [
    `# From Heartbeat's files, for the director ${plain(own)}. For the other one only priority,`,
    "# peers and [peer] differ.",
  ];
  if (instances.length > 0) {
    const from = names.slice(0, 8).map(plain).join(", ");
    lines.push(`# vrid: from a hash of the node names ${from}. Another number does as well, as`);
    lines.push("# long as both directors have it and nobody else on the network.");
  }
  return `${lines.join("\n")}\n`;
}
