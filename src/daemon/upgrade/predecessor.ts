/**
 * The old director, as the new one sees it: it has what the new one needs, and goes on until that
 * has everything.
 *
 * @module
 */

import { closeOnExec } from "../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import type { Clock } from "../../clock/index.ts";
import type { SharedListener } from "../../datapath/index.ts";
import { ApplianceError, errorText } from "../../errors/index.ts";
import type { DirectorLock } from "../lock.ts";
import type { LoadedOverrides } from "../override-store.ts";
import { parseOverrides } from "../overrides.ts";
import { UpgradeChannel } from "./channel.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import type { GoMessage, NewMessage, OldMessage, StateMessage } from "./message.ts";

/** The old one answers from its main loop; it must not be waited for without end. */
const answerMs = 20_000;

/** What the new director gets, and the rest of the conversation. */
export interface Predecessor {
  readonly state: StateMessage;
  readonly lock: DirectorLock;
  /** Socket over which its virtual routers come; -1: there are none. */
  readonly batonFd: number;
  readonly listeners: readonly SharedListener[];
  readonly overrides: LoadedOverrides;
  /** Everything is open, but nothing is accepted yet. @returns What the old one knows by now. */
  prepared(version: string): Promise<GoMessage>;
  /** Connections are accepted here. Settles when the old one has given up its names. */
  taken(): Promise<void>;
  /** Says why this director cannot take over. */
  fail(error: unknown): Promise<void>;
}

function overridesOf({ overrides: text }: { readonly overrides: string }): LoadedOverrides {
  const parsed = parseOverrides(text);
  if (!parsed.ok) {
    const what = `Cannot use the overrides of the old director: ${parsed.reason}`;
    throw new ApplianceError("UPGRADE_FAILED", what);
  }
  const { overrides, revision } = parsed;
  return { overrides, revision, warning: undefined };
}

/** The overrides of a message. @throws {ApplianceError} `UPGRADE_FAILED`. */
export function takeOverrides(message: GoMessage): LoadedOverrides {
  return overridesOf(message);
}

function listenersOf(
  { listeners }: StateMessage,
  descriptors: readonly number[],
): SharedListener[] {
  let at = 0;
  return listeners.map(({ key, count }) => {
    const fds = descriptors.slice(at, at + count);
    at += count;
    return { key, fds };
  });
}

async function take(channel: UpgradeChannel, type: OldMessage["type"]) {
  const message = await channel.receive(answerMs);
  if (message === undefined) {
    throw new ApplianceError("UPGRADE_FAILED", "The old director has ended the conversation");
  }
  const decoded = decodeMessage(message.bytes);
  if (decoded.type !== type) {
    throw new ApplianceError("UPGRADE_FAILED", "The old director is out of step");
  }
  return { message: decoded, descriptors: message.descriptors };
}

/** Reads what the old director has sent first. */
async function meet(channel: UpgradeChannel): Promise<Predecessor> {
  const { message, descriptors } = await take(channel, "state");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type was looked at.
  const state = message as StateMessage;
  const hasBaton = state.failover !== undefined;
  const [lock, ...others] = descriptors;
  const [batonFd = -1] = hasBaton ? others : [];
  const sockets = hasBaton ? others.slice(1) : others;
  if (lock === undefined || (hasBaton && batonFd === -1)) {
    throw new ApplianceError("UPGRADE_FAILED", "The old director has not sent its sockets");
  }
  const say = (told: NewMessage): Promise<void> =>
    channel.send({ bytes: encodeMessage(told), descriptors: [] }, answerMs);
  return {
    state,
    lock: { fd: lock, release: () => closeDescriptor(lock) },
    batonFd,
    listeners: listenersOf(state, sockets),
    overrides: overridesOf(state),
    async prepared(version) {
      await say({ type: "prepared", version });
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its type was looked at.
      return (await take(channel, "go")).message as GoMessage;
    },
    async taken() {
      await say({ type: "taken" });
      try {
        await take(channel, "yours");
      } catch {
        // It died with everything handed over: then there is nothing left to wait for.
      }
      channel.close();
    },
    async fail(error) {
      const code = error instanceof ApplianceError ? error.code : "UPGRADE_FAILED";
      try {
        await say({ type: "failed", code, message: errorText(error) });
      } catch {
        // The old director does not listen any more.
      }
    },
  };
}

/**
 * The director that started this process to be replaced by it; undefined: nobody did.
 *
 * @throws {ApplianceError} `UPGRADE_FAILED`, `UPGRADE_TIMEOUT` if it cannot be understood.
 */
export async function meetPredecessor(
  clock: Clock,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Predecessor | undefined> {
  const text = environment["APPLIANCE_UPGRADE_FD"];
  if (text === undefined) return undefined;
  // Programs that this one starts have no part in it.
  delete process.env["APPLIANCE_UPGRADE_FD"];
  const fd = Number(text);
  closeOnExec(fd);
  return meet(new UpgradeChannel(clock, fd));
}
