/**
 * Negotiate checks beside HTTP: from the settings of a service to the question that is asked.
 *
 * @module
 */

import { hostname } from "node:os";

import type { RE2JS } from "re2js";

import type {
  ExchangeCheckSpec,
  MailboxCheckSpec,
  ServiceCheckSpec,
  SipCheckSpec,
} from "../model/index.ts";
import type { Ask, ServiceCheckTools } from "./ask.ts";
import { compilePattern } from "./body-search.ts";
import { SearchedAnswer } from "./bounded.ts";
import type { Check, CheckTarget } from "./check.ts";
import { createDestinationCache } from "./connect.ts";
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
import { askFtp } from "./ftp.ts";
import { askLdap, askRadius, askTns } from "./login-service.ts";
import { proxyHeader, streamTls } from "./preface.ts";
import { simpleTcpRequest, udpRequest } from "./request-text.ts";
import { imapScript, nntpScript, popScript, redisScript, smtpScript } from "./script.ts";
import { encodeOptions, judgeStatusLine, sipScript } from "./sip.ts";
import { askSql } from "./sql.ts";
import { converse } from "./stream.ts";
import { timed } from "./timed.ts";

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

type AskMaker<Service extends ServiceCheckSpec["service"]> = (
  tools: ServiceCheckTools,
  spec: ServiceCheckSpec & { readonly service: Service },
) => Ask;

function askMailbox(tools: ServiceCheckTools, spec: MailboxCheckSpec): Ask {
  return askByDialogue(tools, mailboxTalk(spec));
}

function askSmtp(tools: ServiceCheckTools): Ask {
  return askByDialogue(tools, { script: () => smtpScript(ownName()), goodbye: "QUIT\r\n" });
}

/** How each service is asked. */
const makers: { readonly [Service in ServiceCheckSpec["service"]]: AskMaker<Service> } = {
  smtp: askSmtp,
  submission: askSmtp,
  nntp: (tools) => askByDialogue(tools, { script: nntpScript, goodbye: "QUIT\r\n" }),
  oracle: askTns,
  none: () => () => Promise.resolve(undefined),
  pop: askMailbox,
  pops: askMailbox,
  imap: askMailbox,
  imaps: askMailbox,
  ftp:
    ({ clock, connector }, spec) =>
    (run) =>
      askFtp(clock, connector, { spec, ...run }),
  sip: askSip,
  redis: (tools, spec) =>
    askByDialogue(tools, { script: () => redisScript(spec), goodbye: "QUIT\r\n" }),
  ldap: askLdap,
  ldaps: askLdap,
  radius: askRadius,
  mysql: askSql,
  pgsql: askSql,
  dns: askDns,
  simpletcp: askSimpleTcp,
  udp: askUdp,
};

function askOf<Service extends ServiceCheckSpec["service"]>(
  tools: ServiceCheckTools,
  spec: ServiceCheckSpec & { readonly service: Service },
): Ask {
  const service: Service = spec.service;
  return makers[service](tools, spec);
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
