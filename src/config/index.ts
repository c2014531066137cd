/**
 * Configuration: reading it, checking it, saying what is wrong, comparing two of them.
 *
 * Everything is pure but `load.ts`, which reads files. The way of a text:
 * `document.ts` (TOML to values) → `section.ts` and `schema/` (shape of each table) → `resolve/`
 * (defaults, tables compared with each other) → `Config`. What is wrong on the way is collected
 * in a `report.ts` and told at the end, with its line.
 *
 * @module
 */

export { requireDescriptors, requiredDescriptors } from "./descriptor.ts";
export type { DescriptorNeed } from "./descriptor.ts";
export { diffConfig } from "./diff.ts";
export type { ChangeKind, ConfigChange } from "./diff.ts";
export { formatDuration, parseDuration } from "./duration.ts";
export { explainConfig } from "./explain.ts";
export { formatConfig } from "./format.ts";
export type { FormatOptions } from "./format.ts";
export {
  importFile,
  importHeartbeatFiles,
  ldirectordConfigs,
  summariseHaCf,
} from "./import/index.ts";
export type {
  HaCfSummary,
  HeartbeatFiles,
  HeartbeatHost,
  ImportHost,
  ImportResult,
  LdirectordRun,
} from "./import/index.ts";
export { kindOfFile } from "./kind.ts";
export { findLdirectordFile, findScript, readNetworks } from "./load-heartbeat.ts";
export { loadConfig, readHostNames } from "./load.ts";
export { parseConfig } from "./parse.ts";
export type { LoadedConfig, LoadedLdirectord } from "./parse.ts";
export { ConfigError, formatProblem, formatWarning } from "./problem.ts";
export type { Problem, Warning } from "./problem.ts";
export type { Environment } from "./resolve/index.ts";
