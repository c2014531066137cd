/**
 * Negotiate checks beside HTTP: from the settings of a service to the question that is asked.
 *
 * @module
 */

import { hostname } from "node:os";

import type { RE2JS } from "re2js";

import type { Clock } from "../clock/index.ts";
import type {
  ExchangeCheckSpec,
  FtpCheckSpec,
  MailboxCheckSpec,
  ServiceCheckSpec,
  SipCheckSpec,
} from "../model/index.ts";
import { compilePattern } from "./body-search.ts";
import { SearchedAnswer } from "./bounded.ts";
import type { Check, CheckTarget } from "./check.ts";
import { createDestinationCache } from "./connect.ts";
import type { Connector, Deadline, Destination } from "./connector.ts";
import { askByDatagram } from "./datagram.ts";
import { holdDialogue } from "./dialogue.ts";
import type { Script } from "./dialogue.ts";
import {
  DnsFrame,
  dnsQuestion,
  encodeDnsQuery,
  frameDns,
  judgeDnsAnswer,
  loadDnsCodec,
} from "./dns.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { askFtp } from "./ftp.ts";
import type { PollLoop } from "./poll-loop.ts";
import { proxyHeader, streamTls } from "./preface.ts";
import { simpleTcpRequest, udpRequest } from "./request-text.ts";
import { imapScript, nntpScript, popScript, redisScript, smtpScript } from "./script.ts";
import { encodeOptions, judgeStatusLine, sipScript } from "./sip.ts";
import { converse } from "./stream.ts";
import { timed } from "./timed.ts";
import type { TrustStore } from "./tls-trust.ts";

/** What the checks of services share. */
export interface ServiceCheckTools {
  readonly clock: Clock;
  readonly connector: Connector;
  readonly pollLoop: PollLoop;
  readonly trustStore: TrustStore;
}

/** Everything one run knows. */
interface Run {
  readonly target: CheckTarget;
  readonly destination: Destination;
  readonly deadline: Deadline;
  readonly pattern: RE2JS | undefined;
}

type Ask = (run: Run) => Promise<Failure | undefined>;

/** Name for EHLO; a host name that is none in SMTP's eyes would be refused. */
function ownName(): string {
  const name = hostname();
  return /^[a-z0-9.-]{1,255}$/i.test(name) ? name : "localhost";
}

interface Talk {
  readonly script: (target: CheckTarget) => Script;
  readonly goodbye: string;
  readonly tls?: MailboxCheckSpec["tls"];
}

function askByDialogue(tools: ServiceCheckTools, talk: Talk): Ask {
  const { clock, connector, trustStore } = tools;
  return async ({ target, destination, deadline }) => {
    const { goodbye } = talk;
    const tls = talk.tls && streamTls(trustStore, talk.tls, target.host);
    if (tls !== undefined && "reason" in tls) return tls;
    const script = talk.script(target);
    return holdDialogue(clock, connector, { target, destination, deadline, tls, script, goodbye });
  };
}

function mailboxTalk(spec: MailboxCheckSpec): Talk {
  const { service, tls } = spec;
  return service === "pop" || service === "pops"
    ? { script: () => popScript(spec), goodbye: "QUIT\r\n", tls }
    : { script: () => imapScript(spec), goodbye: "a2 LOGOUT\r\n", tls };
}

/** OPTIONS over what the virtual service speaks. */
function askSip(tools: ServiceCheckTools, { login }: SipCheckSpec): Ask {
  // Over TCP the answer comes back on the connection, so the local end need not be known.
  const nowhere = { address: "0.0.0.0", port: 5060 };
  const question = ({ address, port }: CheckTarget) => {
    return { address, port, login, token: crypto.randomUUID().replaceAll("-", "") };
  };
  const overTcp = askByDialogue(tools, {
    script: (target) =>
      sipScript(encodeOptions({ ...question(target), transport: "TCP", local: nowhere })),
    goodbye: "",
  });
  return (run) => {
    const { target, destination, deadline } = run;
    if (target.protocol === "tcp") return overTcp(run);
    return askByDatagram(tools.clock, tools.pollLoop, {
      destination,
      deadline,
      encode: (local) =>
        Buffer.from(encodeOptions({ ...question(target), transport: "UDP", local })),
      judge: (bytes) => judgeStatusLine(Buffer.from(bytes).toString().split(/\r?\n/, 1)[0]!),
    });
  };
}

