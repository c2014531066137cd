/**
 * Files of other programs as native configuration: finds out whose file it is and translates it.
 *
 * One importer a folder; `importers` is the table of them. Pure.
 *
 * @module
 */

import type { Problem, Warning } from "../problem.ts";
import { importKeepalived } from "./keepalived/index.ts";
import type { ReadInclude } from "./keepalived/index.ts";
import { parseLdirectord, toNative } from "./ldirectord/index.ts";
import type { LdirectordHost } from "./ldirectord/index.ts";

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
  const expected = "a virtual_server or vrrp_instance that can be used";
  const problem = { file: path, line: 0, column: 0, path: "", expected, found: "none" };
  const message = `Expected ${expected}`;
  return { ok: false, problems: [{ ...problem, message }], omitted: 0, warnings: told };
}
