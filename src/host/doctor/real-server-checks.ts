/**
 * Checks of a real server, a table entry each. Pure.
 *
 * @module
 */

import type { AddressFact, InterfaceFact } from "../access.ts";
import { arpSettings, effectiveValue, interfaceKey, isSafe } from "../arp-policy.ts";
import type { ArpSetting } from "../arp-policy.ts";
import type { InitSystem, TunnelDevice } from "../persistence.ts";
import type { ListeningSocket } from "../proc-text.ts";
import type { Step } from "../step.ts";
import { note, ok, unknown, wrong } from "./outcome.ts";
import type { HostCheck, Outcome } from "./outcome.ts";

/** A port of a virtual service, as far as it is known. */
export interface ExpectedPort {
  readonly vip: string;
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

/** What is looked at. */
export interface RealServerFacts {
  readonly vips: readonly string[];
  readonly method: "gate" | "ipip";
  readonly interfaces: readonly InterfaceFact[];
  readonly addresses: readonly AddressFact[];
  /** Settings by key, with slashes. */
  readonly settings: ReadonlyMap<string, string>;
  readonly tunnels: readonly TunnelDevice[];
  readonly listeners: readonly ListeningSocket[];
  /** Ports by the configuration; empty if it is not known. */
  readonly ports: readonly ExpectedPort[];
  readonly init: InitSystem;
  /** What setup would still write to keep all of it over a reboot. */
  readonly fileSteps: readonly Step[];
}

const isIpv4 = (address: string): boolean => !address.includes(":");

/** The command that mends most of it. */
export function setupCommand({ vips, method }: Pick<RealServerFacts, "vips" | "method">): string {
  const options = vips.map((vip) => ` --vip ${vip}`).join("");
  return `appliance setup realserver${options}${method === "gate" ? "" : ` --method ${method}`}`;
}

function numberOf(facts: RealServerFacts, name: string, setting: string): number {
  return Number(facts.settings.get(interfaceKey(name, setting)) ?? 0);
}

function judgeAddress(facts: RealServerFacts, vip: string): Outcome {
  const found = facts.addresses.find((one) => one.interface === "lo" && one.address === vip);
  const wanted = isIpv4(vip) ? 32 : 128;
  if (found === undefined) {
    return wrong(
      `${vip} is not on lo: packets for it are not taken`,
      setupCommand({ vips: [vip], method: facts.method }),
    );
  }
  if (found.prefixBits === wanted) return ok(`${vip}/${wanted} is on ${found.label}`);
  return wrong(
    `${vip}/${found.prefixBits} on ${found.label} makes its whole network local`,
    `ip address del ${vip}/${found.prefixBits} dev lo && ${setupCommand(facts)}`,
  );
}

function judgeElsewhere({ vips, addresses, interfaces }: RealServerFacts): Outcome[] {
  const loopbacks = new Set(interfaces.flatMap((one) => (one.isLoopback ? [one.name] : [])));
  return addresses
    .filter((fact) => vips.includes(fact.address) && !loopbacks.has(fact.interface))
    .map(({ address, prefixBits, interface: name }) =>
      wrong(
        `${address} is on ${name}, where this host answers the LAN for it`,
        `ip address del ${address}/${prefixBits} dev ${name}`,
      ),
    );
}

const consequence: Readonly<Record<ArpSetting, string>> = {
  arp_ignore: "the host answers ARP for",
  arp_announce: "the host tells the LAN in its own ARP requests that it has",
};

function judgeArp(facts: RealServerFacts, setting: ArpSetting): Outcome[] {
  const vips = facts.vips.filter(isIpv4);
  if (vips.length === 0) return [];
  const all = numberOf(facts, "all", setting);
  return facts.interfaces
    .filter(({ usesArp, isUp }) => usesArp && isUp)
    .map(({ name }) => {
      const value = effectiveValue(all, numberOf(facts, name, setting));
      if (isSafe(setting, value)) return ok(`${setting} of ${name} is ${value}`);
      return wrong(
        `${setting} of ${name} is ${value}: ${consequence[setting]} ${vips.join(", ")} there`,
        setupCommand(facts),
      );
    });
}

function judgeTunnel(facts: RealServerFacts, { interface: name, module }: TunnelDevice): Outcome {
  const found = facts.interfaces.find((one) => one.name === name);
  if (found === undefined) {
    return wrong(`${name} is not there (kernel module ${module})`, setupCommand(facts));
  }
  if (!found.isUp) return wrong(`${name} is down`, setupCommand(facts));
  const [all, own] = ["all", name].map((one) => numberOf(facts, one, "rp_filter"));
  // The tunnel has no address: the loose 2 drops, too.
  if (module === "ipip" && effectiveValue(all!, own!) !== 0) {
    return wrong(`rp_filter of ${name} drops what comes out of the tunnel`, setupCommand(facts));
  }
  return ok(`${name} takes tunnelled packets`);
}

function judgePersistence(facts: RealServerFacts): Outcome[] {
  if (facts.init === "none") {
    return [note("neither systemd nor ifupdown is here: the boot scripts must run setup")];
  }
  if (facts.fileSteps.length === 0) return [ok(`kept over a reboot by ${facts.init}`)];
  const paths = facts.fileSteps.flatMap((step) => ("path" in step ? [step.path] : []));
  return [
    wrong(`not kept over a reboot: ${paths.join(", ")} missing or different`, setupCommand(facts)),
  ];
}

/** True if clients that come to `vip` reach this socket. */
function takes(socket: ListeningSocket, vip: string): boolean {
  if (socket.address === vip || socket.address === "::") return true;
  return isIpv4(vip) && (socket.address === "0.0.0.0" || socket.address === `::ffff:${vip}`);
}

function judgeListeners({ vips, ports, listeners }: RealServerFacts): Outcome[] {
  const expected = ports.filter(({ vip }) => vips.includes(vip));
  if (expected.length > 0) {
    return expected.map(({ vip, protocol, port }) => {
      const isServed = listeners.some(
        (one) => one.protocol === protocol && one.port === port && takes(one, vip),
      );
      if (isServed) return ok(`something listens at ${vip}, ${protocol} port ${port}`);
      return wrong(
        `nothing listens at ${vip}, ${protocol} port ${port}`,
        `start the server, on all addresses or on ${vip}; ss -ln shows who listens`,
      );
    });
  }
  const tcp = listeners.filter(({ protocol }) => protocol === "tcp");
  return vips.map((vip) => {
    const found = [...new Set(tcp.filter((one) => takes(one, vip)).map(({ port }) => port))];
    if (found.length === 0) return unknown(`nothing listens at ${vip} by TCP; is it for UDP?`);
    return ok(`TCP ports served at ${vip}: ${found.toSorted((a, b) => a - b).join(", ")}`);
  });
}

/** All checks, in the order in which they are told. */
export const realServerChecks: readonly HostCheck<RealServerFacts>[] = [
  { id: "vip-on-lo", judge: (facts) => facts.vips.map((vip) => judgeAddress(facts, vip)) },
  { id: "vip-elsewhere", judge: judgeElsewhere },
  ...arpSettings.map((setting) => ({
    id: setting.replace("_", "-"),
    judge: (facts: RealServerFacts) => judgeArp(facts, setting),
  })),
  { id: "tunnel", judge: (facts) => facts.tunnels.map((one) => judgeTunnel(facts, one)) },
  { id: "persistence", judge: judgePersistence },
  { id: "listener", judge: judgeListeners },
];
