/**
 * Writes tables as TOML: those with a header line by line, those within them inline. Pure.
 *
 * @module
 */

import { isNativeList as isList, isNativeTable as isTable } from "./native.ts";
import type { NativeTable, NativeValue } from "./native.ts";

/** A table under its header; nothing if there is nothing in it. */
export function formatSection(header: string, table: NativeTable): string {
  const lines = Object.entries(table)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} = ${formatLong(value)}\n`);
  return lines.length === 0 ? "" : `${header}\n${lines.join("")}`;
}

/** A value of a table with a header: lists of tables have a line for each. */
function formatLong(value: NativeValue): string {
  if (!isList(value) || !value.some(isTable)) return formatInline(value);
  return `[\n${value.map((one) => `  ${formatInline(one)},\n`).join("")}]`;
}

function formatInline(value: NativeValue): string {
  if (typeof value === "string") return formatText(value);
  if (isList(value)) return `[${value.map(formatInline).join(", ")}]`;
  if (!isTable(value)) return String(value);
  const entries = Object.entries(value)
    .filter(([, one]) => one !== undefined)
    .map(([key, one]) => `${key} = ${formatInline(one)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}

/** A basic string (TOML 1.0); JSON's escapes are a part of TOML's, but for DEL. */
function formatText(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
