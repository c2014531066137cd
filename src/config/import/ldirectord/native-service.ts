/**
 * One virtual service of ldirectord as a native `[[virtual_service]]`, with a warning for whatever
 * has no equal. Pure, but for the journal.
 *
 * @module
 */

import { schedulerFlags } from "../../../model/index.ts";
import type { SchedulerFlag } from "../../../model/index.ts";
import { formatEndpoint, parseIpv4 } from "../../../net/address.ts";
import { formatDuration } from "../../duration.ts";
import type { NativeTable } from "../../native.ts";
import { effectiveCheckPort, effectiveSettings } from "./effective.ts";
import type { EffectiveSettings } from "./effective.ts";
import { ipv4ToWord } from "./host.ts";
import { tellWarning } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { GlobalSettings, LdirectordReal, LdirectordVirtual } from "./model.ts";
import { serviceAlertsOf } from "./native-alert.ts";
import { checkTableOf, hasHopelessCheck, ownCheckTable } from "./native-check.ts";
import { virtualId } from "./virtual.ts";

/** What a service is written with. */
interface Writing {
  readonly virtual: LdirectordVirtual;
  readonly effective: EffectiveSettings;
  readonly forwarding: string;
  readonly journal: Journal;
}

/** The table, its keys in the order in which they are written. */
export function nativeTableOf(
  virtual: LdirectordVirtual,
  globals: GlobalSettings,
  journal: Journal,
): NativeTable {
  const effective = effectiveSettings(virtual, globals);
  const forwarding = virtual.reals[0]?.forward ?? effective.fallback?.forward ?? "masq";
  const writing: Writing = { virtual, effective, forwarding, journal };
  warnLost(writing);
  const check = checkTableOf(virtual, effective);
  const { address, port, fwmark } = virtual;
  return {
    name: virtualId(virtual),
    listen: address === undefined ? undefined : formatEndpoint({ address, port }),
    fwmark,
    protocol: virtual.protocol === "udp" ? "udp" : undefined,
    forwarding,
    scheduler: virtual.scheduler,
    scheduler_flags: schedulerFlagsOf(writing),
    persistent: virtual.persistent && formatDuration(virtual.persistent * 1000),
    persistence_mask: maskOf(writing),
    quiescent: effective.quiescent,
    fallback: fallbackOf(writing),
    one_packet: onePacketOf(writing),
    check,
    real_servers: serversOf(writing),
    ...serviceAlertsOf(virtual, effective.fallbackcommand, (key, message) =>
      warnAt(writing, key, message),
    ),
  };
}

function warnAt({ virtual, journal }: Writing, key: string, message: string): void {
  tellWarning(journal, { line: virtual.lines.get(key) ?? virtual.line, path: key, message });
}

/** Directives without an equal. */
function warnLost(writing: Writing): void {
  const { virtual } = writing;
  const lost: readonly (readonly [string, unknown, string])[] = [
    ["load", virtual.load, "ldirectord does not use this either"],
  ];
  for (const [key, value, message] of lost) {
    if (value !== undefined) warnAt(writing, key, message);
  }
  if (hasHopelessCheck(virtual)) {
    const message = `A check of ${virtual.service} without login or request can never be up: off`;
    warnAt(writing, "service", message);
  }
  if (virtual.service === "oracle" && virtual.checktype === "negotiate") {
    const message = "Oracle is asked whether it listens: there is no login and no query";
    warnAt(writing, "service", message);
  }
  if (virtual.cleanstop === false) warnAt(writing, "cleanstop", cleanstopMessage);
}

/** Of `cleanstop = no`. */
export const cleanstopMessage =
  "No effect: services end with the director, whatever cleanstop says";

/** ipvsadm(8) takes flags by number, too: the first is the fallback, the second the port. */
const numberedFlags: Readonly<Record<string, string>> = { "flag-1": "fallback", "flag-2": "port" };

/** The flags that the scheduler has; ipvsadm refuses the others. */
function schedulerFlagsOf(writing: Writing): readonly SchedulerFlag[] | undefined {
  const { scheduler, schedflags } = writing.virtual;
  if (schedflags === undefined) return undefined;
  const given = schedflags.split(",").map((flag) => {
    const number = numberedFlags[flag];
    return number === undefined ? flag : `${scheduler}-${number}`;
  });
  const known = schedulerFlags.filter(
    (flag) => given.includes(flag) && flag.startsWith(`${scheduler}-`),
  );
  if (known.length < new Set(given).size) {
    warnAt(writing, "schedflags", `Only flags of the scheduler ${scheduler} have an equal`);
  }
  return known.length === 0 ? undefined : known;
}

