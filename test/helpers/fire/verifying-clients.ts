/**
 * Clients that compare every byte: each connects, sends blocks of random bytes and expects them
 * back, some to a connection, then makes the next connection. What ends early is counted; a byte
 * that is another than what was sent is a fault.
 *
 *     bun test/helpers/fire/verifying-clients.ts SETTINGS       JSON, VerifySettings
 *
 * Answers on the Unix socket of the settings with a {@link VerifyReport}; `/outage` begins a new
 * measurement of {@link VerifyReport.outageMs}. Prints "listening".
 *
 * @module
 */
import { connect } from "node:net";

/** What the clients are told. */
export interface VerifySettings {
  /** Path of the socket that it answers on. */
  readonly control: string;
  readonly host: string;
  readonly port: number;
  /** Connections at once. */
  readonly clients: number;
}

/** What became of it so far. */
export interface VerifyReport {
  /** Blocks that came back as they were. */
  readonly blocks: number;
  readonly bytes: number;
  /** Connections that ended as they should. */
  readonly connections: number;
  /** By why they ended early. */
  readonly broken: Readonly<Record<string, number>>;
  /** Blocks that came back as something else. */
  readonly faults: number;
  /** Longest time without a block that came back, since the last `/outage`; running now included. */
  readonly outageMs: number;
}

const blocksPerConnection = 8;
const blockBytesMax = 48 * 1024;
/** A block that is not back by then is given up, and its connection with it. */
const blockTimeoutMs = 2_000;
/** After a connection that ended early. */
const pauseMs = 20;

/** Random bytes, of which blocks are cut. */
const noise = crypto.getRandomValues(new Uint8Array(65_536));

const seen = { blocks: 0, bytes: 0, connections: 0, faults: 0 };
const broken: Record<string, number> = {};
let lastMs = performance.now();
let outageMs = 0;

/** One connection to its end; why it ended early, or undefined. */
function visit({ host, port }: VerifySettings): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port });
  let block = noise.subarray(0, 0);
  let matched = 0;
  let left = blocksPerConnection;
  const end = (reason?: string): void => {
    clearTimeout(timer);
    socket.destroy();
    resolve(reason);
  };
  let timer = setTimeout(() => end("no connection"), blockTimeoutMs);
  const next = (): void => {
    clearTimeout(timer);
    if (left-- === 0) return end();
    const start = Math.floor(Math.random() * (noise.length - blockBytesMax));
    block = noise.subarray(start, start + 1 + Math.floor(Math.random() * blockBytesMax));
    matched = 0;
    timer = setTimeout(() => end("no answer"), blockTimeoutMs);
    socket.write(block);
  };
  socket.on("connect", next);
  socket.on("data", (bytes: Buffer) => {
    const expected = block.subarray(matched, matched + bytes.length);
    if (Buffer.compare(bytes, expected) !== 0) {
      seen.faults += 1;
      return end("other bytes");
    }
    matched += bytes.length;
    if (matched < block.length) return;
    const nowMs = performance.now();
    outageMs = Math.max(outageMs, nowMs - lastMs);
    lastMs = nowMs;
    seen.blocks += 1;
    seen.bytes += matched;
    next();
  });
  socket.on("error", (error) => end("code" in error ? String(error.code) : error.message));
  socket.on("close", () => end("closed"));
  return promise;
}

if (import.meta.main) {
  const settings = JSON.parse(process.argv[2]!) as VerifySettings;
  const work = async (): Promise<never> => {
    for (;;) {
      const reason = await visit(settings);
      if (reason === undefined) {
        seen.connections += 1;
        continue;
      }
      broken[reason] = (broken[reason] ?? 0) + 1;
      await Bun.sleep(pauseMs);
    }
  };
  for (let count = 0; count < settings.clients; count++) void work();
  Bun.serve({
    unix: settings.control,
    fetch(request) {
      const nowMs = performance.now();
      const longest = Math.max(outageMs, nowMs - lastMs);
      if (new URL(request.url).pathname === "/outage") {
        outageMs = 0;
        lastMs = nowMs;
      }
      return Response.json({ ...seen, broken, outageMs: longest });
    },
  });
  process.stdout.write("listening\n");
}
