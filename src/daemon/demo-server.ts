/**
 * A small real server for the demo: says who it is, and can be told to fail for a while.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";

/** How long `GET /fail` lets it fail. */
export const failureMs = 10_000;

/** Path that the demo's health check asks for. */
export const checkPath = "/check.html";
/** Text that it looks for. */
export const checkText = "Test Page";

/** A running server on loopback. */
export interface DemoServer {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** What one server answers; `path` is that of the request. */
export type DemoAnswer = (path: string) => { readonly status: number; readonly text: string };

/** The answers of one server. It counts its pages, and knows until when it fails. */
export function createDemoAnswer(name: string, clock: Clock): DemoAnswer {
  let pages = 0;
  let failsUntilMs = Number.NEGATIVE_INFINITY;
  return (path) => {
    if (path === "/fail") {
      failsUntilMs = clock.nowMs() + failureMs;
      return { status: 200, text: `Real server ${name} fails for ${failureMs / 1000} s from now` };
    }
    const leftMs = failsUntilMs - clock.nowMs();
    if (leftMs > 0) {
      const seconds = Math.ceil(leftMs / 1000);
      return { status: 503, text: `Real server ${name} fails for another ${seconds} s` };
    }
    if (path === checkPath) return { status: 200, text: checkText };
    pages += 1;
    return { status: 200, text: `Hello from real server ${name}, page ${pages}` };
  };
}

/** Starts a server on a free port of 127.0.0.1. */
export function startDemoServer(name: string, clock: Clock): DemoServer {
  const answer = createDemoAnswer(name, clock);
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch(request) {
      const { status, text } = answer(new URL(request.url).pathname);
      // A connection for each page shows the balancing; a kept one would stay at its server.
      const headers = { "Content-Type": "text/plain", Connection: "close" };
      return new Response(`${text}\n`, { status, headers });
    },
  });
  return { name, port: server.port ?? 0, stop: () => server.stop(true) };
}