function maskOf(writing: Writing): number | undefined {
  const { netmask, family, persistent } = writing.virtual;
  if (netmask === undefined || persistent === undefined) return undefined;
  if (family === 6) return Number(netmask) === 128 ? undefined : Number(netmask);
  const quad = netmask.split(".").map(Number).join(".");
  if (parseIpv4(quad) === undefined) return undefined;
  const word = ipv4ToWord(quad);
  const bits = 32 - Math.log2(2 ** 32 - word);
  if (Number.isInteger(bits) && bits >= 1) return bits === 32 ? undefined : bits;
  warnAt(writing, "netmask", "Only a netmask of leading ones has an equal: each client alone");
  return undefined;
}

function onePacketOf(writing: Writing): true | undefined {
  const { ops, protocol } = writing.virtual;
  if (!ops) return undefined;
  if (protocol === "udp") return true;
  warnAt(writing, "ops", "ops works with protocol=udp only");
  return undefined;
}

/** True for a method that leaves the port as it is. */
function keepsPort(forwarding: string): boolean {
  return forwarding === "gate" || forwarding === "ipip";
}

/** `host:port`; without the port if the service's own is meant. */
function addressOf(host: string, port: number): string {
  if (port === 0) return host;
  return formatEndpoint({ address: host, port });
}

function fallbackOf(writing: Writing): string | undefined {
  const { virtual, effective, forwarding, journal } = writing;
  const { fallback } = effective;
  if (fallback === undefined) return undefined;
  const warn = (message: string): void => {
    tellWarning(journal, { line: fallback.line, path: "fallback", message });
  };
  const host = fallback.name ?? fallback.host;
  const isOwn = host === "127.0.0.1" || host === "::1";
  if (fallback.forward !== forwarding && !isOwn) {
    warn(`The fallback gets the forwarding of its service, ${forwarding}, not ${fallback.forward}`);
  }
  const isMoved = keepsPort(forwarding) && virtual.port !== 0 && fallback.port !== virtual.port;
  if (isMoved) {
    warn(`${forwarding} cannot change the port: written with port ${virtual.port}`);
  }
  return addressOf(host, isMoved ? virtual.port : fallback.port);
}

/** The port that is written for a real server. */
function writtenPort(virtual: LdirectordVirtual, forwarding: string, { port }: LdirectordReal) {
  const isMoved = keepsPort(forwarding) && virtual.port !== 0 && port !== 0;
  return isMoved ? virtual.port : port;
}

/** Real servers as they are written: each address once, the first one counts. */
export function distinctReals(
  virtual: LdirectordVirtual,
  forwarding: string,
): readonly LdirectordReal[] {
  const seen = new Set<string>();
  return virtual.reals.filter((real) => {
    const address = addressOf(real.name ?? real.host, writtenPort(virtual, forwarding, real));
    if (seen.has(address)) return false;
    seen.add(address);
    return true;
  });
}

function serversOf(writing: Writing): readonly NativeTable[] {
  const { virtual, forwarding, journal } = writing;
  const distinct = new Set(distinctReals(virtual, forwarding));
  const tables: NativeTable[] = [];
  for (const real of virtual.reals) {
    const warn = (message: string): void =>
      tellWarning(journal, { line: real.line, path: "real", message });
    if (real.forward !== forwarding) {
      warn(`A service has one forwarding: this server gets ${forwarding}, not ${real.forward}`);
    }
    const port = writtenPort(virtual, forwarding, real);
    if (port !== real.port) {
      warn(
        `${forwarding} cannot change the port: written with port ${virtual.port}, checked at ` +
          String(effectiveCheckPort(virtual, real)),
      );
    }
    const address = addressOf(real.name ?? real.host, port);
    if (!distinct.has(real)) {
      warn(`${address} is in this service already: left out, as ldirectord adds it once`);
      continue;
    }
    tables.push({
      address,
      weight: real.weight === 1 ? undefined : real.weight,
      ...thresholdsOf(real, warn),
      check: realCheckOf(writing, real, port),
    });
  }
  return tables;
}

function thresholdsOf(
  { upperThreshold = 0, lowerThreshold = 0 }: LdirectordReal,
  warn: (message: string) => void,
): NativeTable {
  const isUseful = lowerThreshold > 0 && lowerThreshold <= upperThreshold;
  if (lowerThreshold > 0 && !isUseful) warn("l: above u: has no effect, and is left out");
  return {
    upper_threshold: upperThreshold === 0 ? undefined : upperThreshold,
    lower_threshold: isUseful ? lowerThreshold : undefined,
  };
}

/** Own request and receive, and the port to check where it cannot be told from the address. */
function realCheckOf(
  { virtual }: Writing,
  real: LdirectordReal,
  port: number,
): NativeTable | undefined {
  const own = ownCheckTable(virtual, real);
  const checkPort = effectiveCheckPort(virtual, real);
  const shown = port === 0 ? virtual.port : port;
  const needsPort = virtual.checkport === undefined && checkPort !== 0 && checkPort !== shown;
  if (!needsPort) return own;
  return { ...own, port: checkPort };
}
