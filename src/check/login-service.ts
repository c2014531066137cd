/**
 * How LDAP, RADIUS and the listener of Oracle are asked: their codecs joined with a connection.
 *
 * @module
 */

import type { LdapCheckSpec, RadiusCheckSpec } from "../model/index.ts";
import type { Ask, ServiceCheckTools } from "./ask.ts";
import { askByDatagram } from "./datagram.ts";
import { LdapDialogue } from "./ldap.ts";
import { proxyHeader, streamTls } from "./preface.ts";
import { encodeAccessRequest, judgeRadiusAnswer } from "./radius.ts";
import { converse } from "./stream.ts";
import { encodeTnsPing, TnsAnswer } from "./tns.ts";

/** Binds and searches. */
export function askLdap(tools: ServiceCheckTools, spec: LdapCheckSpec): Ask {
  const { clock, connector, trustStore } = tools;
  return async ({ target, destination, deadline, pattern }) => {
    const tls = spec.tls && streamTls(trustStore, spec.tls, target.host);
    if (tls !== undefined && "reason" in tls) return tls;
    const dialogue = new LdapDialogue(spec, pattern);
    const end = await converse(clock, connector, {
      destination,
      deadline,
      preface: proxyHeader(target.sendProxy),
      tls,
      request: dialogue.start(),
      onData: (bytes) => dialogue.push(bytes),
    });
    return dialogue.verdict(end);
  };
}

/** Asks for the login, over UDP whatever the virtual service speaks. */
export function askRadius({ clock, pollLoop }: ServiceCheckTools, spec: RadiusCheckSpec): Ask {
  return async ({ destination, deadline }) => {
    const [id = 0, ...authenticator] = crypto.getRandomValues(new Uint8Array(17));
    const nonce = { id, authenticator: Uint8Array.from(authenticator) };
    const packet = encodeAccessRequest(spec, nonce);
    let hasStranger = false;
    const failure = await askByDatagram(clock, pollLoop, {
      destination,
      deadline,
      encode: () => packet,
      judge(bytes) {
        const verdict = judgeRadiusAnswer(bytes, spec, nonce);
        if (verdict !== "unsigned") return verdict;
        hasStranger = true;
        return "ignored";
      },
    });
    if (failure?.reason !== "timeout" || !hasStranger) return failure;
    return { reason: "bad-answer", detail: "answered, but by another secret" };
  };
}

/** Asks the listener for a sign of life. */
export function askTns({ clock, connector }: ServiceCheckTools): Ask {
  const request = encodeTnsPing();
  return async ({ target, destination, deadline }) => {
    const answer = new TnsAnswer();
    const end = await converse(clock, connector, {
      destination,
      deadline,
      preface: proxyHeader(target.sendProxy),
      tls: undefined,
      request,
      onData: (bytes) => answer.push(bytes),
    });
    return answer.verdict(end);
  };
}
