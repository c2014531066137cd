/**
 * What must change so that a host can be a real server of direct routing (`gate`) or of a tunnel
 * (`ipip`): the virtual addresses on `lo`, silence about them on the LAN, and the same after a
 * reboot. Reads the host, changes nothing.
 *
 * @module
 */

import type { HostAccess } from "./access.ts";
import { arpSettings, effectiveValue, interfaceKey, targetValue } from "./arp-policy.ts";
import { fileSteps, linkSteps, realServerFiles } from "./persistence.ts";
import type { InitSystem, KeptAddress, TunnelDevice } from "./persistence.ts";
import { sysctlName } from "./step.ts";
import type { Step } from "./step.ts";
import { addressRefusal } from "./virtual-address.ts";

/** The part of a host that only tells. */
export type HostReader = Pick<
  HostAccess,
  | "interfaces"
  | "addresses"
  | "routes"
  | "moduleState"
  | "readSysctl"
  | "readFile"
  | "exists"
  | "readLink"
  | "list"
>;

/** How packets of a director reach this real server. */
export type RealServerMethod = "gate" | "ipip";

/** What the operator wants of a real server. */
export interface RealServerWish {
  /** Canonical, each once: those asked for and those that an earlier run has set up. */
  readonly vips: readonly string[];
  readonly method: RealServerMethod;
  /** Interfaces that are to be silent; undefined: all that use ARP. */
  readonly interfaces: readonly string[] | undefined;
  readonly persist: boolean;
  /** How this program is started, absolute. */
  readonly program: readonly string[];
  /** Variables that it needs at the next boot. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What is to be done, and what the operator should know. */
export interface Plan {
  readonly steps: readonly Step[];
  /** Why it cannot be done; empty if it can. */
  readonly refusals: readonly string[];
  /** The kernel or host lacks something: refusals of this kind. */
  readonly unsupported: readonly string[];
  /** What was found and is left, or what is not done. */
  readonly notes: readonly string[];
}

/** Tunnels by the family of the virtual addresses. */
export const tunnelDevices: Readonly<Record<4 | 6, TunnelDevice>> = {
  4: { module: "ipip", interface: "tunl0" },
  6: { module: "ip6_tunnel", interface: "ip6tnl0" },
};

interface Draft {
  readonly steps: Step[];
  readonly refusals: string[];
  readonly unsupported: string[];
  readonly notes: string[];
  /** Settings to keep over a reboot. */
  readonly values: Map<string, string>;
}

const isIpv4 = (address: string): boolean => !address.includes(":");

/** What starts this host, by what is installed. */
export function detectInit(host: Pick<HostReader, "exists">): InitSystem {
  const hasSystemd =
    host.exists("/run/systemd/system") ||
    ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"].some((path) => host.exists(path));
  if (hasSystemd) return "systemd";
  return host.exists("/etc/network/interfaces.d") ? "ifupdown" : "none";
}

/** Tunnels that a method needs for these addresses. */
export function tunnelsFor(vips: readonly string[], method: RealServerMethod): TunnelDevice[] {
  if (method === "gate") return [];
  return [
    ...(vips.some(isIpv4) ? [tunnelDevices[4]] : []),
    ...(vips.every(isIpv4) ? [] : [tunnelDevices[6]]),
  ];
}

function setValue(draft: Draft, host: HostReader, [key, to]: readonly [string, string]): void {
  const from = host.readSysctl(key);
  if (from === undefined) return;
  draft.values.set(key, to);
  if (from !== to) draft.steps.push({ kind: "sysctl", key, from, to });
}

function planArp(draft: Draft, host: HostReader, { vips, interfaces }: RealServerWish): void {
  if (!vips.some(isIpv4)) return;
  const present = host.interfaces();
  for (const name of interfaces ?? []) {
    if (!present.some((one) => one.name === name)) draft.refusals.push(`no interface ${name}`);
  }
  const names = interfaces ?? present.filter(({ usesArp }) => usesArp).map(({ name }) => name);
  for (const setting of arpSettings) {
    for (const name of ["all", ...names]) {
      const key = interfaceKey(name, setting);
      const found = Number(host.readSysctl(key));
      if (Number.isNaN(found)) continue;
      const to = targetValue(setting, found);
      if (found === to && to > targetValue(setting, 0)) {
        draft.notes.push(`${sysctlName(key)} is ${found}, which is stricter: left as it is`);
      }
      if (to < found) {
        draft.notes.push(`${sysctlName(key)} = ${found} would answer for ${vips[0]}: lowered`);
      }
      setValue(draft, host, [key, String(to)]);
    }
  }
}

/** Lowest alias of `lo` that no address has. */
function freeLabel(taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) {
    const label = `lo:${number}`;
    if (!taken.has(label)) return label;
  }
}

function planIpv6(draft: Draft, host: HostReader): void {
  const key = "net/ipv6/conf/lo/disable_ipv6";
  const value = host.readSysctl(key);
  if (value === undefined) draft.unsupported.push("this kernel has no IPv6");
  if (value === "1") draft.refusals.push(`IPv6 is turned off on lo (${sysctlName(key)} = 1)`);
}

