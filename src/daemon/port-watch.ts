/**
 * Watches how many local ports the proxy uses towards each real server, and warns before none is
 * left: a connection needs a port of its own for each destination, and a source address has some
 * 28,000 of them (net.ipv4.ip_local_port_range, ip(7)). More `source` addresses bring more.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import type { Clock, Timer } from "../clock/index.ts";
import type { ServiceCounters } from "../datapath/index.ts";
import type { Reporter } from "./report.ts";

/** How often the use is looked at. */
const watchIntervalMs = 5000;
/** Part of the ports from which on it warns, and below which the warning is over. */
const highPart = 0.8;
const lowPart = 0.6;
/** The kernel's default range, for hosts that do not tell theirs. */
const defaultPorts = 28_232;

/** Ports in the text of /proc/sys/net/ipv4/ip_local_port_range; the default if it is unreadable. */
export function parsePortRange(text: string): number {
  const match = /^\s*(\d+)\s+(\d+)\s*$/.exec(text);
  if (match === null) return defaultPorts;
  return Math.max(1, Number(match[2]) - Number(match[1]) + 1);
}

/** Use of the ports towards one real server. */
export interface PortUse {
  readonly service: string;
  readonly server: string;
  readonly used: number;
  readonly available: number;
}

/** What {@link nextAlarms} finds. */
export interface PortAlarms {
  /** Servers that are short of ports, by service and key. */
  readonly alarms: ReadonlySet<string>;
  /** Those that have become so. */
  readonly begun: readonly PortUse[];
  /** Those that no longer are. */
  readonly over: readonly PortUse[];
}

/** Judges the use of ports anew. Pure. */
export function nextAlarms(before: ReadonlySet<string>, uses: readonly PortUse[]): PortAlarms {
  const alarms = new Set<string>();
  const begun: PortUse[] = [];
  const over: PortUse[] = [];
  for (const use of uses) {
    const id = `${use.service}\n${use.server}`;
    const was = before.has(id);
    const is = use.used >= use.available * (was ? lowPart : highPart);
    if (is) alarms.add(id);
    if (is && !was) begun.push(use);
    if (!is && was) over.push(use);
  }
  return { alarms, begun, over };
}

/** Use of ports by the counters; `sources` counts source addresses by service, else 1. Pure. */
export function portUses(
  services: readonly ServiceCounters[],
  sources: ReadonlyMap<string, number>,
  ports: number,
): readonly PortUse[] {
  return services.flatMap(({ name, servers }) =>
    servers.map(({ key, active, inactive }) => ({
      service: name,
      server: key,
      used: active + inactive,
      available: ports * (sources.get(name) ?? 1),
    })),
  );
}

/** What the watch needs. */
export interface PortWatchOptions {
  readonly clock: Clock;
  readonly counters: () => readonly ServiceCounters[];
  /** Number of source addresses by service; 1 for those not in it. */
  readonly sources: () => ReadonlyMap<string, number>;
  readonly report: Reporter;
  /** Ports of one source address. Default: the host's. */
  readonly ports?: number | undefined;
}

function hostPorts(): number {
  try {
    return parsePortRange(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "latin1"));
  } catch {
    return defaultPorts;
  }
}

/** Watches until it is closed. */
export function watchPorts(options: PortWatchOptions): { close(): void } {
  const { clock, counters, sources, report } = options;
  const ports = options.ports ?? hostPorts();
  let alarms: ReadonlySet<string> = new Set();
  let timer: Timer;

  const tell = ({ service, server, used, available }: PortUse, isShort: boolean): void => {
    const text = isShort ? "Local ports run short" : "Local ports suffice again";
    const advice = isShort ? ': add addresses to "source"' : "";
    const reason = `${used} of ${available} in use${advice}`;
    const level = isShort ? "warning" : "info";
    report({ level, name: "local-ports", kind: "engine", service, server, text, reason });
  };
  const look = (): void => {
    const found = nextAlarms(alarms, portUses(counters(), sources(), ports));
    alarms = found.alarms;
    for (const use of found.begun) tell(use, true);
    for (const use of found.over) tell(use, false);
    timer = clock.after(watchIntervalMs, look);
  };
  timer = clock.after(watchIntervalMs, look);
  return { close: () => timer.cancel() };
}
