/**
 * Connections that stay and check every byte, as programs for a namespace of a test.
 *
 *     bun test/helpers/echo-traffic.ts serve PORT
 *     bun test/helpers/echo-traffic.ts hold COUNT HOST PORT [HOST PORT …]
 *
 * `serve` sends back what it gets. `hold` opens COUNT connections to each place and sends each of
 * them a line of its own 20 times a second, the next one when the last came back byte for byte. It
 * prints {@link EchoReport} as JSON, a line a time.
 *
 * @module
 */
import { Socket } from "node:net";

import type { Host } from "./netns.ts";
import type { StartedProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

/** How the connections do. */
export interface EchoReport {
  /** Those that have not broken. */
  readonly open: number;
  /** Why others have: each reason once. */
  readonly faults: readonly string[];
  /** Lines that the one that had fewest has got back. */
  readonly linesMin: number;
}

/** Connections of one host. They end with it. */
export interface EchoConnections {
  readonly process: StartedProcess;
  /** The last report. */
  report(): EchoReport;
  /** Waits until each connection has got so many more lines back, or has broken. */
  progress(lines: number): Promise<EchoReport>;
}

const script = new URL("echo-traffic.ts", import.meta.url).pathname;
const root = new URL("../..", import.meta.url).pathname;
const intervalMs = 50;
const reportMs = 100;
/** Connections that are being made at one time: more would overflow a queue. */
const openingMax = 64;
const startTimeoutMs = 60_000;
const nothing: EchoReport = { open: 0, faults: [], linesMin: 0 };

/** Starts the servers' side on a host. */
export async function serveEcho(host: Host, port: number): Promise<void> {
  const server = host.spawn([process.execPath, script, "serve", String(port)], { cwd: root });
  await server.waitForOutput(/serving/, startTimeoutMs);
}

/** Opens `count` connections to each place, and waits until all are there. */
export async function holdEcho(
  host: Host,
  count: number,
  places: readonly (readonly [address: string, port: number])[],
): Promise<EchoConnections> {
  const words = places.flatMap(([address, port]) => [address, String(port)]);
  const command = [process.execPath, script, "hold", String(count), ...words];
  const held = host.spawn(command, { cwd: root });
  const report = (): EchoReport => {
    const line = held
      .output()
      .split("\n")
      .findLast((text) => text.startsWith("{") && text.endsWith("}"));
    return line === undefined ? nothing : JSON.parse(line);
  };
  const connections: EchoConnections = {
    process: held,
    report,
    async progress(lines) {
      const { linesMin } = report();
      await waitFor(() => report().open === 0 || report().linesMin >= linesMin + lines, {
        what: `${lines} more lines: ${JSON.stringify(report())}`,
        timeoutMs: startTimeoutMs,
      });
      return report();
    },
  };
  await held.waitForOutput(/all are open/, startTimeoutMs);
  await connections.progress(2);
  return connections;
}

function serve(port: number): void {
  Bun.listen<{ rest: Uint8Array[] }>({
    hostname: "0.0.0.0",
    port,
    socket: {
      open(socket) {
        socket.data = { rest: [] };
      },
      data(socket, bytes) {
        const { rest } = socket.data;
        const written = rest.length > 0 ? 0 : socket.write(bytes);
        if (written < bytes.length) rest.push(bytes.slice(Math.max(0, written)));
      },
      drain(socket) {
        const { rest } = socket.data;
        while (rest.length > 0) {
          const [first] = rest;
          const written = Math.max(0, socket.write(first!));
          if (written < first!.length) {
            rest[0] = first!.subarray(written);
            return;
          }
          rest.shift();
        }
      },
      error() {},
    },
  });
  process.stdout.write("serving\n");
}

/** One connection. */
class Held {
  readonly #socket = new Socket();
  readonly #number: number;
  #expected = "";
  #got = "";
  lines = 0;
  fault = "";

  constructor(number: number) {
    this.#number = number;
  }

  async open(host: string, port: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const fail = (fault: string): void => {
      this.fault ||= fault;
      resolve();
    };
    this.#socket.on("error", ({ message }) => fail(message));
    this.#socket.on("close", () => fail("closed"));
    this.#socket.on("data", (bytes) => this.#take(bytes.toString("latin1")));
    this.#socket.setNoDelay(true);
    this.#socket.connect(port, host, resolve);
    await promise;
  }

  /** Sends the next line if the last one is back. */
  send(): void {
    if (this.fault !== "" || this.#expected !== "") return;
    // Of many lengths, so that a byte that is missing or twice is seen.
    const filler = "x".repeat((this.#number * 7 + this.lines * 13) % 200);
    this.#expected = `${this.#number} ${this.lines} ${filler}\n`;
    this.#socket.write(this.#expected);
  }

  #take(text: string): void {
    this.#got += text;
    if (this.#got.length < this.#expected.length) return;
    if (this.#got !== this.#expected) this.fault ||= "other bytes";
    this.lines += 1;
    this.#got = "";
    this.#expected = "";
  }
}

async function hold(count: number, places: readonly (readonly [string, number])[]): Promise<void> {
  const all: Held[] = [];
  for (const [host, port] of places) {
    for (let first = 0; first < count; first += openingMax) {
      const some = Array.from(
        { length: Math.min(openingMax, count - first) },
        (_, index) => new Held(all.length + index),
      );
      all.push(...some);
      await Promise.all(some.map((one) => one.open(host, port)));
    }
  }
  process.stdout.write("all are open\n");
  setInterval(() => {
    for (const one of all) one.send();
  }, intervalMs);
  setInterval(() => {
    const alive = all.filter(({ fault }) => fault === "");
    const faults = [...new Set(all.map(({ fault }) => fault))].filter((fault) => fault !== "");
    const linesMin = alive.reduce((min, { lines }) => Math.min(min, lines), Infinity);
    const report: EchoReport = { open: alive.length, faults, linesMin };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }, reportMs);
}

if (import.meta.main) {
  const [mode, first, ...rest] = process.argv.slice(2);
  if (mode === "serve") serve(Number(first));
  if (mode === "hold") {
    const places = rest.flatMap((host, index) =>
      index % 2 === 0 ? [[host, Number(rest[index + 1])] as const] : [],
    );
    await hold(Number(first), places);
  }
}
