/**
 * Reads Heartbeat's ha.cf, haresources and authkeys and writes the native configuration that means
 * the same on one of the nodes.
 *
 * `line.ts` (words) → `ha-cf.ts`, `haresources.ts`, `authkeys.ts` (what they say) → `node.ts`,
 * `timing.ts`, `path.ts`, `instance.ts`, `service.ts` (native tables), put together by `pair.ts` →
 * `import.ts` (the file), or `document.ts` for a director that runs from the files themselves.
 * Tolerant: what has no equal is left out with a warning at its line. Facts from ha.cf(5), the
 * comments in Heartbeat's sample files, and the behaviour of Heartbeat 2.1 and 3.0.
 *
 * @module
 */

export type { AuthkeysText } from "./authkeys.ts";
export type { HeartbeatHost, HostNetwork } from "./host.ts";
export { readHeartbeat } from "./document.ts";
export type { HeartbeatDocument } from "./document.ts";
export { importHeartbeat } from "./import.ts";
export { summariseHaCf } from "./summary.ts";
export type { HaCfSummary } from "./summary.ts";
export { ldirectordConfigs } from "./service.ts";
export type { ImportedHeartbeat } from "./import.ts";
export type { NamedText } from "./line.ts";
export type { HeartbeatFiles } from "./pair.ts";
