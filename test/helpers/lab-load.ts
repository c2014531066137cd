/**
 * A program of its own for hosts that have nothing: a real server, and clients that use it through
 * a director without a pause.
 *
 * ```text
 * lab-load serve PORT           answers each line with the same line
 * lab-load load ADDRESS PORT MARK   until SIGTERM; then `requests N errors N`
 * ```
 * Half of the clients make a connection for each request, half keep theirs. The file MARK appears
 * after some requests, and SIGUSR1 begins to count them anew.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/** Clients of each kind. */
const clients = 4;
/** Requests until the mark is made. */
const markAt = 200;
/** An answer that takes longer counts as an error. */
const answerMs = 5000;

/** Answers each piece with the same. */
function serve(port: number): void {
  createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  }).listen(port, "127.0.0.1");
}

/** What became of everything. */
const counts = { requests: 0, errors: 0 };
const state = { isOver: false, unmarked: 0 };

function open(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

/** Sends a line and waits for it. */
function ask(socket: Socket, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), answerMs);
    const done = (error?: Error): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      if (error === undefined) resolve();
      else reject(error);
    };
    let got = "";
    socket.on("data", (chunk) => {
      got += String(chunk);
      if (got === text) done();
      else if (!text.startsWith(got)) done(new Error("another answer"));
    });
    socket.once("error", done);
    socket.once("close", () => done(new Error("closed")));
    socket.write(text);
  });
}

function count(mark: string): void {
  counts.requests += 1;
  state.unmarked += 1;
  if (state.unmarked === markAt) writeFileSync(mark, "");
}

/** Where to ask. */
interface Place {
  readonly address: string;
  readonly port: number;
  readonly mark: string;
}

async function use({ address, port, mark }: Place, isKept: boolean): Promise<void> {
  let socket: Socket | undefined;
  while (!state.isOver) {
    try {
      socket ??= await open(address, port);
      await ask(socket, `line ${counts.requests}\n`);
      count(mark);
      if (!isKept) {
        socket.end();
        socket = undefined;
      }
      await Bun.sleep(1);
    } catch (error) {
      counts.errors += 1;
      process.stderr.write(`${isKept ? "kept" : "new"} ${String(error)}\n`);
      socket?.destroy();
      socket = undefined;
      await Bun.sleep(50);
    }
  }
  socket?.end();
}

async function load(place: Place): Promise<void> {
  process.on("SIGTERM", () => (state.isOver = true));
  process.on("SIGUSR1", () => (state.unmarked = 0));
  const all = Array.from({ length: 2 * clients }, (_, index) => use(place, index % 2 === 0));
  await Promise.all(all);
  process.stdout.write(`requests ${counts.requests} errors ${counts.errors}\n`);
}

const [, , what, ...args] = process.argv;
if (what === "serve") serve(Number(args[0]));
else await load({ address: args[0]!, port: Number(args[1]), mark: args[2]! });
