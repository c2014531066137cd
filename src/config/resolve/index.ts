/**
 * From tables of the right shape to a `Config`: defaults filled in, tables compared with each
 * other. The second half of a validation.
 *
 * @module
 */

export { resolveConfig, workersAuto } from "./config.ts";
export type { Environment } from "./config.ts";
export { createPatternCheck } from "./pattern-check.ts";