/** An address that is on `lo` already. */
function planFound(draft: Draft, host: HostReader, found: KeptAddress & { bits: number }): void {
  const { address, label, bits } = found;
  const wantedBits = isIpv4(address) ? 32 : 128;
  if (bits === wantedBits) return;
  const shares = host.addresses().filter((other) => other.label === label).length > 1;
  // The kernel's call acts on the first address of a label, which may be 127.0.0.1.
  if (!isIpv4(address) || !label.includes(":") || shares) {
    draft.refusals.push(
      `${address} is on lo with /${bits}, which makes the whole network local; first: ` +
        `ip address del ${address}/${bits} dev lo`,
    );
    return;
  }
  draft.steps.push({ kind: "prefix", label, address, from: bits, to: wantedBits });
}

function planAddresses(draft: Draft, host: HostReader, vips: readonly string[]): KeptAddress[] {
  const addresses = host.addresses();
  const surroundings = { addresses, interfaces: host.interfaces(), routes: host.routes() };
  const taken = new Set(addresses.map(({ label }) => label));
  const loopback = surroundings.interfaces.find(({ name }) => name === "lo");
  if (loopback?.isUp === false) draft.steps.push({ kind: "up", interface: "lo" });
  if (!vips.every(isIpv4)) planIpv6(draft, host);
  return vips.map((address) => {
    const refusal = addressRefusal(address, surroundings);
    if (refusal !== undefined) draft.refusals.push(`${address} ${refusal}`);
    const found = addresses.find((fact) => fact.interface === "lo" && fact.address === address);
    if (found !== undefined) {
      const { label, prefixBits: bits } = found;
      if (refusal === undefined) planFound(draft, host, { address, label, bits });
      return { address, label };
    }
    const label = isIpv4(address) ? freeLabel(taken) : "lo";
    taken.add(label);
    const prefixBits = isIpv4(address) ? 32 : 128;
    draft.steps.push({ kind: "address", address: { interface: "lo", label, address, prefixBits } });
    return { address, label };
  });
}

function planTunnel(draft: Draft, host: HostReader, device: TunnelDevice): void {
  const { module: name, interface: tunnel } = device;
  const fact = host.interfaces().find((one) => one.name === tunnel);
  if (fact === undefined) {
    const state = host.moduleState(name);
    if (state === "loadable") {
      draft.steps.push({ kind: "module", name });
      draft.notes.push(`${tunnel} is set up once module ${name} is loaded`);
    } else if (state === "missing") {
      draft.unsupported.push(`method ipip needs the kernel module ${name}, which is missing`);
    } else {
      draft.unsupported.push(`method ipip needs ${tunnel}, which this network namespace lacks`);
    }
    return;
  }
  if (!fact.isUp) draft.steps.push({ kind: "up", interface: tunnel });
  if (tunnel === tunnelDevices[4].interface) planReversePath(draft, host, tunnel);
}

/**
 * What comes out of a tunnel has its way back elsewhere, and the tunnel has no address: then the
 * kernel drops it whatever rp_filter says but 0 (fib_validate_source()). The larger one of `all`
 * and the tunnel's own is in force; so `all` becomes 0, and before that every other interface gets
 * as its own what was in force there.
 */
function planReversePath(draft: Draft, host: HostReader, tunnel: string): void {
  const valueOf = (name: string): number =>
    Number(host.readSysctl(interfaceKey(name, "rp_filter")) ?? 0);
  const all = valueOf("all");
  for (const { name } of host.interfaces()) {
    if (name === tunnel) continue;
    const inForce = String(effectiveValue(all, valueOf(name)));
    setValue(draft, host, [interfaceKey(name, "rp_filter"), inForce]);
  }
  setValue(draft, host, [interfaceKey("all", "rp_filter"), "0"]);
  setValue(draft, host, [interfaceKey(tunnel, "rp_filter"), "0"]);
}

function planPersistence(
  draft: Draft,
  host: HostReader,
  { wish, addresses }: { readonly wish: RealServerWish; readonly addresses: KeptAddress[] },
): void {
  const init = detectInit(host);
  if (init === "none") {
    draft.notes.push("neither systemd nor ifupdown is here: nothing keeps this over a reboot");
  }
  const { method, program, environment, vips } = wish;
  const tunnels = tunnelsFor(vips, method);
  const kept = { addresses, values: draft.values, tunnels, method, program, environment };
  const { files, links } = realServerFiles(kept, init);
  draft.steps.push(...fileSteps(files, host.readFile), ...linkSteps(links, host.readLink));
  const interfaces = host.readFile("/etc/network/interfaces") ?? "";
  if (init === "ifupdown" && !/^\s*source(?:-directory)?\s/m.test(interfaces)) {
    draft.notes.push(
      "/etc/network/interfaces does not read interfaces.d; add: source /etc/network/interfaces.d/*",
    );
  }
}

/** Compares the host with the wish. Silence first, then the address, files last. */
export function planRealServer(host: HostReader, wish: RealServerWish): Plan {
  const draft: Draft = {
    steps: [],
    refusals: [],
    unsupported: [],
    notes: [],
    values: new Map(),
  };
  planArp(draft, host, wish);
  for (const device of tunnelsFor(wish.vips, wish.method)) planTunnel(draft, host, device);
  const addresses = planAddresses(draft, host, wish.vips);
  if (wish.persist) planPersistence(draft, host, { wish, addresses });
  const { steps, refusals, unsupported, notes } = draft;
  return { steps, refusals, unsupported, notes };
}
