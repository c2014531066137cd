/**
 * What a host needs to forward as its services ask for. `appliance run` writes no setting of the
 * kernel; `appliance setup director` does, once. Reads the host, changes nothing.
 *
 * The proxy needs nothing: it binds addresses that the host does not have, and opens its own
 * connections. Nor does the engine bpf, which comes before the kernel's routing. IPVS needs
 * forwarding (masq), no redirects that lead clients past the director, and its modules.
 *
 * @module
 */

import type { SchedulerName } from "../model/index.ts";
import { interfaceKey } from "./arp-policy.ts";
import { fileHead, fileSteps, formatSysctlFile } from "./persistence.ts";
import type { HostReader, Plan } from "./plan-realserver.ts";
import { detectInit } from "./plan-realserver.ts";
import type { Step } from "./step.ts";

/** One service as its engine carries it. */
export interface CarriedService {
  readonly name: string;
  readonly engine: "proxy" | "ipvs" | "bpf";
  readonly forwarding: "proxy" | "masq" | "gate" | "ipip";
  readonly scheduler: SchedulerName;
  /** Families of its virtual addresses. */
  readonly families: readonly (4 | 6)[];
  /** What carries it where the kernel has no IPVS; undefined: the same. */
  readonly withoutIpvs?: "proxy" | "bpf" | "ipvs" | undefined;
  /** True: clients keep their real server. */
  readonly isPersistent?: boolean | undefined;
}

/** What the configuration asks of the host. */
export interface DirectorWish {
  readonly services: readonly CarriedService[];
  /** Descriptors the proxy can come to need. */
  readonly descriptors: number;
}

/** Paths of the files, for whoever looks for them. */
export const directorPaths = {
  sysctl: "/etc/sysctl.d/60-appliance-director.conf",
  modules: "/etc/modules-load.d/appliance-director.conf",
  limits: "/etc/systemd/system/appliance.service.d/60-limits.conf",
} as const;

/** Hard limit of descriptors that systemd gives a service (systemd.exec(5)). */
export const systemdDescriptors = 524_288;
/** fs.nr_open as the kernel starts: no limit can be higher. */
const descriptorsMax = 1_048_576;

/** Settings that are there once the module of IPVS is; all of them are 0 then. */
const ipvsSettings = "net/ipv4/vs/";

/** Settings that the services need, by key. */
export function wantedSettings(
  services: readonly CarriedService[],
  interfaces: readonly string[],
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  // The engine bpf sends packets on before the kernel would route them.
  const ipvs = services.filter(({ engine }) => engine === "ipvs");
  const routed = ipvs.filter(({ forwarding }) => forwarding === "masq");
  if (routed.some(({ families }) => families.includes(4))) values.set("net/ipv4/ip_forward", "1");
  if (routed.some(({ families }) => families.includes(6))) {
    values.set("net/ipv6/conf/all/forwarding", "1");
  }
  // In force if `all` or the interface says so: both must be 0.
  if (ipvs.some(({ families }) => families.includes(4))) {
    for (const name of ["all", ...interfaces])
      values.set(interfaceKey(name, "send_redirects"), "0");
  }
  // A real server that was removed, or failed, loses its connections and clients at once.
  if (ipvs.length > 0) values.set(`${ipvsSettings}expire_nodest_conn`, "1");
  if (ipvs.some(({ isPersistent }) => isPersistent === true)) {
    values.set(`${ipvsSettings}expire_quiescent_template`, "1");
  }
  return values;
}

/** Services as they are carried on a host. */
export function carriedHere(
  hasIpvs: boolean,
  services: readonly CarriedService[],
): readonly CarriedService[] {
  if (hasIpvs) return services;
  return services.map((service) => ({ ...service, engine: service.withoutIpvs ?? service.engine }));
}

/** Modules that the services need. */
export function wantedModules(services: readonly CarriedService[]): readonly string[] {
  const schedulers = services.flatMap(({ engine, scheduler }) =>
    engine === "ipvs" ? [`ip_vs_${scheduler}`] : [],
  );
  return schedulers.length === 0 ? [] : [...new Set(["ip_vs", ...schedulers])];
}

function limitsText(descriptors: number): string {
  return `${fileHead("setup director")}[Service]
LimitNOFILE=${Math.min(descriptorsMax, descriptors)}
`;
}

function modulesText(names: readonly string[]): string {
  return `${fileHead("setup director")}${names.join("\n")}
`;
}

function moduleSteps(host: HostReader, modules: readonly string[]): readonly Step[] {
  return modules
    .filter((name) => host.moduleState(name) === "loadable")
    .map((name) => ({ kind: "module", name }));
}

/** Comes after the modules, some of which bring their settings. */
function settingSteps(host: HostReader, wanted: ReadonlyMap<string, string>): readonly Step[] {
  const isStillToLoad = host.moduleState("ip_vs") === "loadable";
  return Array.from(wanted).flatMap(([key, to]): readonly Step[] => {
    const first = isStillToLoad && key.startsWith(ipvsSettings) ? "0" : undefined;
    const from = host.readSysctl(key) ?? first;
    return from === undefined || from === to ? [] : [{ kind: "sysctl", key, from, to }];
  });
}

/** Compares the host with what the configuration needs. */
export function planDirector(host: HostReader, { services: all, descriptors }: DirectorWish): Plan {
  const services = carriedHere(host.moduleState("ip_vs") !== "missing", all);
  const steps: Step[] = [];
  const notes: string[] = [];
  const arping = host.interfaces().filter(({ usesArp }) => usesArp);
  const wanted = wantedSettings(
    services,
    arping.map(({ name }) => name),
  );
  if (wanted.has("net/ipv6/conf/all/forwarding")) {
    notes.push("interfaces that take routes from router advertisements then need accept_ra = 2");
  }
  const modules = wantedModules(services);
  const unsupported = modules
    .filter((name) => host.moduleState(name) === "missing")
    .map((name) => `the engine ipvs needs the kernel module ${name}, which is missing`);
  steps.push(...moduleSteps(host, modules), ...settingSteps(host, wanted));
  const isShort = descriptors > systemdDescriptors && detectInit(host) === "systemd";
  const files = [
    ...(wanted.size === 0
      ? []
      : [{ path: directorPaths.sysctl, text: formatSysctlFile(wanted, "setup director") }]),
    ...(modules.length === 0 ? [] : [{ path: directorPaths.modules, text: modulesText(modules) }]),
    ...(isShort ? [{ path: directorPaths.limits, text: limitsText(descriptors) }] : []),
  ];
  steps.push(...fileSteps(files, host.readFile));
  return { steps, refusals: [], unsupported, notes };
}
