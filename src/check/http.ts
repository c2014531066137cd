/**
 * Check by HTTP (`service=http`, `https`, `http_proxy`): a page answers with a status that counts
 * and, if `receive` is set, holds what it looks for.
 *
 * Redirects are followed as far as the user says, always at the real server's own address.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import type { Clock } from "../clock/index.ts";
import type { HttpCheckSpec } from "../model/index.ts";
import { compilePattern, createBodySearch } from "./body-search.ts";
import type { BodySearch } from "./body-search.ts";
import type { Check, CheckTarget } from "./check.ts";
import { createDestinationCache } from "./connect.ts";
import type { Connector, Deadline } from "./connector.ts";
import { down, printable, up } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { bodyBytesMax, headBytesMax, HttpAnswer } from "./http-answer.ts";
import { encodeRequest, followRedirect, hostHeader, hostName } from "./http-request.ts";
import type { HttpRequest } from "./http-request.ts";
import { proxyHeader, streamTls } from "./preface.ts";
import { converse } from "./stream.ts";
import type { StreamEnd } from "./stream.ts";
import type { TrustStore } from "./tls-trust.ts";

/** What an HTTP check needs. */
export interface HttpCheckOptions {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly trustStore: TrustStore;
  readonly spec: HttpCheckSpec;
}

/** Everything one run knows. */
interface Run {
  readonly target: CheckTarget;
  readonly deadline: Deadline;
  readonly pattern: RE2JS | undefined;
}

/** Outcome of one request: undefined is up. */
type Verdict = Failure | { readonly redirect: string } | undefined;

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

/** `200-299`, `200, 301-302`. */
function formatStatuses(statuses: HttpCheckSpec["statuses"]): string {
  const range = ([from, to]: readonly [number, number]): string =>
    from === to ? String(from) : `${from}-${to}`;
  return statuses.map(range).join(", ");
}

function isRedirect({ status, location }: HttpAnswer): boolean {
  return redirectStatuses.has(status) && location !== undefined;
}

/** Judges one answer as it grows. */
class Judge {
  readonly answer: HttpAnswer;
  readonly #spec: HttpCheckSpec;
  readonly #search: BodySearch | undefined;
  readonly #mayRedirect: boolean;
  #hasMatched = false;

  constructor(spec: HttpCheckSpec, pattern: RE2JS | undefined, mayRedirect: boolean) {
    this.answer = new HttpAnswer(spec.method);
    this.#spec = spec;
    this.#search = pattern === undefined ? undefined : createBodySearch(pattern);
    this.#mayRedirect = mayRedirect;
  }

  /** Takes bytes. @returns True if nothing more needs to be read. */
  push(bytes: Uint8Array): boolean {
    const { answer } = this;
    answer.push(bytes);
    if (answer.state === "head") return false;
    if (!answer.isOpen && answer.state !== "done") return true;
    if (this.#redirect() !== undefined || !this.#isStatusGood() || this.#search === undefined) {
      return true;
    }
    this.#hasMatched = this.#search.look(answer.body, answer.isOpen ? "partial" : "complete");
    return this.#hasMatched || !answer.isOpen;
  }

