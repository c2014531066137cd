/**
 * The new director, as the old one sees it: a process that it starts, talks to, and ends if it does
 * not come up.
 *
 * @module
 */

import { openDescriptorPair } from "../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import type { Clock } from "../../clock/index.ts";
import { ApplianceError, errorText } from "../../errors/index.ts";
import { UpgradeChannel } from "./channel.ts";
import { decodeMessage, encodeMessage } from "./message.ts";
import type { NewMessage, OldMessage } from "./message.ts";

/** First descriptor behind those of the standard streams. */
const childFd = 3;
/** After the end of the conversation the process may take some time to end too. */
const exitMs = 1000;
/** The new one reads at once what it is sent, or it hangs. */
const sendMs = 5000;

/** A new director. */
export interface Successor {
  readonly pid: number;
  /** Settles when its process has ended, with how. */
  readonly ended: Promise<string>;
  /** @throws {ApplianceError} `UPGRADE_FAILED` or `UPGRADE_TIMEOUT`. */
  send(message: OldMessage, descriptors?: readonly number[]): Promise<void>;
  /**
   * Waits for what it must say next.
   *
   * @throws {ApplianceError} `UPGRADE_FAILED` if it ends or says why it cannot, `UPGRADE_TIMEOUT`.
   */
  expect(type: "prepared" | "taken", timeoutMs: number): Promise<NewMessage>;
  /** Ends it; settles when it is gone. */
  kill(): Promise<void>;
  /** Nothing more is to be said. */
  farewell(): void;
}

/** What a successor is started with. */
export interface SuccessorOptions {
  readonly clock: Clock;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

function failed(what: string, cause?: unknown): ApplianceError {
  const text = `The new executable did not take over, the old one goes on: ${what}`;
  return new ApplianceError("UPGRADE_FAILED", text, { cause });
}

/** The same with what the operator must know around it. */
function explain(error: unknown): ApplianceError {
  const { code, message } = failed(errorText(error), error);
  const isLate = error instanceof ApplianceError && error.code === "UPGRADE_TIMEOUT";
  return new ApplianceError(isLate ? "UPGRADE_TIMEOUT" : code, message, { cause: error });
}

type Child = Bun.Subprocess<"ignore", "inherit", "inherit">;

function spawn({ command, environment }: SuccessorOptions, fd: number): Child {
  // The watchdog of the service manager is meant for the process that it started.
  const { WATCHDOG_PID: _pid, ...env } = environment;
  try {
    return Bun.spawn([...command], {
      stdio: ["ignore", "inherit", "inherit", fd],
      // Names the descriptor of the conversation.
      env: { ...env, APPLIANCE_UPGRADE_FD: String(childFd) },
    });
  } catch (error) {
    throw failed(`${command[0]} cannot be started: ${errorText(error)}`, error);
  }
}

/** How a process ends that was stopped, or replaced in its turn. */
export const endedWell = "exit status 0";

async function endOf(child: Child): Promise<string> {
  await child.exited;
  const { exitCode, signalCode } = child;
  return signalCode === null ? `exit status ${exitCode}` : `signal ${signalCode}`;
}

/** Starts a new director. @throws {ApplianceError} `UPGRADE_FAILED` if it cannot be started. */
export function startSuccessor(options: SuccessorOptions): Successor {
  const { clock } = options;
  const [own, theirs] = openDescriptorPair();
  const channel = new UpgradeChannel(clock, own);
  let child: Child;
  try {
    child = spawn(options, theirs);
  } catch (error) {
    channel.close();
    throw error;
  } finally {
    closeDescriptor(theirs);
  }
  child.unref();
  const ended = endOf(child);

  const receive = async (timeoutMs: number): Promise<NewMessage> => {
    const message = await channel.receive(timeoutMs);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other end is the new one.
    if (message !== undefined) return decodeMessage(message.bytes) as NewMessage;
    const late = new Promise<string>((resolve) => {
      clock.after(exitMs, () => resolve("the end of the conversation"));
    });
    const how = await Promise.race([ended, late]);
    throw new ApplianceError("UPGRADE_FAILED", `it ended early (${how}), see its lines in the log`);
  };

  return {
    pid: child.pid,
    ended,
    async send(message, descriptors = []) {
      try {
        await channel.send({ bytes: encodeMessage(message), descriptors }, sendMs);
      } catch (error) {
        // Why it went is a better reason than that it is gone.
        await this.expect("taken", exitMs).catch((reason: unknown) => {
          if (reason instanceof ApplianceError && reason.code === "UPGRADE_FAILED") throw reason;
        });
        throw explain(error);
      }
    },
    async expect(type, timeoutMs) {
      try {
        const message = await receive(timeoutMs);
        if (message.type === "failed") throw new ApplianceError(message.code, message.message);
        if (message.type !== type) throw new ApplianceError("UPGRADE_FAILED", "it is out of step");
        return message;
      } catch (error) {
        throw explain(error);
      }
    },
    async kill() {
      channel.close();
      child.kill("SIGKILL");
      await ended;
    },
    farewell: () => channel.close(),
  };
}
