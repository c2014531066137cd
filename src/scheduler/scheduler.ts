/**
 * Interface of a scheduler.
 *
 * @module
 */
import type { SchedulerName } from "../model/index.ts";

/**
 * What a scheduler may know of a real server. The data path's own objects implement it; the
 * counters are live (getters), so a scheduler reads them when it picks and keeps no copy.
 */
export interface Candidate {
  /** `address:port`; hash tables are built in the order of it, so that both directors agree. */
  readonly key: string;
  /** Address folded to 32 bits, host order. */
  readonly addressWord: number;
  /** Share of new connections; 0: quiescent. */
  readonly weight: number;
  readonly activeConnections: number;
  readonly inactiveConnections: number;
  /** Above its upper threshold (and not yet back at its lower one). */
  readonly isOverloaded: boolean;
}

/** What a scheduler may know of a connection. The data path reuses one object: do not keep it. */
export interface Flow {
  /** Addresses folded to 32 bits (IPv6: exclusive or of its four words), host order, unsigned. */
  sourceWord: number;
  sourcePort: number;
  destinationWord: number;
  destinationPort: number;
}

/**
 * Picks the real server for each new connection of one virtual service.
 *
 * Never returns a candidate with weight 0, an overloaded one, or one of `tried`; every
 * implementation keeps the promises of test/contract/scheduler.test.ts. Not pure in one respect:
 * it keeps its position. Reads a clock only if its factory took one.
 */
export interface Scheduler {
  readonly name: SchedulerName;
  /** Takes a new set of candidates; keeps its position where it can. */
  update(candidates: readonly Candidate[]): void;
  /** @returns Undefined if no candidate may get the connection. */
  pick(flow: Flow, tried: readonly Candidate[]): Candidate | undefined;
}
