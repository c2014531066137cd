/**
 * Files of other programs as native configuration: finds out whose file it is and translates it.
 *
 * One importer a folder; `importers` is the table of those that take one file. Heartbeat's files
 * belong together and have an entrance of their own. Pure, but for the questions to the caller in
 * {@link ImportHost} and {@link HeartbeatHost}.
 *
 * @module
 */

import type { Problem, Warning } from "../problem.ts";
import { importHeartbeat } from "./heartbeat/index.ts";
import type { HeartbeatFiles, HeartbeatHost } from "./heartbeat/index.ts";
import { importKeepalived } from "./keepalived/index.ts";
import type { ReadInclude } from "./keepalived/index.ts";
import { parseLdirectord, toNative } from "./ldirectord/index.ts";
import type { LdirectordHost } from "./ldirectord/index.ts";

export { ldirectordConfigs, readHeartbeat, summariseHaCf } from "./heartbeat/index.ts";
export type { HaCfSummary, HeartbeatFiles, HeartbeatHost, HostNetwork } from "./heartbeat/index.ts";
export { parseLdirectord, readLdirectord, toNative } from "./ldirectord/index.ts";
export type {
  LdirectordConfig,
  LdirectordDocument,
  LdirectordHost,
  LdirectordResult,
  LdirectordRun,
} from "./ldirectord/index.ts";

/** Outcome of {@link importFile}. */
export type ImportResult =
  | { readonly ok: true; readonly toml: string; readonly warnings: readonly Warning[] }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** Problems beyond those told. */
      readonly omitted: number;
      readonly warnings: readonly Warning[];
    };

/** Programs whose files are known. */
export type ImportKind = "ldirectord" | "keepalived";

/** What the host knows of names, and how included files of keepalived are read. */
export interface ImportHost extends LdirectordHost {
  readonly readInclude?: ReadInclude;
}

/** Translates one text. It never throws, whatever the text is. */
export type Importer = (text: string, path: string, host: ImportHost) => ImportResult;

const importers: Readonly<Record<ImportKind, Importer>> = {
  ldirectord: importLdirectord,
  keepalived: importKeepalivedFile,
};

/** Whose file it is, by its name, else by its content. */
export function detectKind(text: string, path: string): ImportKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.includes("keepalived")) return "keepalived";
  if (name.includes("ldirectord") || name.endsWith(".cf")) return "ldirectord";
  const block =
    /^[ \t]*(?:global_defs|vrrp_instance|vrrp_sync_group|vrrp_script|virtual_server|include)\b/m;
  return block.test(text) ? "keepalived" : "ldirectord";
}

/** Translates a file of another program to native TOML. Never throws, whatever the text is. */
export function importFile(text: string, path: string, host: ImportHost = {}): ImportResult {
  return importers[detectKind(text, path)](text, path, host);
}

function importLdirectord(text: string, path: string, host: ImportHost): ImportResult {
  const { ok, config, problems, omitted, warnings } = parseLdirectord(text, path, host);
  if (!ok) return { ok, problems, omitted, warnings };
  const native = toNative(config);
  return { ok, toml: native.toml, warnings: [...warnings, ...native.warnings] };
}

/** What must be mended by hand is a warning as long as there is a file to mend. */
function importKeepalivedFile(text: string, path: string, host: ImportHost): ImportResult {
  const { toml, warnings, problems } = importKeepalived(text, path, host.readInclude);
  const told = warnings.map((warning) => ({ ...warning, path: "" }));
  if (toml !== "") {
    return {
      ok: true,
      toml,
      warnings: [...told, ...problems.map((one) => ({ ...one, path: "" }))],
    };
  }
  const problem = nothingIn(path, "a virtual_server or vrrp_instance that can be used");
  return { ok: false, problems: [problem], omitted: 0, warnings: told };
}

/** What Heartbeat's files become, and the key that they hold. */
export interface HeartbeatResult {
  readonly result: ImportResult;
  /** Text of the key file that the result names, a secret; undefined: it names none. */
  readonly keyText: string | undefined;
}

/** Translates Heartbeat's files together. Never throws, whatever the texts are. */
export function importHeartbeatFiles(files: HeartbeatFiles, host: HeartbeatHost): HeartbeatResult {
  const { toml, keyText, problems, omitted, ...found } = importHeartbeat(files, host);
  const warnings = found.warnings.map((warning) => ({ ...warning, path: "" }));
  if (problems.length > 0) {
    return { result: { ok: false, problems, omitted, warnings }, keyText: undefined };
  }
  if (toml !== "") return { result: { ok: true, toml, warnings }, keyText };
  const file = files.haresources?.file ?? "haresources";
  const problem = nothingIn(file, "a virtual address or an ldirectord.cf that can be used");
  return { result: { ok: false, problems: [problem], omitted: 0, warnings }, keyText: undefined };
}

function nothingIn(file: string, expected: string): Problem {
  const message = `Expected ${expected}`;
  return { file, line: 0, column: 0, path: "", expected, found: "none", message };
}
