/**
 * Waits until a change has had its effect: the connections of a drained real server have ended,
 * an enabled one is up.
 *
 * @module
 */

import { formatEndpoint } from "../net/address.ts";
import type { ServerSnapshot, Snapshot } from "../status/index.ts";
import type { Changed, ControlClient } from "./client.ts";
import { sleep } from "./terminal.ts";

/** Often enough to look immediate, seldom enough to cost nothing. */
const pollIntervalMs = 200;

/** What is waited for. */
export type WaitGoal = "no-connections" | "up";

/** What to wait for, and how long. */
export interface WaitOptions {
  readonly client: Pick<ControlClient, "snapshot">;
  readonly changed: Changed["changed"];
  readonly goal: WaitGoal;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal;
  /** Told what is left whenever that has changed. */
  readonly onProgress: (left: number) => void;
}

/** How a wait ended, and what was left. */
export interface WaitResult {
  readonly outcome: "done" | "timeout" | "interrupted";
  readonly left: number;
}

/** The changed servers, as far as they are still there. */
export function findServers(
  { services }: Pick<Snapshot, "services">,
  changed: Changed["changed"],
): readonly ServerSnapshot[] {
  return changed.flatMap((one) => {
    const service = services.find(({ name }) => name === one.service);
    // The director names a server as configured; its key may have the resolved address.
    const isMeant = ({ key, host, port }: ServerSnapshot): boolean =>
      key === one.server || formatEndpoint({ address: host, port }) === one.server;
    return service?.realServers.filter(isMeant) ?? [];
  });
}

/** Connections, half-closed ones too, or servers that are not up yet. Pure. */
export function countLeft(servers: readonly ServerSnapshot[], goal: WaitGoal): number {
  if (goal === "up") return servers.filter(({ health }) => health !== "up").length;
  return servers.reduce(
    (sum, { activeConnections, inactiveConnections }) =>
      sum + activeConnections + inactiveConnections,
    0,
  );
}

/** Waits; see {@link WaitOptions}. */
export async function waitForChange(options: WaitOptions): Promise<WaitResult> {
  const { client, changed, goal, timeoutMs = Infinity, signal, onProgress } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let left = -1;
  while (!signal.aborted) {
    let now: number;
    try {
      now = countLeft(findServers(await client.snapshot(), changed), goal);
    } catch (error) {
      if (signal.aborted) break;
      throw error;
    }
    if (now !== left) onProgress(now);
    left = now;
    if (left === 0) return { outcome: "done", left };
    if (performance.now() >= deadlineMs) return { outcome: "timeout", left };
    await sleep(Math.min(pollIntervalMs, deadlineMs - performance.now()), signal);
  }
  return { outcome: "interrupted", left: Math.max(0, left) };
}
