/**
 * Is a text a pattern that checks can run: RE2 syntax, linear time (re2js).
 *
 * Loaded with `require` by the one who needs it: a director without patterns must not pay for
 * the engine's memory. Pure.
 *
 * @module
 */

import { RE2JS } from "re2js";

/** Longest pattern, in characters; a program of it stays small. */
const patternCharactersMax = 4096;

/** Why `pattern` cannot be used; undefined if it can. */
export function patternFault(pattern: string): string | undefined {
  if (pattern.length > patternCharactersMax)
    return `longer than ${patternCharactersMax} characters`;
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return explain(pattern, error instanceof Error ? error.message : String(error));
  }
}

/** Names what Perl and JavaScript have and linear time forbids; else the engine's own words. */
function explain(pattern: string, message: string): string {
  if (/\(\?<?[=!]/.test(pattern)) return "look-around is not possible in linear time";
  if (/\\[1-9]|\\k[<{']/.test(pattern)) return "back references are not possible in linear time";
  if (/\(\?>|[*+?}]\+/.test(pattern))
    return "atomic groups and possessive repeats do not exist in RE2";
  return message.replace(/^error parsing regexp: /, "").slice(0, 160);
}