  #isStatusGood(): boolean {
    const { status } = this.answer;
    return this.#spec.statuses.some(([from, to]) => status >= from && status <= to);
  }

  #redirect(): string | undefined {
    return this.#mayRedirect && isRedirect(this.answer) ? this.answer.location : undefined;
  }

  /** The verdict once the conversation has ended. */
  verdict(end: "enough" | "closed"): Verdict {
    const { answer } = this;
    if (this.#hasMatched) return undefined;
    const isWhole = end === "enough" || answer.end();
    if (answer.state === "bad") return { reason: "bad-answer", detail: printable(answer.fault) };
    if (answer.state === "long") return tooLong(`the head exceeds ${headBytesMax} bytes`);
    if (answer.state === "head") return { reason: "closed", detail: "closed before an answer" };
    const redirect = this.#redirect();
    if (redirect !== undefined) return { redirect };
    if (!this.#isStatusGood()) return this.#badStatus();
    return this.#search === undefined ? undefined : this.#searchEnd(this.#search, isWhole);
  }

  #badStatus(): Failure {
    const { status, location } = this.answer;
    const to = location === undefined ? "" : ` to ${location}`;
    const expected = formatStatuses(this.#spec.statuses);
    return {
      reason: "bad-status",
      detail: printable(`status ${status}${to}, expected ${expected}`),
    };
  }

  /** Looks at what there is for the last time. */
  #searchEnd(search: BodySearch, isWhole: boolean): Failure | undefined {
    const { answer } = this;
    if (search.look(answer.body, answer.state === "done" ? "complete" : "cut")) return undefined;
    if (answer.state === "full") return tooLong(`no match in the first ${bodyBytesMax} bytes`);
    if (!isWhole) return { reason: "closed", detail: `closed after ${answer.bodyBytes} bytes` };
    const receive = this.#spec.receive ?? "";
    const detail = `${receive} is not in the ${answer.bodyBytes} bytes of the page`;
    return { reason: "no-match", detail: printable(detail) };
  }
}

function tooLong(detail: string): Failure {
  return { reason: "answer-too-long", detail };
}

function firstRequest(spec: HttpCheckSpec, { host, port }: CheckTarget): HttpRequest {
  const { tls, request, virtualHost } = spec;
  // A proxy is asked for an absolute address, whose host goes into the Host header, too.
  const named = request.startsWith("/") ? hostHeader(host, port, tls) : URL.parse(request)?.host;
  return { tls, port, host: virtualHost ?? named ?? host, path: request };
}

function checkName({ tls, request }: HttpCheckSpec): string {
  if (tls) return "https";
  return request.startsWith("/") ? "http" : "http_proxy";
}

/** Creates an HTTP or HTTPS check. */
export function createHttpCheck(options: HttpCheckOptions): Check {
  const { clock, connector, trustStore, spec } = options;
  const destinationOf = createDestinationCache();
  let compiled: Promise<RE2JS | undefined> | undefined;

  const ask = async (request: HttpRequest, run: Run, mayRedirect: boolean): Promise<Verdict> => {
    const tls = request.tls ? streamTls(trustStore, spec, hostName(request.host)) : undefined;
    if (tls !== undefined && "reason" in tls) return tls;
    const judge = new Judge(spec, run.pattern, mayRedirect);
    const end: StreamEnd = await converse(clock, connector, {
      destination: destinationOf({ ...run.target, port: request.port }),
      deadline: run.deadline,
      preface: proxyHeader(run.target.sendProxy),
      tls,
      request: encodeRequest(spec.method, request),
      onData: (bytes) => judge.push(bytes),
    });
    return typeof end === "string" ? judge.verdict(end) : end;
  };

  /** Asks, and goes where redirects lead. */
  const follow = async (run: Run): Promise<Failure | undefined> => {
    let request = firstRequest(spec, run.target);
    const own = { port: run.target.port, virtualPort: run.target.virtualPort };
    for (let redirects = 0; ; redirects++) {
      const verdict = await ask(request, run, redirects < spec.redirectsMax);
      if (verdict === undefined || "reason" in verdict) return verdict;
      const next = followRedirect(request, verdict.redirect, own);
      if (next === undefined) {
        const detail = printable(`redirect to ${verdict.redirect} leads to no page`);
        return { reason: "bad-status", detail };
      }
      request = next;
    }
  };

  return {
    name: checkName(spec),
    async run(target, timeoutMs) {
      const startedAtMs = clock.nowMs();
      const deadline = { atMs: startedAtMs + timeoutMs, limitMs: timeoutMs };
      if (spec.receive !== undefined) compiled ??= compilePattern(spec.receive);
      const pattern = await compiled;
      const isBroken = spec.receive !== undefined && pattern === undefined;
      const failure: Failure | undefined = isBroken
        ? { reason: "no-match", detail: printable(`${spec.receive} is no pattern of RE2`) }
        : await follow({ target, deadline, pattern });
      const tookMs = clock.nowMs() - startedAtMs;
      return failure === undefined ? up(tookMs) : down(tookMs, failure);
    },
  };
}
