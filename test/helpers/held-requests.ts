/**
 * Connections that stay open and ask for the page `/` in rounds, for a namespace of a test.
 *
 *     bun test/helpers/held-requests.ts HOST PORT COUNT
 *
 * A round ends when all have been answered. Then a line says what they have heard, `7 {"r1":2,"r2":2}`:
 * the first line of the page, why the connection ended, or `nothing` after a long time.
 *
 * @module
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

const pauseMs = 200;
const lookMs = 10;
/** A lost packet is sent again after seconds, and a machine may be busy. */
const longestRoundMs = 30_000;

interface Held {
  readonly socket: Socket;
  heard: string;
  fault: string;
}

function open(host: string, port: number): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<Held>();
  const socket = connect(port, host);
  const held: Held = { socket, heard: "", fault: "" };
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
    const match = /\r\n\r\n(.*)\n/.exec(text);
    if (match === null) return;
    held.heard = match[1]!;
    text = "";
  });
  socket.on("error", (error) => (held.fault = error.message));
  socket.on("close", () => {
    held.fault ||= "closed";
    resolve(held);
  });
  socket.on("connect", () => resolve(held));
  return promise;
}

const [host, port, count] = process.argv.slice(2);
const connections: Held[] = [];
for (let turn = 0; turn < Number(count); turn++) connections.push(await open(host!, Number(port)));

/** Undefined: it waits for its answer. */
function outcomeOf({ heard, fault }: Held): string | undefined {
  if (fault !== "") return fault;
  return heard === "" ? undefined : heard;
}

for (let round = 0; ; round++) {
  for (const one of connections) {
    one.heard = "";
    one.socket.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  }
  const endMs = performance.now() + longestRoundMs;
  while (connections.some((one) => outcomeOf(one) === undefined) && performance.now() < endMs) {
    await Bun.sleep(lookMs);
  }
  const heard: Record<string, number> = {};
  for (const what of connections.map((one) => outcomeOf(one) ?? "nothing").toSorted()) {
    heard[what] = (heard[what] ?? 0) + 1;
  }
  process.stdout.write(`${round} ${JSON.stringify(heard)}\n`);
  await Bun.sleep(pauseMs);
}
