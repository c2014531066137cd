/**
 * The path of `vip` checks: their packets carry the virtual address as those of clients do.
 *
 * @module
 */

export type { PathRecord } from "./layout.ts";
export { findVipPathObstacle } from "./obstacle.ts";
export { VipPaths } from "./vip-paths.ts";
export type { VipPath, VipPathsOptions } from "./vip-paths.ts";
