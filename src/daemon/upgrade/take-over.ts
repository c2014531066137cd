/**
 * The new director's part of an upgrade: it opens everything that is its own, learns what the old
 * one knows, and only then accepts in its place.
 *
 * @module
 */

import { bringIntoForce } from "../assembly.ts";
import type { Assembly } from "../assembly.ts";
import { takeOverrides } from "./predecessor.ts";
import type { Predecessor } from "./predecessor.ts";

/** Servers that the old director did not know are waited for so long, and names that are slow. */
const settleMsMax = 5000;
const settleLookMs = 5;

/** Settles when every server was checked, or after some time. */
async function settled({ parts: { clock }, state }: Assembly): Promise<void> {
  const endMs = clock.nowMs() + settleMsMax;
  while (!state.isReady && clock.nowMs() < endMs) {
    await new Promise<void>((resolve) => void clock.after(settleLookMs, resolve));
  }
}

/**
 * Takes over from `predecessor`; settles when this director is the only one.
 *
 * @throws {ApplianceError} `UPGRADE_FAILED`, `UPGRADE_TIMEOUT`: the old one goes on.
 */
export async function takeOver(assembly: Assembly, predecessor: Predecessor): Promise<void> {
  const { parts, state, engine, table, report } = assembly;
  const { failover: handed } = predecessor.state;
  await bringIntoForce(assembly);
  await settled(assembly);
  if (handed !== undefined) {
    await assembly.failover.prepare(state.loaded.config, handed, predecessor.batonFd);
    assembly.failover.judge(table.assessments());
  }
  const go = await predecessor.prepared(parts.program.version);
  const { overrides, revision } = takeOverrides(go);
  if (revision !== state.overridesRevision) {
    state.overrides = overrides;
    state.overridesRevision = revision;
    await bringIntoForce(assembly);
  }
  engine.bindClients?.(go.clients);
  await engine.setAccepting?.(true);
  // The kernel's engines were held back until here.
  table.request();
  await table.settled();
  await predecessor.taken();
  state.isTakingOver = false;
  // What follows who is active begins here.
  table.request();
  const { version, pid } = predecessor.state.from;
  const text = `Took over from version ${version}, process ${pid}`;
  report({ level: "info", name: "upgrade", kind: "start", text });
}
