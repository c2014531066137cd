/**
 * A real server over HTTP, in this process, whose mood the test sets.
 *
 * @module
 */

/** How it answers: with 200, with 503, or never. */
export type Mood = "well" | "ill" | "hanging";

/** A running one. */
export interface MoodyServer extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as a configuration wants it. */
  readonly address: string;
  /** Sets how it answers from now on; what hangs already goes on hanging. */
  feel(mood: Mood): void;
  /** Requests for any other path than `/`, which is the one of health checks. */
  clientRequests(): number;
  /** Requests for `/`. */
  checkRequests(): number;
}

/** Starts one; its pages are its name. */
export function startMoodyServer(name: string): MoodyServer {
  let mood: Mood = "well";
  const counts = { check: 0, client: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch(request) {
      counts[new URL(request.url).pathname === "/" ? "check" : "client"] += 1;
      if (mood === "hanging") return new Promise<Response>(() => undefined);
      return new Response(`${name}\n`, { status: mood === "well" ? 200 : 503 });
    },
  });
  return {
    address: `127.0.0.1:${server.port}`,
    feel: (next) => void (mood = next),
    clientRequests: () => counts.client,
    checkRequests: () => counts.check,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
