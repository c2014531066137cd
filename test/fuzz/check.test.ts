/**
 * Properties of the checks' codecs, schedule and monitor: hostile bytes, parts, order, bounds.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { compilePattern, createBodySearch } from "../../src/check/body-search.ts";
import { failureReasons } from "../../src/check/check.ts";
import { bodyBytesMax, HttpAnswer } from "../../src/check/http-answer.ts";
import { encodeRequest, followRedirect } from "../../src/check/http-request.ts";
import { initialMonitorState, stepMonitor } from "../../src/check/monitor.ts";
import type { MonitorEvent } from "../../src/check/monitor.ts";
import { nextStartMs } from "../../src/check/schedule.ts";
import { createTimerQueue } from "../../src/check/timer-queue.ts";
import { decodeEcho, encodeEcho, ipv4Payload } from "../../src/net/icmp.ts";
import { createFakeClock } from "../helpers/fake-clock.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 500);
const options = { seed, numRuns };

const family = fc.constantFrom(4 as const, 6 as const);

describe("icmp", () => {
  test("decodeEcho gives back what encodeEcho took", () => {
    const echo = fc.record({
      kind: fc.constantFrom("request" as const, "reply" as const),
      identifier: fc.integer({ min: 0, max: 65535 }),
      sequence: fc.integer({ min: 0, max: 65535 }),
      data: fc.uint8Array({ maxLength: 100 }),
    });
    fc.assert(
      fc.property(family, echo, (of, sent) => {
        expect(decodeEcho(of, encodeEcho(of, sent))).toEqual({ ok: true, echo: sent });
      }),
      options,
    );
  });

  test("decodeEcho and ipv4Payload never throw", () => {
    fc.assert(
      fc.property(family, fc.uint8Array({ maxLength: 80 }), (of, bytes) => {
        decodeEcho(of, ipv4Payload(bytes) ?? bytes);
      }),
      options,
    );
  });
});

/** Pieces that HTTP answers, good and bad, are made of. */
const piece = fc.oneof(
  fc.constantFrom(
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.0 302 Found\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 99999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Location: /x\r\n",
    "\r\n",
    "\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "ffffffffffff\r\n",
    "-1\r\n",
    ":",
  ),
  fc.string({ maxLength: 20 }),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);
const answerBytes = fc
  .array(piece, { maxLength: 12 })
  .map((pieces) => Buffer.from(pieces.join(""), "latin1"));
const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 10 });

/** Everything an answer says, after the bytes came in these parts. */
function summary(bytes: Uint8Array, cutsAt: readonly number[], method: "GET" | "HEAD") {
  const answer = new HttpAnswer(method);
  const sorted = [...cutsAt.toSorted((a, b) => a - b), bytes.length];
  let from = 0;
  for (const to of sorted) {
    answer.push(bytes.subarray(from, Math.max(from, to)));
    from = Math.max(from, to);
  }
  const { state, status, location, fault } = answer;
  const body = Buffer.from(answer.body).toString("latin1");
  return { state, status, location, fault, body, isWhole: answer.end() };
}

describe("HttpAnswer", () => {
  const method = fc.constantFrom("GET" as const, "HEAD" as const);

  test("never throws, and says the same whatever parts the bytes come in", () => {
    fc.assert(
      fc.property(answerBytes, cuts, method, (bytes, cutsAt, by) => {
        expect(summary(bytes, cutsAt, by)).toEqual(summary(bytes, [], by));
      }),
      options,
    );
  });

  test("never keeps more than its bound", () => {
    const large = fc.nat({ max: 3 * bodyBytesMax });
    fc.assert(
      fc.property(answerBytes, large, (bytes, length) => {
        const answer = new HttpAnswer("GET");
        answer.push(bytes);
        answer.push(Buffer.alloc(length, "a"));
        expect(answer.bodyBytes).toBeLessThanOrEqual(bodyBytesMax);
      }),
      { ...options, numRuns: Math.min(numRuns, 200) },
    );
  });
});

describe("http-request", () => {
  test("encodeRequest is always five lines of printable ASCII", () => {
    const text = fc.string({ unit: "binary", maxLength: 50 });
    fc.assert(
      fc.property(text, text, (path, host) => {
        const lines = new TextDecoder().decode(encodeRequest("GET", { path, host })).split("\r\n");
        expect(lines).toHaveLength(7);
        for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
      }),
      options,
    );
  });

  test("followRedirect never throws and stays with http", () => {
    const location = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.webUrl(),
      fc.constantFrom("//", "http://", "https://[::1]:0/", "\\\\x", "http:x", "?", "#"),
    );
    const request = { tls: false, port: 8080, host: "www.example.org", path: "/a" };
    fc.assert(
      fc.property(location, (to) => {
        const next = followRedirect(request, to, { port: 8080, virtualPort: 80 });
        if (next === undefined) return;
        expect(next.path.startsWith("/")).toBe(true);
        expect(next.port).toBeGreaterThanOrEqual(0);
        expect(next.port).toBeLessThanOrEqual(65535);
      }),
      options,
    );
  });
});

