/**
 * A table of virtual services as lines, the same for the table that ldirectord writes by ipvsadm
 * and for what this project's director wants, so that the two can be compared. Pure.
 *
 *     tcp 127.0.0.1:80 wrr persistent 600 mask 24
 *     tcp 127.0.0.1:80 -> 127.0.0.2:8001 masq 5 u:10 l:2
 *
 * @module
 */

import type { ServiceSnapshot } from "../../../src/status/index.ts";

interface Row {
  readonly service: string;
  readonly server: string;
  readonly forward: string;
  readonly weight: number;
  readonly upper: number;
  readonly lower: number;
}

function serverLine({ service, server, forward, weight, upper, lower }: Row): string {
  const thresholds = upper === 0 && lower === 0 ? "" : ` u:${upper} l:${lower}`;
  return `${service} -> ${server} ${forward} ${weight}${thresholds}`;
}

/** What is said of a service beside its address. */
interface Settings {
  readonly scheduler: string;
  readonly persistent: string;
  /** Prefix length; undefined: each client for itself. */
  readonly maskBits: number | undefined;
  readonly onePacket: boolean;
}

function serviceLine(service: string, settings: Settings): string {
  const { scheduler, persistent, maskBits, onePacket } = settings;
  return [
    `${service} ${scheduler}`,
    persistent === "" ? "" : ` persistent ${persistent}`,
    maskBits === undefined ? "" : ` mask ${maskBits}`,
    onePacket ? " ops" : "",
  ].join("");
}

/** Leading ones of a netmask as `-M` takes it: dotted for IPv4, a number for IPv6. */
function maskBitsOf(mask: string): number | undefined {
  if (mask === "") return undefined;
  if (!mask.includes(".")) return Number(mask) === 128 ? undefined : Number(mask);
  const ones = mask
    .split(".")
    .map((octet) => Number(octet).toString(2).replaceAll("0", ""))
    .join("");
  return ones.length === 32 ? undefined : ones.length;
}

const forwards: Readonly<Record<string, string>> = { Route: "gate", Tunnel: "ipip", Masq: "masq" };

/** Lines of the file `table` that the stand-in for ipvsadm keeps. */
export function linesOfTable(text: string): readonly string[] {
  const lines: string[] = [];
  let service = "";
  for (const line of text.split("\n")) {
    const [kind, first = "", ...rest] = line.split("\t");
    if (kind === "service") {
      const [scheduler = "", persistent = "", mask = "", , onePacket = ""] = rest;
      service = first;
      const maskBits = maskBitsOf(mask);
      const settings = { scheduler, persistent, maskBits, onePacket: onePacket !== "" };
      lines.push(serviceLine(service, settings));
    } else if (kind === "server") {
      const [forward = "", weight, upper, lower] = rest;
      lines.push(
        serverLine({
          service,
          server: first,
          forward: forwards[forward] ?? forward,
          weight: Number(weight),
          upper: Number(upper),
          lower: Number(lower),
        }),
      );
    }
  }
  return lines.toSorted();
}

/** Lines of what a director wants: the servers in its table, and the fallback while it serves. */
export function linesOfSnapshot(services: readonly ServiceSnapshot[]): readonly string[] {
  return services.flatMap(linesOfService).toSorted();
}

function linesOfService(snapshot: ServiceSnapshot): readonly string[] {
  const { listen, protocol, forwarding: forward, fallback, realServers } = snapshot;
  const service = `${protocol} ${listen[0]}`;
  const { scheduler, persistentTimeoutMs, persistenceMask, onePacket } = snapshot;
  const isWhole = persistenceMask === (listen[0]?.startsWith("[") === true ? 128 : 32);
  const settings = {
    scheduler,
    persistent: persistentTimeoutMs === null ? "" : String(persistentTimeoutMs / 1000),
    maskBits: persistenceMask === null || isWhole ? undefined : persistenceMask,
    onePacket,
  };
  const lines = [serviceLine(service, settings)];
  for (const server of realServers) {
    const { key, effectiveWeight: weight, upperThreshold: upper, lowerThreshold: lower } = server;
    if (!server.listed) continue;
    lines.push(serverLine({ service, server: key, forward, weight, upper, lower }));
  }
  if (fallback?.active === true) {
    lines.push(
      serverLine({ service, server: fallback.key, forward, weight: 1, upper: 0, lower: 0 }),
    );
  }
  return lines;
}

/** `- line` of what only the first has, `+ line` of what only the second has. */
export function compareLines(
  first: readonly string[],
  second: readonly string[],
): readonly string[] {
  const [inFirst, inSecond] = [new Set(first), new Set(second)];
  return [
    ...first.filter((line) => !inSecond.has(line)).map((line) => `- ${line}`),
    ...second.filter((line) => !inFirst.has(line)).map((line) => `+ ${line}`),
  ];
}
