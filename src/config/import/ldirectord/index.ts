/**
 * ldirectord.cf: reading it, and what is in force in it.
 *
 * `parse.ts` reads lines and blocks with the tables of `global.ts`, `virtual.ts` and `member.ts`
 * into the nouns of `model.ts`; `effective.ts` resolves defaults; `native.ts` writes native TOML.
 *
 * @module
 */

export { readLdirectord } from "./document.ts";
export type { LdirectordDocument, LdirectordRun } from "./document.ts";
export { readHostTable } from "./host.ts";
export { effectiveCheckPort, effectiveSettings } from "./effective.ts";
export type { EffectiveSettings } from "./effective.ts";
export type {
  GlobalSettings,
  LdirectordConfig,
  LdirectordFallback,
  LdirectordReal,
  LdirectordVirtual,
} from "./model.ts";
export { parseLdirectord } from "./parse.ts";
export type { LdirectordHost, LdirectordResult } from "./parse.ts";
export { virtualId } from "./virtual.ts";
export { toNative } from "./native.ts";
export type { NativeText } from "./native.ts";
