/**
 * Reads a keepalived.conf and writes the native configuration that means the same.
 *
 * The way of a text: `lexer.ts` (words and braces) → `tree.ts` (directives, includes, parameters)
 * → `vrrp.ts`, `service.ts` and what they use (native tables) → TOML, which is then checked like
 * any other configuration. Tolerant: what has no equal is left out with a warning. Pure; facts
 * from keepalived.conf(5) and the behaviour of keepalived 2.2 and 2.3.
 *
 * @module
 */

export { importKeepalived } from "./import.ts";
export type { ImportedConfig } from "./import.ts";
export type { IncludedFile, ReadInclude } from "./tree.ts";
