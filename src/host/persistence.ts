/**
 * Files that make a host the same after a reboot: systemd's or ifupdown's. Pure.
 *
 * @module
 */

import { sysctlName } from "./step.ts";
import type { Step } from "./step.ts";

/** What starts this host. */
export type InitSystem = "systemd" | "ifupdown" | "none";

/** A virtual address and its label on `lo`. */
export interface KeptAddress {
  readonly address: string;
  readonly label: string;
}

/** Names of a kernel module and the tunnel interface that it brings. */
export interface TunnelDevice {
  readonly module: string;
  readonly interface: string;
}

/** A file as it is to be. */
export interface WantedFile {
  readonly path: string;
  readonly text: string;
}

/** Settings by key, as they must be after a reboot. */
export type SysctlValues = ReadonlyMap<string, string>;

/** What to keep of a real server. */
export interface KeptRealServer {
  readonly addresses: readonly KeptAddress[];
  readonly values: SysctlValues;
  readonly tunnels: readonly TunnelDevice[];
  readonly method: "gate" | "ipip";
  /** How this program is started, absolute. */
  readonly program: readonly string[];
  /** Variables that it needs, besides systemd's. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Paths of the files, for whoever looks for them. */
export const realServerPaths = {
  sysctl: "/etc/sysctl.d/60-appliance-realserver.conf",
  unit: "/etc/systemd/system/appliance-realserver.service",
  link: "/etc/systemd/system/multi-user.target.wants/appliance-realserver.service",
  stanza: "/etc/network/interfaces.d/appliance-realserver",
} as const;

/** First line of a file that a setup has written. */
export function fileHead(command: string): string {
  return `# Written by "appliance ${command}"; "appliance ${command} --undo" takes it back.\n`;
}

/** A file of sysctl.d(5). A key with slashes keeps the points of an interface's name. */
export function formatSysctlFile(values: SysctlValues, command: string): string {
  const lines = [...values].map(([key, value]) => `${sysctlName(key)} = ${value}\n`);
  return `${fileHead(command)}${lines.join("")}`;
}

/** A word of a command line in a unit (systemd.service(5), systemd.unit(5)). */
function quoteWord(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w@%+=:,./$-]+$/.test(escaped)
    ? escaped
    : `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', String.raw`\"`)}"`;
}

function formatUnit({ addresses, method, program, environment }: KeptRealServer): string {
  const vips = addresses.flatMap(({ address }) => ["--vip", address]);
  const command = [...program, "setup", "realserver", ...vips, "--method", method, "--no-persist"];
  const variables = Object.entries(environment).map(
    ([name, value]) => `Environment=${quoteWord(`${name}=${value}`)}\n`,
  );
  return `${fileHead("setup realserver")}[Unit]
Description=Virtual addresses of a real server
Documentation=man:appliance(8)
After=systemd-sysctl.service systemd-modules-load.service
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
${variables.join("")}ExecStart=${command.map(quoteWord).join(" ")}

[Install]
WantedBy=multi-user.target
`;
}

/** One address; on the label `lo` itself it must not be told as that interface's only one. */
function formatAddressStanza({ address, label }: KeptAddress, first: string): string {
  const isIpv4 = !address.includes(":");
  if (isIpv4 && label.includes(":")) {
    return `auto ${label}
iface ${label} inet static
    address ${address}
    netmask 255.255.255.255
${first}`;
  }
  const [family, option, bits, nodad] = isIpv4
    ? ["inet", "-4", 32, ""]
    : ["inet6", "-6", 128, " nodad"];
  return `auto lo
iface lo ${family} manual
${first}    up ip ${option} address replace ${address}/${bits} dev lo${nodad}
    down ip ${option} address del ${address}/${bits} dev lo
`;
}

function formatStanza({ addresses, tunnels }: KeptRealServer): string {
  const first = [
    // The settings of a tunnel are there once it is.
    ...tunnels.map(
      ({ module, interface: name }) => `    pre-up modprobe ${module} && ip link set ${name} up\n`,
    ),
    `    pre-up sysctl -q -e -p ${realServerPaths.sysctl}\n`,
  ];
  const stanzas = addresses.map((address, index) =>
    formatAddressStanza(address, index === 0 ? first.join("") : ""),
  );
  return `${fileHead("setup realserver")}${stanzas.join("\n")}`;
}

/** Files of a real server, and the links that enable them; none where nothing known starts it. */
export function realServerFiles(
  kept: KeptRealServer,
  init: InitSystem,
): { readonly files: readonly WantedFile[]; readonly links: readonly WantedFile[] } {
  if (init === "none") return { files: [], links: [] };
  const sysctl = {
    path: realServerPaths.sysctl,
    text: formatSysctlFile(kept.values, "setup realserver"),
  };
  if (init === "ifupdown") {
    const stanza = { path: realServerPaths.stanza, text: formatStanza(kept) };
    return { files: [sysctl, stanza], links: [] };
  }
  const unit = { path: realServerPaths.unit, text: formatUnit(kept) };
  const link = { path: realServerPaths.link, text: realServerPaths.unit };
  return { files: [sysctl, unit], links: [link] };
}

/** Steps to files that differ from what is wanted. */
export function fileSteps(
  files: readonly WantedFile[],
  readFile: (path: string) => string | undefined,
): Step[] {
  return files.flatMap(({ path, text }) => {
    const from = readFile(path);
    return from === text ? [] : [{ kind: "file", path, from, to: text } as const];
  });
}

/** Steps to links that lead elsewhere. */
export function linkSteps(
  links: readonly WantedFile[],
  readLink: (path: string) => string | undefined,
): Step[] {
  return links.flatMap(({ path, text }) => {
    const from = readLink(path);
    return from === text ? [] : [{ kind: "link", path, from, to: text } as const];
  });
}

/** What of a unit does not depend on where this program lies. */
function withoutProgram(text: string): string {
  return text
    .replace(/^ExecStart=.*? setup realserver /m, "ExecStart=setup realserver ")
    .replaceAll(/^Environment=.*\n/gm, "");
}

/**
 * True if a file that differs from what setup would write now keeps the host over a reboot all the
 * same: written by an executable elsewhere, or before an interface came or went.
 */
export function keepsAll(step: Step): boolean {
  if (step.kind !== "file" || step.from === undefined) return false;
  const { path, from, to } = step;
  if (path === realServerPaths.unit) return withoutProgram(from) === withoutProgram(to);
  if (path !== realServerPaths.sysctl) return false;
  const lines = new Set(from.split("\n"));
  const common = to.split("\n").filter((line) => line.startsWith("net.ipv4.conf.all."));
  return common.every((line) => lines.has(line));
}
