/**
 * `[[vrrp]]`: virtual routers out of their tables, and what cannot hold between their settings.
 *
 * @module
 */

import type { VirtualAddress, VirtualRouter } from "../../model/index.ts";
import { canonicalAddress, familyOf } from "../../net/address.ts";
import type { Family } from "../../net/address.ts";
import { deriveTiming, routerProblems } from "../../vrrp/index.ts";
import type { RouterProblem } from "../../vrrp/index.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import { formatDuration } from "../duration.ts";
import type { Report } from "../report.ts";
import type { VirtualAddressTable, VrrpTable } from "../schema/index.ts";
import { isSound } from "../section.ts";
import type { SourcedTable } from "../section.ts";
import { resolveTrack } from "./track.ts";

/** RFC 9568: a second, and three of them. */
const intervalMsDefault = 1000;
const intervalsPerDeadTime = 3;
/** With a peer channel: a dead time in which so many packets may be lost. Version 3 only. */
const peerTimes = { intervalMs: 20, downAfterMs: 300 } as const;
const priorityDefault = 100;
/** Smallest MTU that a network with advertisements has; a larger packet would be sent in pieces. */
const mtuAssumed = 1500;

/** Makes the virtual routers. They are of use only if the report has no problem. */
export function resolveVrrp(
  tables: readonly SourcedTable<VrrpTable>[],
  { hasPeer }: { readonly hasPeer: boolean },
  report: Report,
): VirtualRouter[] {
  const routers = tables.map((table) => resolveRouter(table, hasPeer, report));
  checkAddresses(tables, routers, report);
  checkIdentifiers(tables, routers, report);
  return routers;
}

function resolveRouter(
  table: SourcedTable<VrrpTable>,
  hasPeer: boolean,
  report: Report,
): VirtualRouter {
  const { value, place } = table;
  checkInterfaces(table, report);
  checkAuthentication(table, report);
  const interfaces = interfacesOf(value);
  const first = interfaces[0] ?? "";
  const advertised = value.addresses.map((one) => resolveAddress(one, first, true));
  const excluded = (value.excluded_addresses ?? []).map((one) => resolveAddress(one, first, false));
  const times = resolveTimes(value, hasPeer);
  const router: VirtualRouter = {
    name: value.name,
    interfaces,
    vrid: value.vrid,
    version: value.version ?? 3,
    family: familyOf(advertised[0]?.address ?? "0.0.0.0"),
    priority: value.priority ?? priorityDefault,
    addresses: [...advertised, ...excluded],
    peers: value.peers,
    password: value.auth_pass,
    keyFile: value.key_file,
    ...times,
    preempt: value.preempt ?? false,
    preemptDelayMs: value.preempt_delay ?? 0,
    startDelayMs: value.start_delay ?? 0,
    group: value.group,
    ...resolveTrack(table, report),
    announces: value.announce !== "none",
    ...programsOf(value),
  };
  checkFamilies(table, router, report);
  if (!hasPeer) warnUnrelieved(router, place, report);
  if (isSound(table, "addresses", "advertise_interval", "down_after", "version", "priority")) {
    checkRules(router, place, report);
  }
  return router;
}

function programsOf({ resources = [], on_active: onActive, notify }: VrrpTable) {
  return { resources, onActive, notify };
}

function warnUnrelieved({ track, preempt }: VirtualRouter, place: Place, report: Report): void {
  if (track.length === 0 || preempt) return;
  const text = "Without [peer] a director that is unfit is relieved only where preempt is true";
  report.warn(below(place, "track"), text);
}

function interfacesOf({ interface: one, interfaces }: VrrpTable): readonly string[] {
  return interfaces ?? (one === undefined ? [] : [one]);
}

/**
 * What is not written follows from what is; without either the times of RFC 9568, or, with a peer
 * channel, those that it makes possible. Version 2 can say whole seconds only.
 */