/** One question of DNS over what the virtual service speaks. */
function askDns(tools: ServiceCheckTools, { request }: ExchangeCheckSpec): Ask {
  const { clock, connector, pollLoop } = tools;
  const question = dnsQuestion(request);
  return async ({ target, destination, deadline, pattern }) => {
    const codec = await loadDnsCodec();
    const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
    const query = encodeDnsQuery(codec, question, id);
    const judge = (bytes: Uint8Array) => judgeDnsAnswer(codec, bytes, { question, id, pattern });
    if (target.protocol === "udp") {
      return askByDatagram(clock, pollLoop, { destination, deadline, encode: () => query, judge });
    }
    const frame = new DnsFrame();
    let message: Uint8Array | undefined;
    const end = await converse(clock, connector, {
      destination,
      deadline,
      preface: proxyHeader(target.sendProxy),
      tls: undefined,
      request: frameDns(query),
      onData: (bytes) => (message = frame.push(bytes)) !== undefined,
    });
    if (typeof end === "object") return end;
    if (message === undefined) return { reason: "closed", detail: "closed before an answer" };
    const verdict = judge(message);
    if (verdict === "ignored") return { reason: "bad-answer", detail: "answer to no question" };
    return verdict === "up" ? undefined : verdict;
  };
}

/** Sends, says that this was all, and looks for `receive` in what comes back. */
function askSimpleTcp(tools: ServiceCheckTools, { request, receive }: ExchangeCheckSpec): Ask {
  const bytes = simpleTcpRequest(request);
  return async ({ target, destination, deadline, pattern }) => {
    const answer = new SearchedAnswer(receive, pattern);
    const end = await converse(tools.clock, tools.connector, {
      destination,
      deadline,
      preface: proxyHeader(target.sendProxy),
      tls: undefined,
      request: bytes,
      isHalfClosed: true,
      onData: (part) => answer.push(part),
    });
    return answer.verdict(end);
  };
}

/** Sends one datagram; the first that comes back decides. */
function askUdp(tools: ServiceCheckTools, { request, receive }: ExchangeCheckSpec): Ask {
  const bytes = udpRequest(request);
  return ({ destination, deadline, pattern }) =>
    askByDatagram(tools.clock, tools.pollLoop, {
      destination,
      deadline,
      encode: () => bytes,
      judge(datagram) {
        // An empty datagram is an answer, too.
        if (pattern === undefined) return "up";
        const answer = new SearchedAnswer(receive, pattern);
        answer.push(datagram);
        return answer.verdict("closed") ?? "up";
      },
    });
}

/** Services that look for `receive`. */
function askSearching(tools: ServiceCheckTools, spec: FtpCheckSpec | ExchangeCheckSpec): Ask {
  switch (spec.service) {
    case "ftp":
      return (run) => askFtp(tools.clock, tools.connector, { spec, ...run });
    case "dns":
      return askDns(tools, spec);
    case "simpletcp":
      return askSimpleTcp(tools, spec);
    case "udp":
      return askUdp(tools, spec);
  }
}

function askOf(tools: ServiceCheckTools, spec: ServiceCheckSpec): Ask {
  if ("tls" in spec) return askByDialogue(tools, mailboxTalk(spec));
  if ("receive" in spec) return askSearching(tools, spec);
  switch (spec.service) {
    case "redis":
      return askByDialogue(tools, { script: () => redisScript(spec), goodbye: "QUIT\r\n" });
    case "sip":
      return askSip(tools, spec);
    case "nntp":
      return askByDialogue(tools, { script: nntpScript, goodbye: "QUIT\r\n" });
    case "smtp":
    case "submission":
      return askByDialogue(tools, { script: () => smtpScript(ownName()), goodbye: "QUIT\r\n" });
    case "oracle":
      // The listener of Oracle is asked for no more than a connection.
      return ({ destination, deadline }) => tools.connector.touch(destination, deadline);
    case "none":
      return () => Promise.resolve(undefined);
  }
}

/** The pattern as this service reads it: simpletcp looks line by line, as ldirectord does. */
function patternText(spec: ServiceCheckSpec): string | undefined {
  const receive = "receive" in spec ? spec.receive : undefined;
  return receive === undefined || spec.service !== "simpletcp" ? receive : `(?m)${receive}`;
}

/** Creates the check of a service. */
export function createServiceCheck(tools: ServiceCheckTools, spec: ServiceCheckSpec): Check {
  const { clock } = tools;
  const { service: name } = spec;
  const ask = askOf(tools, spec);
  const destinationOf = createDestinationCache();
  const text = patternText(spec);
  let compiled: Promise<RE2JS | undefined> | undefined;
  return {
    name,
    run: (target, timeoutMs) =>
      timed(clock, timeoutMs, async (deadline) => {
        if (text !== undefined) compiled ??= compilePattern(text);
        const pattern = await compiled;
        if (text !== undefined && pattern === undefined) {
          return { reason: "no-match", detail: printable(`${text} is no pattern of RE2`) };
        }
        return ask({ target, destination: destinationOf(target), deadline, pattern });
      }),
  };
}
