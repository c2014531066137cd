/**
 * OPTIONS of SIP (RFC 3261, section 11): the request and what its answers mean. Pure.
 *
 * @module
 */

import type { LocalEnd } from "./datagram.ts";
import type { Script } from "./dialogue.ts";
import type { Failure } from "./failure.ts";
import { gibberish, refusal } from "./script.ts";

/** What a request is made of. */
export interface SipQuestion {
  readonly transport: "TCP" | "UDP";
  /** Address and port of the real server. */
  readonly address: string;
  readonly port: number;
  /** `user@host` that is asked; undefined: the server. */
  readonly login: string | undefined;
  readonly local: LocalEnd;
  /** Makes branch, tag and call id unique. */
  readonly token: string;
}

function hostPort({ address, port }: LocalEnd): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The request. `rport` (RFC 3581) has the answer come back to where the request came from. */
export function encodeOptions(question: SipQuestion): string {
  const { transport, login, local, token } = question;
  const asked = `sip:${login ?? hostPort(question)}`;
  const self = hostPort(local);
  return [
    `OPTIONS ${asked} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${self};branch=z9hG4bK${token};rport`,
    "Max-Forwards: 70",
    `From: <sip:${login ?? `appliance@${self}`}>;tag=${token}`,
    `To: <${asked}>`,
    `Call-ID: ${token}`,
    "CSeq: 1 OPTIONS",
    `Contact: <sip:appliance@${self}>`,
    "Accept: application/sdp",
    "Content-Length: 0",
    "\r\n",
  ].join("\r\n");
}

/** Judges the first line of an answer; `ignored` is a provisional one. */
export function judgeStatusLine(line: string): "up" | "ignored" | Failure {
  const match = /^SIP\/2\.0 ([1-6]\d\d)(?: |$)/.exec(line);
  if (match === null) return gibberish("SIP", line);
  if (match[1] === "200") return "up";
  return match[1]!.startsWith("1") ? "ignored" : refusal("OPTIONS", line);
}

/** OPTIONS over TCP. */
export function* sipScript(request: string): Script {
  let line = yield request;
  let verdict = judgeStatusLine(line);
  while (verdict === "ignored") {
    // The headers of a provisional answer follow; the next status line counts.
    do line = yield "";
    while (!line.startsWith("SIP/2.0 "));
    verdict = judgeStatusLine(line);
  }
  return verdict === "up" ? undefined : verdict;
}