function resolveTimes(
  { version = 3, advertise_interval: intervalMs, down_after: downAfterMs }: VrrpTable,
  hasPeer: boolean,
): Pick<VirtualRouter, "advertiseIntervalMs" | "downAfterMs"> {
  const isFast = hasPeer && version === 3 && intervalMs === undefined;
  if (isFast) {
    const { intervalMs: advertiseIntervalMs, downAfterMs: silenceMs } = peerTimes;
    return { advertiseIntervalMs, downAfterMs: downAfterMs ?? silenceMs };
  }
  const advertiseIntervalMs = intervalMs ?? intervalMsDefault;
  return {
    advertiseIntervalMs,
    downAfterMs: downAfterMs ?? advertiseIntervalMs * intervalsPerDeadTime,
  };
}

function resolveAddress(
  { address: text, interface: device, label }: VirtualAddressTable,
  interfaceDefault: string,
  isAdvertised: boolean,
): VirtualAddress {
  const [host = "", bits] = text.split("/");
  const address = canonicalAddress(host) ?? host;
  const whole = familyOf(address) === 4 ? 32 : 128;
  return {
    address,
    prefixBits: bits === undefined ? whole : Number(bits),
    interface: device ?? interfaceDefault,
    label,
    isAdvertised,
  };
}

function checkInterfaces(table: SourcedTable<VrrpTable>, report: Report): void {
  const { value, place } = table;
  const hasOne = value.interface !== undefined;
  const hasMany = value.interfaces !== undefined;
  if (hasOne !== hasMany || !isSound(table, "interface", "interfaces")) return;
  const expected = hasOne ? "interface or interfaces, not both" : "the key interface";
  const foundText = hasOne ? "both" : "neither interface nor interfaces";
  report.problem(hasOne ? below(place, "interfaces") : place, { expected, foundText });
}

/** Whoever reads a network can speak VRRP: that nobody checks it must be written out. */
function checkAuthentication(table: SourcedTable<VrrpTable>, report: Report): void {
  const { value, place } = table;
  const { version = 3, auth, auth_pass: password, key_file: keyFile } = value;
  if (!isSound(table, "auth", "auth_pass", "key_file", "version")) return;
  if (password !== undefined && version === 3) {
    const expected = "auth_pass with version = 2 only: version 3 has no password";
    report.problem(below(place, "auth_pass"), { expected, foundText: "version 3" });
  }
  if (keyFile !== undefined && version === 2) {
    const expected = "key_file with version = 3 only";
    report.problem(below(place, "key_file"), { expected, foundText: "version 2" });
  }
  const ways = [auth, password, keyFile].filter((one) => one !== undefined).length;
  if (ways === 1) return;
  const expected = 'one of key_file, auth_pass and auth = "none"';
  report.problem(place, { expected, foundText: ways === 0 ? "none of them" : "several" });
}

function checkFamilies(
  { place }: SourcedTable<VrrpTable>,
  { addresses, family, peers = [] }: VirtualRouter,
  report: Report,
): void {
  const other = (address: string): boolean => familyOf(address) !== family;
  const expected = `IPv${family} addresses, as the first one is`;
  const advertised = addresses.filter(({ isAdvertised }) => isAdvertised);
  for (const [index, { address }] of advertised.entries()) {
    if (!other(address)) continue;
    const note = "another family goes to excluded_addresses, or to a [[vrrp]] in the same group";
    report.problem(below(place, "addresses", index), { expected, found: address, note });
  }
  for (const [index, peer] of peers.entries()) {
    if (other(peer)) report.problem(below(place, "peers", index), { expected, found: peer });
  }
}

type Say = (problem: RouterProblem) => {
  readonly key: string;
  readonly expected: string;
  readonly foundText: string;
};

const ms = (value: number): string => formatDuration(Math.max(0, Math.floor(value)));

