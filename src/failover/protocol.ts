/**
 * What crosses between the main thread and the real-time thread: orders through the mailbox, events
 * by messages upwards, everything else in the status block.
 *
 * @module
 */

import type { ThreadClass } from "../../ffi/realtime.ts";
import type { FenceHook } from "../fence/index.ts";
import type { CauseName } from "../vrrp/index.ts";
import type { FenceGap } from "./fence-gaps.ts";
import type { InstancePlan, PeerPlan, TableDigest } from "./plan.ts";

/** What the thread starts with. */
export interface RealtimeStart {
  readonly mailbox: SharedArrayBuffer;
  readonly status: SharedArrayBuffer;
  /** Eventfd: there are orders. */
  readonly wakeFd: number;
  /** Folder for the pins of the fence; undefined: there is no fence to be had. */
  readonly fencePins: string | undefined;
  /** The director's end of the guard's pipe; -1: no guard. */
  readonly guardFd: number;
  /** Possible processors of the host. */
  readonly processors: number;
  /** Socket over which another process hands its virtual routers over; -1: there is none. */
  readonly batonFd: number;
}

/** How fit this node is to serve the addresses of one virtual router. */
export interface Fitness {
  readonly isFit: boolean;
  /** Real servers that are up. */
  readonly liveServers: number;
}

/** Orders, each numbered by the sender. */
export type RealtimeOrder =
  | {
      readonly type: "apply";
      readonly plans: readonly InstancePlan[];
      readonly peer?: PeerPlan | undefined;
    }
  | ({ readonly type: "fitness"; readonly instance: string } & Fitness)
  /** Whether a ping witness answers. */
  | { readonly type: "witness"; readonly instance: string; readonly isReached: boolean }
  /** A ping witness that was asked for `ask-witness` answered. */
  | { readonly type: "witness-proof"; readonly instance: string; readonly round: number }
  /** `instance` undefined: all of them. */
  | { readonly type: "standby"; readonly instance?: string }
  | { readonly type: "takeover"; readonly instance?: string; readonly force: boolean }
  /** The director ends soon: the addresses of all are handed over, connections may finish. */
  | { readonly type: "leave" }
  /** No connection is left of those that it had when it handed the addresses over. */
  | { readonly type: "drained"; readonly instance: string }
  /** Whether everything that the peer has was copied here: only then is preempted. */
  | { readonly type: "complete"; readonly isComplete: boolean }
  /** The fence is not first somewhere. */
  | { readonly type: "mend" }
  /** The mh tables of this director. */
  | ({ readonly type: "tables" } & TableDigest)
  /** The guard was started again: its pipe. */
  | { readonly type: "guard"; readonly fd: number }
  /** Opens what virtual routers need that another process still runs. */
  | {
      readonly type: "prepare";
      readonly plans: readonly InstancePlan[];
      readonly peer?: PeerPlan | undefined;
    }
  /** Hands all virtual routers to another process, and ends if that takes them. */
  | { readonly type: "yield"; readonly batonFd: number }
  /** Resigns everywhere, takes the addresses off and ends. */
  | { readonly type: "exit" };

/** State of a virtual router in words. */
export type InstanceState = "initialize" | "backup" | "active";

/** What the thread tells. Rare: a change of a state, a fault, a repair. */
export type RealtimeEvent =
  | { readonly type: "started"; readonly threadClass: ThreadClass; readonly fence: FenceState }
  | { readonly type: "done"; readonly sequence: number }
  /**
   * Goes on with the virtual routers of another process. `gapMs`: since that advertised last; 0 if
   * it was backup. `active`: those that have the addresses.
   */
  | { readonly type: "adopted"; readonly gapMs: number; readonly active: readonly string[] }
  /** The other process has everything and this thread ends; or it goes on. */
  | { readonly type: "yielded"; readonly isTaken: boolean }
  | {
      readonly type: "state";
      readonly instance: string;
      readonly state: InstanceState;
      readonly cause: CauseName;
    }
  /** Another node claims an address that this director has. Bounded in its rate. */
  | ({ readonly type: "conflict"; readonly instance: string } & ClaimedAddress)
  /** At start another node had an address that nobody advertises, or has it no more. */
  | ({
      readonly type: "holder";
      readonly instance: string;
      readonly isThere: boolean;
    } & ClaimedAddress)
  /** A ping witness must answer before it takes over; the order `witness-proof` names the round. */
  | { readonly type: "ask-witness"; readonly instance: string; readonly round: number }
  /** Something happened, or did not, without a change of state. */
  | { readonly type: "cause"; readonly instance: string; readonly cause: CauseName }
  /** The other director is heard on the peer channel, or no more. */
  | { readonly type: "peer"; readonly isReachable: boolean }
  /** Configurations or mh tables of the two differ for a while, or are the same again. */
  | {
      readonly type: "peer-comparison";
      readonly what: "configuration" | "tables";
      readonly isSame: boolean;
    }
  | { readonly type: "trouble"; readonly text: string }
  /** The fence is on other interfaces than before. */
  | { readonly type: "fence"; readonly fence: FenceState }
  /** Where the fence is, for the main thread to look after. */
  | { readonly type: "fence-hooks"; readonly hooks: readonly FenceHook[] }
  | { readonly type: "fence-repaired"; readonly device: string; readonly fault: string };

/** A virtual address, and who claims it. */
export interface ClaimedAddress {
  readonly address: string;
  /** `02:00:00:00:00:01`; empty: not known. */
  readonly mac: string;
}

/** What enforces the leases. */
export interface FenceState {
  readonly kind: "bpf" | "nft" | "none";
  /** Why there is none of bpf; empty if there is. */
  readonly reason: string;
  /** Interfaces that it is not on, though it should: no virtual router is active there. */
  readonly gaps: readonly FenceGap[];
}
