/**
 * The kernel's IPVS as an engine.
 *
 * @module
 */

export { createIpvsEngine } from "./engine.ts";
export type { IpvsEngineOptions } from "./engine.ts";
export { ipvsRefusal } from "./refuse.ts";
export type { IpvsWish } from "./refuse.ts";