const sayings: Readonly<Record<RouterProblem["code"], Say>> = {
  "down-after-short": ({ value, limit }) => ({
    key: "down_after",
    expected: `at least ${ms(limit)}, three of the shortest intervals that a packet can say`,
    foundText: ms(value),
  }),
  "down-after-long": ({ value, limit }) => ({
    key: "down_after",
    expected: `at most ${ms(limit)}, three of the longest intervals that a packet can say`,
    foundText: ms(value),
  }),
  "interval-over-wire": ({ value, limit }) => ({
    key: "advertise_interval",
    expected: `at most ${ms(limit)}, a third of down_after`,
    foundText: ms(value),
  }),
  "lease-missing": ({ value }) => ({
    key: "down_after",
    expected: "a time that leaves a lease: more than twice advertise_interval and 20 ms",
    foundText: `a lease of ${Math.floor(value)} ms`,
  }),
  "lease-short": ({ value, limit }) => ({
    key: "down_after",
    expected: `a time that leaves a lease of two intervals (${ms(limit)})`,
    foundText: `a lease of ${ms(value)}`,
  }),
  "lease-long": ({ value, limit }) => ({
    key: "down_after",
    expected: `a lease below ${ms(limit)}, after which a listener takes over`,
    foundText: `a lease of ${ms(value)}`,
  }),
  "priority-unfit": ({ value, limit }) => ({
    key: "priority",
    expected: `a priority from ${limit}: lower ones are for directors that are not fit`,
    foundText: String(value),
  }),
  "family-version": () => ({
    key: "version",
    expected: "version 3 for IPv6",
    foundText: "version 2",
  }),
  "address-count": ({ value, limit }) => ({
    key: "addresses",
    expected: `1 to ${limit} addresses; more go to excluded_addresses`,
    foundText: String(value),
  }),
  "packet-over-mtu": ({ value, limit }) => ({
    key: "addresses",
    expected: `a packet of at most ${limit} bytes; more addresses go to excluded_addresses`,
    foundText: `${value} bytes`,
  }),
};

function checkRules(router: VirtualRouter, place: Place, report: Report): void {
  const { version, priority, family, advertiseIntervalMs, downAfterMs, addresses } = router;
  const addressCount = addresses.filter(({ isAdvertised }) => isAdvertised).length;
  const times = { version, advertiseIntervalMs, downAfterMs };
  const hasHmac = router.keyFile !== undefined;
  const plan = { ...times, family, priority, addressCount, mtu: mtuAssumed, hasHmac };
  for (const problem of routerProblems(plan)) {
    const { key, expected, foundText } = sayings[problem.code](problem);
    report.problem(below(place, key), { expected, foundText });
  }
  const { deadTimeMs } = deriveTiming(times);
  if (deadTimeMs !== downAfterMs) {
    const is = ms(deadTimeMs);
    const text = `down_after is in fact ${is}: packets say a third of it in whole units`;
    report.warn(below(place, "down_after"), text);
  }
}

/** An address belongs to one virtual router. */
function checkAddresses(
  tables: readonly SourcedTable<VrrpTable>[],
  routers: readonly VirtualRouter[],
  report: Report,
): void {
  const owners = new Map<string, Place>();
  for (const [index, { addresses }] of routers.entries()) {
    const place = tables[index]!.place;
    for (const { address } of addresses) {
      const other = owners.get(address);
      if (other === undefined) owners.set(address, place);
      else {
        report.problem(place, {
          expected: "addresses that no other [[vrrp]] has",
          found: address,
          note: "the other is at",
          other,
        });
      }
    }
  }
}

/** Two virtual routers of one identifier on one interface would hear each other. */
function checkIdentifiers(
  tables: readonly SourcedTable<VrrpTable>[],
  routers: readonly VirtualRouter[],
  report: Report,
): void {
  const owners = new Map<string, Place>();
  for (const [index, { interfaces, vrid, family, peers }] of routers.entries()) {
    const place = tables[index]!.place;
    for (const device of interfaces) {
      const key = identity(device, { vrid, family, peers });
      const other = owners.get(key);
      if (other === undefined) owners.set(key, place);
      else {
        report.problem(below(place, "vrid"), {
          expected: "an identifier that no other [[vrrp]] on this interface has",
          found: vrid,
          note: "the other is at",
          other,
        });
      }
    }
  }
}

function identity(
  device: string,
  router: { readonly vrid: number; readonly family: Family; readonly peers: unknown },
): string {
  return `${device} ${router.vrid} ${router.family} ${JSON.stringify(router.peers ?? "")}`;
}