test("a pattern finds in parts, at the end, what it finds in the whole", async () => {
  const patterns = ["ab", "^ab", "ab$", "\\bab\\b", "(?m)^b$", "a.b", "(?s)a.b", "[^a]b|c+"];
  const compiled = await Promise.all(patterns.map(compilePattern));
  const body = fc.string({ unit: fc.constantFrom("a", "b", "c", "\n", " "), maxLength: 40 });
  fc.assert(
    fc.property(fc.nat({ max: patterns.length - 1 }), body, cuts, (index, text, cutsAt) => {
      const bytes = new TextEncoder().encode(text);
      const whole = createBodySearch(compiled[index]!).look(bytes, "complete");
      const search = createBodySearch(compiled[index]!);
      const found = cutsAt
        .toSorted((a, b) => a - b)
        .some((to) => search.look(bytes.subarray(0, to), "partial"));
      expect(found || search.look(bytes, "complete")).toBe(whole);
    }),
    options,
  );
});

describe("monitor", () => {
  const event: fc.Arbitrary<MonitorEvent> = fc.oneof(
    fc.constant<MonitorEvent>({ type: "result", result: { up: true, tookMs: 1 } }),
    fc.constantFrom(...failureReasons).map((reason): MonitorEvent => ({
      type: "result",
      result: { up: false, tookMs: 1, reason, detail: "" },
    })),
    fc
      .nat({ max: 1000 })
      .map((sinceStartMs): MonitorEvent => ({ type: "suspicion", sinceStartMs })),
  );
  const thresholds = fc.record({
    rise: fc.integer({ min: 1, max: 5 }),
    fall: fc.integer({ min: 1, max: 5 }),
    fastIntervalMs: fc.nat({ max: 1000 }),
  });

  test("health changes only with a result of its kind, and each change is told", () => {
    fc.assert(
      fc.property(thresholds, fc.array(event, { maxLength: 60 }), (limits, events) => {
        let state = initialMonitorState;
        for (const step of events) {
          const [next, effects] = stepMonitor(state, step, limits);
          const isTold = effects.some((effect) => effect.type === "changed");
          expect(isTold).toBe(next.health !== state.health);
          if (next.health !== state.health) {
            expect(step.type === "result" && step.result.up).toBe(next.health === "up");
          }
          expect(next.health === "unchecked" && state.health !== "unchecked").toBe(false);
          expect(next.successes).toBeLessThanOrEqual(limits.rise);
          if (next.health === "up") expect(next.failures).toBeLessThan(limits.fall);
          state = next;
        }
      }),
      options,
    );
  });
});

test("nextStartMs is in phase, ahead, and never more than one and a half intervals after a start", () => {
  const input = fc
    .record({
      startedAtMs: fc.nat({ max: 1_000_000 }),
      tookMs: fc.nat({ max: 5000 }),
      intervalMs: fc.integer({ min: 10, max: 60_000 }),
      share: fc.double({ min: 0, max: 0.999, noNaN: true }),
    })
    .map((made) => ({
      nowMs: made.startedAtMs + made.tookMs,
      startedAtMs: made.startedAtMs,
      intervalMs: made.intervalMs,
      phaseMs: Math.floor(made.share * made.intervalMs),
    }));
  fc.assert(
    fc.property(input, (made) => {
      const next = nextStartMs(made);
      expect((next - made.phaseMs) % made.intervalMs).toBe(0);
      expect(next).toBeGreaterThan(made.nowMs);
      expect(next - made.startedAtMs).toBeGreaterThan(made.intervalMs / 2);
      const latestMs = Math.max(made.nowMs, made.startedAtMs + made.intervalMs / 2);
      expect(next - latestMs).toBeLessThanOrEqual(made.intervalMs);
    }),
    options,
  );
});

test("a timer queue runs exactly what was not cancelled, in order, none early", () => {
  const timer = fc.record({ delayMs: fc.nat({ max: 500 }), isCancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(timer, { maxLength: 60 }), (timers) => {
      const clock = createFakeClock();
      const queue = createTimerQueue(clock);
      const ran: number[] = [];
      const started = timers.map(({ delayMs }) =>
        queue.after(delayMs, () => {
          expect(clock.nowMs()).toBeGreaterThanOrEqual(delayMs);
          expect(clock.nowMs()).toBeLessThanOrEqual(delayMs + 5);
          ran.push(delayMs);
        }),
      );
      for (const [index, { isCancelled }] of timers.entries()) {
        if (isCancelled) started[index]!.cancel();
      }
      clock.advance(510);
      const kept = timers.filter(({ isCancelled }) => !isCancelled).map(({ delayMs }) => delayMs);
      expect(ran).toEqual(kept.toSorted((a, b) => a - b));
      expect(queue.pendingCount()).toBe(0);
    }),
    options,
  );
});
