/**
 * wrk as load generator: one run, its output as numbers.
 *
 * @module
 */
import { runProcess } from "../../test/helpers/process.ts";

/** One kind of load. */
export interface LoadKind {
  readonly name: string;
  /** Page asked for. */
  readonly path: string;
  /** Connections at one time. */
  readonly connections: number;
  /** A new connection for each request. */
  readonly close: boolean;
  /** Bytes of an answer's body. */
  readonly bodyBytes: number;
}

const smallBytes = 3;
const bulkBytes = 1 << 20;

/** The four kinds: new connections, few and many kept ones, and bulk. */
export const loadKinds: readonly LoadKind[] = [
  { name: "close", path: "/small.txt", connections: 50, close: true, bodyBytes: smallBytes },
  { name: "ka50", path: "/small.txt", connections: 50, close: false, bodyBytes: smallBytes },
  { name: "ka500", path: "/small.txt", connections: 500, close: false, bodyBytes: smallBytes },
  { name: "bulk", path: "/big.bin", connections: 10, close: false, bodyBytes: bulkBytes },
];

/** The pages that {@link loadKinds} ask for. Random bytes, so that nothing can be saved on them. */
export function loadPages(): Record<string, string | Uint8Array> {
  const block = crypto.getRandomValues(new Uint8Array(1 << 16));
  const big = new Uint8Array(bulkBytes);
  for (let offset = 0; offset < bulkBytes; offset += block.length) big.set(block, offset);
  return { "small.txt": "ok\n", "big.bin": big };
}

/** Outcome of one run. */
export interface LoadResult {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** Latency in microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** What wrk says of errors; empty if there were none. */
  readonly errors: string;
}

const unitUs: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6, m: 60e6 };

/** Reads the report of `wrk --latency`; undefined if it has none. */
export function parseWrk(output: string): LoadResult | undefined {
  const requests = output.match(/(\d+) requests in/)?.[1];
  const rate = output.match(/Requests\/sec:\s+([\d.]+)/)?.[1];
  if (requests === undefined || rate === undefined) return undefined;
  const latencyUs = (percentile: number): number => {
    const match = output.match(new RegExp(`^ +${percentile}%\\s+([\\d.]+)(us|ms|s|m)$`, "m"));
    return match === null ? Number.NaN : Number(match[1]) * unitUs[match[2]!]!;
  };
  return {
    requests: Number(requests),
    requestsPerSecond: Number(rate),
    p50Us: latencyUs(50),
    p99Us: latencyUs(99),
    errors: [...output.matchAll(/Socket errors:.*|Non-2xx.*/g)].join("; "),
  };
}

/** What {@link runWrk} is told besides the kind of load. */
export interface WrkOptions {
  /** @default loopback */
  readonly host?: string;
  readonly port: number;
  readonly seconds: number;
  /** Put before the command, to pin it to a core. */
  readonly prefix: readonly string[];
}

/**
 * Runs wrk once, with one thread.
 *
 * @throws {Error} if it gave no result or did no request.
 */
export async function runWrk(kind: LoadKind, options: WrkOptions): Promise<LoadResult> {
  const { host = "127.0.0.1", port, seconds, prefix } = options;
  const url = `http://${host}:${port}${kind.path}`;
  const command = ["wrk", "-t1", `-c${kind.connections}`, `-d${seconds}s`, "--latency", url];
  const header = kind.close ? ["-H", "Connection: close"] : [];
  const { stdout, stderr } = await runProcess([...prefix, ...command, ...header]);
  const result = parseWrk(stdout);
  if (result === undefined || result.requests === 0) {
    throw new Error(`Cannot measure ${kind.name} on ${url}: ${stdout}${stderr}`);
  }
  return result;
}
