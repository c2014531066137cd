/**
 * Connections that stay open and ask for the page `/` in rounds, for a namespace of a test.
 *
 *     bun test/helpers/held-requests.ts HOST PORT COUNT
 *
 * After each round a line says what each has heard since the last one, `7 {"r1":2,"r2":2}`: the
 * first line of the page, `nothing`, or why the connection ended.
 *
 * @module
 */
import { connect } from "node:net";
import type { Socket } from "node:net";

const roundMs = 200;

interface Held {
  readonly socket: Socket;
  heard: string;
  fault: string;
}

function open(host: string, port: number): Promise<Held> {
  const { promise, resolve } = Promise.withResolvers<Held>();
  const socket = connect(port, host);
  const held: Held = { socket, heard: "", fault: "" };
  socket.on("data", (bytes) => {
    held.heard = /\r\n\r\n(.*)\n/.exec(bytes.toString())?.[1] ?? held.heard;
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
for (let round = 0; ; round++) {
  for (const one of connections) {
    one.heard = "";
    one.socket.write("GET / HTTP/1.1\r\nHost: test\r\n\r\n");
  }
  await Bun.sleep(roundMs);
  const heard: Record<string, number> = {};
  for (const what of connections.map((one) => one.fault || one.heard || "nothing").toSorted()) {
    heard[what] = (heard[what] ?? 0) + 1;
  }
  process.stdout.write(`${round} ${JSON.stringify(heard)}\n`);
}
