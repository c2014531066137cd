/**
 * What the main thread and a proxy worker say to each other.
 *
 * Down: one {@link WorkerStart} by postMessage, then {@link WorkerCommand}s through the mailbox.
 * Up: {@link WorkerMessage}s by postMessage, which works from a thread that never yields.
 *
 * @module
 */

import type { ForwardingService } from "../../model/index.ts";
import type { ConnectionEntry, EngineEvent } from "../engine.ts";

/** Everything a worker needs; it sees no arguments and no environment of its own. */
export interface WorkerStart {
  readonly worker: number;
  readonly counters: SharedArrayBuffer;
  readonly persistence: SharedArrayBuffer;
  readonly mailbox: SharedArrayBuffer;
  /** eventfd that is signalled after each write to the mailbox. */
  readonly wakeFd: number;
  /** RLIMIT_NOFILE: descriptors are 0..descriptorsMax-1. */
  readonly descriptorsMax: number;
  readonly sockmap: boolean;
}

/** A service with the slots of its counters; `serverSlots` is parallel to `service.servers`. */
export interface SlottedService {
  readonly slot: number;
  readonly service: ForwardingService;
  readonly serverSlots: readonly number[];
}

/** What the main thread asks of a worker; `sequence` rises by one with each command. */
export type WorkerCommand = { readonly sequence: number } & (
  | { readonly type: "service"; readonly definition: SlottedService }
  /** Ends all flows of the service. Its listeners are gone by then. */
  | { readonly type: "remove-service"; readonly slot: number }
  /** Takes over a bound socket; the same descriptor again moves it to another service. */
  | {
      readonly type: "listen";
      readonly fd: number;
      readonly slot: number;
      readonly protocol: "tcp" | "udp";
      readonly address: string;
      readonly port: number;
    }
  /** Accepts what is queued, then lets go of the descriptor; the main thread closes it. */
  | { readonly type: "unlisten"; readonly fd: number }
  /**
   * Reads no datagrams of clients from the descriptor any more; answers still go out through it.
   * "listen" ends that.
   */
  | { readonly type: "mute"; readonly fd: number }
  | { readonly type: "list"; readonly limit: number }
  /** No new UDP flows; the sockets stay, for answers. TCP stops by "unlisten". */
  | { readonly type: "drain" }
  /** Resets every flow. */
  | { readonly type: "stop" }
  | { readonly type: "exit" }
);

/** A command without the number that the sender gives it. */
export type WorkerOrder = WorkerCommand extends infer Command
  ? Command extends unknown
    ? Omit<Command, "sequence">
    : never
  : never;

/** What a worker tells the main thread. */
export type WorkerMessage =
  | { readonly type: "started" }
  /** Every command up to `sequence` is done. */
  | { readonly type: "done"; readonly sequence: number }
  | {
      readonly type: "connections";
      readonly sequence: number;
      readonly entries: readonly ConnectionEntry[];
    }
  | { readonly type: "event"; readonly event: EngineEvent };
