/**
 * Asks real servers by negotiate checks, and says in one line what came of it.
 *
 * @module
 */
import { createCheckFactory } from "../../src/check/index.ts";
import type { CheckTarget } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import type { ServiceCheckSpec } from "../../src/model/index.ts";
import { checkTarget, serviceSpec } from "./check-fixture.ts";
import type { ServicePeer } from "./service-peer.ts";

/** Generous: the machine may be busy. */
const generousMs = 8000;

/** Changes of the target, and the deadline. */
export type AskOptions = Partial<CheckTarget> & { readonly timeoutMs?: number };

/** Asks once: `up`, or `reason: detail`. */
export async function askOnce(
  spec: ServiceCheckSpec,
  port: number,
  { timeoutMs = generousMs, ...changes }: AskOptions = {},
): Promise<string> {
  const factory = createCheckFactory(systemClock, "nobody");
  try {
    const check = factory.create(serviceSpec(spec), changes.protocol ?? "tcp");
    const result = await check.run(checkTarget(port, changes), timeoutMs);
    return result.up ? "up" : `${result.reason}: ${result.detail}`;
  } finally {
    factory.close();
  }
}

/** The same of a program that is stopped meanwhile, and then goes on. */
export async function askStopped(
  peer: ServicePeer,
  spec: ServiceCheckSpec,
  options: AskOptions = {},
): Promise<string> {
  peer.process.kill("SIGSTOP");
  try {
    return await askOnce(spec, peer.ports[0]!, { timeoutMs: 200, ...options });
  } finally {
    peer.process.kill("SIGCONT");
  }
}
