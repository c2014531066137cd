/**
 * Whose language a configuration file is written in, by its name, else by its content. Pure.
 *
 * @module
 */

/** Languages that are known. */
export type FileKind = "native" | "ldirectord" | "keepalived";

const keepalivedBlock =
  /^[ \t]*(?:global_defs|vrrp_instance|vrrp_sync_group|vrrp_script|virtual_server)\b[^=\n]*$/m;

/** No TOML: there these values would stand in quotes. */
const ldirectordLines = [
  /^(?:virtual6?|checktype|quiescent|autoreload)\s*=\s*[^\s"'[{]/m,
  /^virtual6\s*=\s*\[[\da-f:.]+\]:/im,
];

/** Finds out. What looks like nothing else is native. */
export function kindOfFile(text: string, path: string): FileKind {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name.endsWith(".toml")) return "native";
  if (name.endsWith(".cf")) return "ldirectord";
  if (name.includes("keepalived") || keepalivedBlock.test(text)) return "keepalived";
  const isOld = name.startsWith("ldirectord") || ldirectordLines.some((line) => line.test(text));
  return isOld ? "ldirectord" : "native";
}
