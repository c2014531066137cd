/**
 * What crosses between the main thread and the real-time thread: orders through the mailbox, events
 * by messages upwards, everything else in the status block.
 *
 * @module
 */

import type { ThreadClass } from "../../ffi/realtime.ts";
import type { CauseName } from "../vrrp/index.ts";
import type { InstancePlan } from "./plan.ts";

/** What the thread starts with. */
export interface RealtimeStart {
  readonly mailbox: SharedArrayBuffer;
  readonly status: SharedArrayBuffer;
  /** Eventfd: there are orders. */
  readonly wakeFd: number;
  /** Folder for the pins of the fence; undefined: there is no fence to be had. */
  readonly fencePins: string | undefined;
  /** Write end of the guard's pipe; -1: no guard. */
  readonly guardFd: number;
  /** Possible processors of the host. */
  readonly processors: number;
}

/** Orders, each numbered by the sender. */
export type RealtimeOrder =
  | { readonly type: "apply"; readonly plans: readonly InstancePlan[] }
  | { readonly type: "fitness"; readonly isFit: boolean; readonly liveServers: number }
  /** `instance` undefined: all of them. */
  | { readonly type: "standby"; readonly instance?: string }
  | { readonly type: "takeover"; readonly instance?: string; readonly force: boolean }
  /** The guard was started again: its pipe. */
  | { readonly type: "guard"; readonly fd: number }
  /** Resigns everywhere, takes the addresses off and ends. */
  | { readonly type: "exit" };

/** State of a virtual router in words. */
export type InstanceState = "initialize" | "backup" | "active";

/** What the thread tells. Rare: a change of a state, a fault, a repair. */
export type RealtimeEvent =
  | { readonly type: "started"; readonly threadClass: ThreadClass; readonly fence: FenceState }
  | { readonly type: "done"; readonly sequence: number }
  | {
      readonly type: "state";
      readonly instance: string;
      readonly state: InstanceState;
      readonly cause: CauseName;
    }
  /** Something happened, or did not, without a change of state. */
  | { readonly type: "cause"; readonly instance: string; readonly cause: CauseName }
  | { readonly type: "trouble"; readonly text: string }
  | { readonly type: "fence-repaired"; readonly device: string; readonly fault: string };

/** What enforces the leases. */
export interface FenceState {
  readonly kind: "bpf" | "none";
  /** Why there is none; empty if there is. */
  readonly reason: string;
}
