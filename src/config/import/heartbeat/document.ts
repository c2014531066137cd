/**
 * Heartbeat's files as a document: the virtual routers and the peer that they mean, each with the
 * line of haresources that it comes from. Services stay in the ldirectord.cf files, which are
 * documents of their own. Pure, but for the questions to the caller in {@link HeartbeatHost}.
 *
 * @module
 */

import { formatPath, parseDocument } from "../../document.ts";
import type { Document, Origin } from "../../document.ts";
import type { Problem, Warning } from "../../problem.ts";
import { formatSection } from "../../toml.ts";
import type { HeartbeatHost } from "./host.ts";
import { readPair } from "./pair.ts";
import type { HeartbeatFiles, Pair } from "./pair.ts";
import { ldirectordConfigsOf, routersOf } from "./service.ts";
import { createTold } from "./told.ts";

/** Heartbeat's files, read. */
export interface HeartbeatDocument {
  readonly document: Document;
  readonly problems: readonly Problem[];
  /** Problems beyond those told. */
  readonly omitted: number;
  readonly warnings: readonly Warning[];
  readonly configs: readonly OwnedConfig[];
}

/** An ldirectord.cf that haresources names. */
export interface OwnedConfig {
  /** As it is named there. */
  readonly config: string;
  /** Virtual routers whose resource it is. */
  readonly routers: readonly string[];
}

/** The files cannot be used, and why stands in the problems. */
const faultTold = {
  line: 0,
  column: 0,
  expected: "files of Heartbeat",
  found: "ones with problems",
  note: undefined,
  isTold: true,
};

/** Reads the files. Never throws, whatever the texts are, as long as `host` does not. */
export function readHeartbeat(files: HeartbeatFiles, host: HeartbeatHost): HeartbeatDocument {
  const told = createTold();
  const pair = readPair(files, host, told);
  const file = files.haresources?.file ?? "haresources";
  const { problems, omitted } = told.refused();
  const { warnings } = told.finish(pair.haCf.file);
  const text = [
    formatSection("[peer]", pair.peer ?? {}),
    ...pair.instances.map(({ table }) => formatSection("[[vrrp]]", table)),
  ].join("\n");
  const { table } = parseDocument(text, file);
  const document: Document =
    problems.length > 0
      ? { file, text: "", table: undefined, fault: faultTold }
      : { file, text, table, fault: undefined, origin: originIn(pair) };
  return {
    document,
    problems,
    omitted,
    warnings: warnings.map((warning) => ({ ...warning, path: "" })),
    configs: ldirectordConfigsOf(pair.groups).map((config) => {
      return { config, routers: routersOf(config, pair.instances) };
    }),
  };
}

/** Keys have their native names: the words of three files would not say which one is meant. */
function originIn({ instances }: Pair): Origin {
  return (path) => {
    const [section, index, ...keys] = path;
    const group = section === "vrrp" ? instances[Number(index)]?.group : undefined;
    const name = section === "vrrp" ? formatPath(keys) : formatPath(path);
    return { line: group?.line ?? 0, path: name };
  };
}
