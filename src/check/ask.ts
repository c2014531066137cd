/**
 * What the checks of services have in common: their tools, what one run knows, how one asks.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import type { Clock } from "../clock/index.ts";
import type { CheckTarget } from "./check.ts";
import type { Connector, Deadline, Destination } from "./connector.ts";
import type { Failure } from "./failure.ts";
import type { PollLoop } from "./poll-loop.ts";
import type { TrustStore } from "./tls-trust.ts";

/** What the checks of services share. */
export interface ServiceCheckTools {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly pollLoop: PollLoop;
  readonly trustStore: TrustStore;
}

/** Everything one run knows. */
export interface Run {
  readonly target: CheckTarget;
  readonly destination: Destination;
  readonly deadline: Deadline;
  /** `receive`, compiled. */
  readonly pattern: RE2JS | undefined;
}

/** Asks once; undefined: up. Settles, and has closed what it opened, by the deadline. */
export type Ask = (run: Run) => Promise<Failure | undefined>;
