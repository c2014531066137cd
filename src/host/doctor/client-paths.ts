/**
 * Judges whether each real server answers what comes as packets of clients come. Pure.
 *
 * @module
 */

import type { AddressFact, InterfaceFact } from "../access.ts";
import { note, ok, unknown, wrong } from "./outcome.ts";
import type { Outcome } from "./outcome.ts";

/** What a real server has answered. */
export interface ClientPathAnswer {
  readonly service: string;
  readonly forwarding: "gate" | "ipip" | "masq";
  /** Canonical address. */
  readonly server: string;
  readonly port: number;
  /** Of the service. */
  readonly virtualAddresses: readonly string[];
  /** Why it does not answer at its own address either; undefined: it does, or was not asked. */
  readonly plainFault?: string | undefined;
  /** Why it does not answer packets of clients; undefined: it does. */
  readonly fault?: string | undefined;
}

/** All answers, or why nobody could be asked. */
export type ClientPathAnswers = readonly ClientPathAnswer[] | string;

/** What the judgement needs besides. */
interface ClientPathFacts {
  readonly clientPaths: ClientPathAnswers;
  readonly interfaces: readonly InterfaceFact[];
  readonly addresses: readonly AddressFact[];
}

/** On the director alone that has the address can it be said where answers of masq lead. */
function isActive({ interfaces, addresses }: ClientPathFacts, answer: ClientPathAnswer): boolean {
  const real = new Set(interfaces.flatMap((one) => (one.isLoopback ? [] : [one.name])));
  return addresses.some(
    (one) => answer.virtualAddresses.includes(one.address) && real.has(one.interface),
  );
}

function judgeAnswer(facts: ClientPathFacts, answer: ClientPathAnswer): Outcome {
  const { service, forwarding, server, port, virtualAddresses, plainFault, fault } = answer;
  const who = `${service}: real server ${server} port ${port}`;
  if (fault === undefined) return ok(`${who} answers packets that come by ${forwarding}`);
  if (plainFault !== undefined) return unknown(`${who} does not answer at all: ${plainFault}`);
  const text = `${who} answers, but not packets that come by ${forwarding}: ${fault}`;
  if (forwarding === "masq") {
    if (!isActive(facts, answer)) {
      return note(`${text} (this host does not have the virtual address)`);
    }
    const gateway = "ADDRESS, one of this director";
    return wrong(text, `on ${server}: ip route replace default via ${gateway}`);
  }
  if (fault.startsWith("refused")) {
    return wrong(text, `on ${server}: let its program listen on all addresses`);
  }
  const method = forwarding === "ipip" ? " --method ipip" : "";
  const addresses = virtualAddresses.filter((one) => one.includes(":") === server.includes(":"));
  return wrong(
    text,
    `on ${server}: appliance setup realserver --vip ${addresses.join(" ")}${method}`,
  );
}

/** Real servers that do not answer packets of clients, with what mends it. */
export function judgeClientPaths(facts: ClientPathFacts): Outcome[] {
  const { clientPaths } = facts;
  if (typeof clientPaths === "string") {
    return [unknown(`the way of clients to the real servers: ${clientPaths}`)];
  }
  return clientPaths.map((answer) => judgeAnswer(facts, answer));
}
