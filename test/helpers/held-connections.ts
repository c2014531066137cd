/**
 * Many client connections that stay open, made by a process of their own: their descriptors are
 * not those of the test.
 *
 * @module
 */
import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { startProcess } from "./process.ts";
import { waitFor, waitTimeoutMs } from "./wait.ts";

/** What the connections do, for as long as they are open. */
export type HeldMode =
  /** Ask for a page and wait for the answer, then nothing. */
  | "ask"
  /** Nothing at all. */
  | "silent"
  /** Send a request that never ends, byte by byte. */
  | "drip";

/** What {@link holdConnections} is told. */
export interface HeldPlan {
  readonly port: number;
  readonly connections: number;
  readonly mode: HeldMode;
  /** @default "127.0.0.1" */
  readonly address?: string;
}

/** What {@link holdConnections} may be told besides. */
export interface HeldOptions extends HeldPlan {
  /** Put before the command, for example to enter a network namespace. */
  readonly prefix?: readonly string[];
}

/** What became of the connections; numbers of them. */
export interface HeldReport {
  /** Connected, and not ended since. */
  readonly open: number;
  /** Answered with status 200, ended since or not. */
  readonly answered: number;
  /** Ended by the other side, with or without a reset, or never connected. */
  readonly ended: number;
}

/** Connections held by a process. Disposing of it ends the process, and so the connections. */
export interface HeldConnections extends AsyncDisposable {
  report(): HeldReport;
  /** Waits until the report is as wanted. */
  waitUntil(isMeant: (report: HeldReport) => boolean, timeoutMs?: number): Promise<HeldReport>;
}

const reportMs = 10;
const dripMs = 50;
/** Connections being opened at one time; more would overflow the queue of a listener. */
const openingMax = 256;
const request = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const nothing: HeldReport = { open: 0, answered: 0, ended: 0 };

/** Opens connections and keeps them. */
export function holdConnections({ prefix = [], ...plan }: HeldOptions): HeldConnections {
  const command = [process.execPath, import.meta.path, JSON.stringify(plan)];
  const child = startProcess([...prefix, ...command]);
  const report = (): HeldReport => {
    const line = child.output().split("\n").at(-2);
    return line === undefined ? nothing : (JSON.parse(line) as HeldReport);
  };
  return {
    report,
    async waitUntil(isMeant, timeoutMs = waitTimeoutMs) {
      const find = (): HeldReport | undefined => (isMeant(report()) ? report() : undefined);
      try {
        return await waitFor(find, { what: `connections: ${String(isMeant)}`, timeoutMs });
      } catch (error) {
        throw new Error(`${String(error)}\n${JSON.stringify(report())}`, { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
    },
  };
}

/** The process's side: opens, keeps, reports. */
async function hold({ address = "127.0.0.1", port, connections, mode }: HeldPlan): Promise<void> {
  const state = { ...nothing, opening: 0 };
  const dripping: { write(data: string): number }[] = [];
  const socket = {
    open(opened: { write(data: string): number }) {
      state.open += 1;
      if (mode === "ask") opened.write(request);
      if (mode === "drip") dripping.push(opened);
    },
    data(_socket: unknown, bytes: Buffer) {
      if (bytes.toString("latin1", 0, 12) === "HTTP/1.1 200") state.answered += 1;
    },
    close() {
      state.open -= 1;
      state.ended += 1;
    },
  };
  const openOne = async (): Promise<void> => {
    state.opening += 1;
    try {
      await Bun.connect({ hostname: address, port, socket });
    } catch {
      state.ended += 1;
    }
    state.opening -= 1;
  };
  let last = "";
  const tell = (): void => {
    const { open, answered, ended } = state;
    const line = `${JSON.stringify({ open, answered, ended })}\n`;
    if (line !== last) process.stdout.write(line);
    last = line;
  };
  setInterval(tell, reportMs);
  if (mode === "drip") {
    setInterval(() => {
      for (const one of dripping) one.write("G");
    }, dripMs);
  }
  for (let started = 0; started < connections; started++) {
    while (state.opening >= openingMax) await Bun.sleep(1);
    void openOne();
  }
}

if (import.meta.main) {
  raiseDescriptorLimit();
  await hold(JSON.parse(process.argv[2]!) as HeldPlan);
}
