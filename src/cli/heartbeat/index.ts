/**
 * Programs of Heartbeat whose place this one takes: `hb_standby`, `hb_takeover`, `cl_status` and
 * `LVSSyncDaemonSwap`, over the control socket.
 *
 * @module
 */

export { createClStatus } from "./cl-status.ts";
export { createMove } from "./handover.ts";
export { lvsSyncDaemonSwap } from "./lvs-sync-daemon-swap.ts";
