/**
 * The old director's part of an upgrade: it starts the new one, hands it what it needs step by
 * step, and is the director until the new one has everything. Each step has its bound; whatever
 * goes wrong before the last one ends the new process, and the old one goes on as if nothing had
 * happened.
 *
 * @module
 */

import { openDescriptorPair } from "../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { ApplianceError, errorText } from "../../errors/index.ts";
import type { UpgradeResult } from "../../status/index.ts";
import type { Assembly } from "../assembly.ts";
import { formatOverrides } from "../overrides.ts";
import { conversationVersion } from "./message.ts";
import type { StateMessage } from "./message.ts";
import { endedWell } from "./successor.ts";
import type { Successor } from "./successor.ts";

/** To read the configuration, open everything and check what is new. */
const prepareMs = 15_000;
/** To begin to accept, and to load the programs of the kernel's engines on a busy host. */
const takeMs = 10_000;
/** Clients of persistent services that are handed over, more than the table of any engine holds. */
const clientsMax = 1_000_000;

/** What an upgrade works with. */
export interface HandOverOptions {
  readonly assembly: Assembly;
  /** Ends everything that only one director may have or do, but what its flows need. */
  readonly giveUp: (pid: number) => Promise<void>;
  /** A successor that did not take over is gone: removes what it has left. */
  readonly discard: (pid: number) => void;
  /** The successor has died after it took over: nobody is the director now. */
  readonly onSuccessorEnd: () => void;
}

/** Why this director cannot be replaced; undefined: it can. */
function obstacleOf({ parts, engine, state, failover }: Assembly): string | undefined {
  if (parts.startSuccessor === undefined) return "only one that was started by 'appliance run' can";
  // Process 1 of a container: with it everything in there ends.
  if (process.pid === 1) return "it is process 1, whose end is that of all others";
  if (engine.sharedListeners === undefined) {
    return `its engine (${state.loaded.config.proxy.engine}) cannot hand its listeners over`;
  }
  if (failover.view()?.fence?.kind === "nft") {
    return "its fence of nf_tables ends with its guard; type appliance standby, then restart it";
  }
  return undefined;
}

function overridesText({ state }: Assembly): string {
  return formatOverrides(state.overrides, state.overridesRevision);
}

/** What the new one begins with. */
function stateOf(assembly: Assembly): StateMessage {
  const { parts, engine, health, failover } = assembly;
  const listeners = engine.sharedListeners?.() ?? [];
  return {
    type: "state",
    version: conversationVersion,
    from: { version: parts.program.version, pid: process.pid },
    listeners: listeners.map(({ key, fds }) => ({ key, count: fds.length })),
    overrides: overridesText(assembly),
    health: health.known(),
    failover: failover.describe(),
  };
}

/** Sends what it begins with. @returns Socket for its real-time thread; undefined: it has none. */
async function begin(assembly: Assembly, successor: Successor): Promise<number | undefined> {
  const { engine, parts } = assembly;
  const state = stateOf(assembly);
  const baton = state.failover === undefined ? undefined : openDescriptorPair();
  const sockets = engine.sharedListeners?.().flatMap(({ fds }) => fds) ?? [];
  try {
    const theirs = baton === undefined ? [] : [baton[1]];
    await successor.send(state, [parts.lockFd!, ...theirs, ...sockets]);
  } catch (error) {
    if (baton !== undefined) closeDescriptor(baton[0]);
    throw error;
  } finally {
    if (baton !== undefined) closeDescriptor(baton[1]);
  }
  return baton?.[0];
}

/** What the new one is, and how virtual routers get to it. */
interface Prepared {
  readonly version: string;
  readonly batonFd: number | undefined;
}

async function prepare(assembly: Assembly, successor: Successor): Promise<Prepared> {
  const batonFd = await begin(assembly, successor);
  try {
    const message = await successor.expect("prepared", prepareMs);
    return { version: message.type === "prepared" ? message.version : "", batonFd };
  } catch (error) {
    if (batonFd !== undefined) closeDescriptor(batonFd);
    throw error;
  }
}

/** From here on the new one accepts, or this one again. */
async function passOn(
  assembly: Assembly,
  successor: Successor,
  batonFd: number | undefined,
): Promise<void> {
  const { engine, table, failover, state } = assembly;
  let isLeft = batonFd !== undefined;
  try {
    if (state.isStopping) throw new ApplianceError("UPGRADE_FAILED", "The director stops");
    await engine.setAccepting?.(false);
    const clients = engine.boundClients?.(Infinity, clientsMax) ?? [];
    await successor.send({ type: "go", overrides: overridesText(assembly), clients });
    await successor.expect("taken", takeMs);
    // Last of all: nothing is left that could fail in it.
    isLeft = false;
    if (batonFd !== undefined && !(await failover.yield(batonFd))) throw notTaken();
  } catch (error) {
    if (isLeft) closeDescriptor(batonFd!);
    // Two must not accept: this one does only when that one is gone.
    await successor.kill();
    await engine.setAccepting?.(true);
    table.request();
    throw error;
  }
}

function notTaken(): ApplianceError {
  const text = "The new executable did not take the virtual routers over, the old one goes on";
  return new ApplianceError("UPGRADE_FAILED", text);
}

async function handOver(options: HandOverOptions): Promise<UpgradeResult> {
  const { assembly, giveUp, discard, onSuccessorEnd } = options;
  const obstacle = obstacleOf(assembly);
  if (obstacle !== undefined) {
    const text = `This director cannot be replaced while it runs: ${obstacle}`;
    throw new ApplianceError("UPGRADE_REFUSED", text);
  }
  const successor = assembly.parts.startSuccessor!();
  let version: string;
  try {
    const prepared = await prepare(assembly, successor);
    version = prepared.version;
    await passOn(assembly, successor, prepared.batonFd);
  } catch (error) {
    await successor.kill();
    discard(successor.pid);
    throw error;
  }
  const { pid } = successor;
  await giveUp(pid);
  // Whether it hears it or not, it is the director.
  await successor.send({ type: "yours" }).catch(() => undefined);
  successor.farewell();
  // One that ends well was replaced itself, or told to stop.
  void successor.ended.then((how) => {
    if (how !== endedWell) onSuccessorEnd();
  });
  return { ok: true, pid, version };
}

/** Replaces this director by the executable on disk; never throws for what the world does. */
export async function upgrade(options: HandOverOptions, by: string): Promise<UpgradeResult> {
  const { report, state } = options.assembly;
  const told = { name: "upgrade", by } as const;
  if (state.isUpgrading || state.isStopping) {
    const [code, message] = [
      "UPGRADE_RUNS",
      "Cannot upgrade: the director is being replaced, or stops",
    ];
    return { ok: false, code, message };
  }
  state.isUpgrading = true;
  report({ ...told, level: "info", kind: "start", text: "Starts its successor" });
  try {
    const result = await handOver(options);
    const text = `Replaced by process ${result.ok ? result.pid : 0}`;
    report({ ...told, level: "info", kind: "stop", text });
    return result;
  } catch (error) {
    const message = errorText(error);
    const text = "Upgrade failed, nothing changed";
    report({ ...told, level: "error", kind: "start", text, reason: message });
    const code = error instanceof ApplianceError ? error.code : "UPGRADE_FAILED";
    return { ok: false, code, message };
  } finally {
    state.isUpgrading = false;
  }
}
