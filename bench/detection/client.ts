/**
 * A client that asks for a page at a fixed rate, each time with a new connection, whatever becomes
 * of the answers before.
 *
 * @module
 */

/** What came of one request. */
export interface Request {
  /** `performance.now()` when it was started. */
  readonly startedMs: number;
  /** `ok`, or in what way it was bad. */
  readonly outcome: "ok" | "refused" | "closed" | "status" | "body" | "timeout";
}

/** A client at work. */
export interface SteadyClient {
  /** Starts nothing more. @returns All requests, when the last of them has ended. */
  stop(): Promise<readonly Request[]>;
}

/** An answer takes less than a millisecond; one that takes this long has failed. */
const requestTimeoutMs = 1000;
const question = "GET / HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";

/** What an answer is worth, once the connection has ended. */
export function judgeAnswer(text: string): Request["outcome"] {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return "closed";
  if (!text.startsWith("HTTP/1.1 200 ")) return "status";
  return text.slice(end + 4).includes("well") ? "ok" : "body";
}

async function ask(port: number): Promise<Request> {
  const startedMs = performance.now();
  const { promise, resolve } = Promise.withResolvers<Request["outcome"]>();
  const timer = setTimeout(() => resolve("timeout"), requestTimeoutMs);
  let text = "";
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => void (text += chunk.toString("latin1")),
        close: () => resolve(judgeAnswer(text)),
        error: () => resolve("closed"),
      },
    });
    socket.write(question);
    const outcome = await promise;
    socket.terminate();
    return { startedMs, outcome };
  } catch {
    return { startedMs, outcome: "refused" };
  } finally {
    clearTimeout(timer);
  }
}

/** Starts asking at `port` of 127.0.0.1, once every `intervalMs`. */
export function startSteadyClient(port: number, intervalMs: number): SteadyClient {
  const requests: Promise<Request>[] = [];
  const timer = setInterval(() => void requests.push(ask(port)), intervalMs);
  return {
    stop() {
      clearInterval(timer);
      return Promise.all(requests);
    },
  };
}
