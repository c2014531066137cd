/**
 * Configuration files that people have published, beside what ldirectord 4.12 makes of them: the
 * same verdict, and the same meaning of what it accepts. The files are read where they lie, beside
 * the tree; without them the tests are skipped.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { importFile, parseLdirectord } from "../../src/config/import/index.ts";
import {
  effectiveCheckPort,
  effectiveSettings,
  virtualId,
} from "../../src/config/import/ldirectord/index.ts";
import type {
  GlobalSettings,
  LdirectordFallback,
  LdirectordReal,
  LdirectordVirtual,
} from "../../src/config/import/ldirectord/index.ts";
import { missing, satisfied } from "../helpers/require-peer.ts";

const corpus = new URL("../../../shared/corpus", import.meta.url).pathname;
const requirement = existsSync(`${corpus}/INDEX.tsv`)
  ? satisfied
  : missing("the corpus of configuration files is not beside the tree");

/** Names that the recorded run could look up. */
const host = {
  hosts: "192.168.10.71 sql01\n192.168.10.72 sql02\n192.168.10.73 sql03\n",
  hostName: "director.example",
};

interface Row {
  readonly verdict: string;
  readonly message: string;
}

const rows = new Map<string, Row>();
if (!requirement.skip) {
  for (const line of readFileSync(`${corpus}/INDEX.tsv`, "utf8").split("\n")) {
    const [file = "", , , , , , verdict = "", message = ""] = line.split("\t");
    if (file.startsWith("ldirectord/")) rows.set(file.slice(11), { verdict, message });
  }
}
const names = requirement.skip ? ["none"] : readdirSync(`${corpus}/ldirectord`).toSorted();

function parse(name: string) {
  return parseLdirectord(readFileSync(`${corpus}/ldirectord/${name}`, "utf8"), name, host);
}

function word(flag: boolean | undefined): string | null {
  if (flag === undefined) return null;
  return flag ? "yes" : "no";
}

function brackets(address: string | undefined): string | null {
  if (address === undefined) return null;
  return address.includes(":") ? `[${address}]` : address;
}

function fallbackOf(fallback: LdirectordFallback | undefined, port: number | null) {
  if (fallback === undefined) return null;
  const { forward, host: address } = fallback;
  return { address: brackets(address), forward, port: fallback.port ?? port, weight: 1 };
}

/** In the words of the recording; an absent number is -1 there. */
function globalsOf(globals: GlobalSettings) {
  return {
    autoreload: word(globals.autoreload ?? false),
    callback: globals.callback ?? null,
    checkcount: globals.checkcount ?? 1,
    checkinterval: globals.checkinterval ?? 10,
    checktimeout: globals.checktimeout ?? -1,
    cleanstop: word(globals.cleanstop ?? true),
    emailalert: globals.emailalert ?? "",
    emailalertfreq: globals.emailalertfreq ?? 0,
    emailalertfrom: globals.emailalertfrom ?? null,
    emailalertstatus: globals.emailalertstatus ?? ["starting", "running", "stopping", "reloading"],
    execute: globals.execute,
    failurecount: globals.failurecount ?? 1,
    fallbackcommand: globals.fallbackcommand ?? null,
    fork: word(globals.fork ?? false),
    logfile: globals.logfile ?? "/var/log/ldirectord.log",
    maintenancedir: globals.maintenancedir ?? null,
    negotiatetimeout: globals.negotiatetimeout ?? -1,
    quiescent: word(globals.quiescent ?? false),
    readdquiescent: word(globals.readdquiescent ?? false),
    smtp: globals.smtp ?? null,
    supervised: word(globals.supervised ?? false),
  };
}

function realOf(virtual: LdirectordVirtual, real: LdirectordReal) {
  const checkport = effectiveCheckPort(virtual, real);
  const request = real.request ?? virtual.request;
  return {
    address: brackets(real.host),
    effective: { checkport, receive: real.receive ?? virtual.receive, request },
    forward: real.forward,
    lower_threshold: real.lowerThreshold ?? null,
    port: real.port,
    receive: real.receive ?? null,
    request: real.request ?? null,
    upper_threshold: real.upperThreshold ?? null,
    weight: real.weight,
  };
}

function checksOf(virtual: LdirectordVirtual) {
  const isCount = virtual.checktype === "count";
  return {
    checkcommand: virtual.checkcommand,
    checkcount: virtual.checkcount ?? -1,
    checkinterval: virtual.checkinterval ?? null,
    checktimeout: virtual.checktimeout ?? -1,
    checktype: isCount ? String(virtual.connectsPerNegotiate) : virtual.checktype,
    failurecount: virtual.failurecount ?? -1,
    httpmethod: virtual.httpmethod,
    negotiatetimeout: virtual.negotiatetimeout ?? -1,
    request: virtual.request,
    service: virtual.service,
    virtualhost: virtual.virtualhost ?? null,
    login: virtual.login,
    passwd: virtual.passwd,
    database: virtual.database,
    secret: virtual.secret,
  };
}

function virtualOf(virtual: LdirectordVirtual, globals: GlobalSettings) {
  const { checktimeout, negotiatetimeout, checkinterval, checkcount, failurecount, ...rest } =
    effectiveSettings(virtual, globals);
  const { quiescent, fallback } = rest;
  const own = virtual.family === 6 ? virtual.fallback6 : virtual.fallback;
  return {
    ...checksOf(virtual),
    address: brackets(virtual.address),
    cleanstop: word(virtual.cleanstop),
    comment: virtual.comment ?? null,
    effective: {
      checktimeout,
      negotiatetimeout,
      checkinterval,
      checkcount,
      failurecount,
      quiescent: word(quiescent),
      fallback: fallbackOf(fallback, virtual.port),
    },
    fallback: fallbackOf(own, null),
    family: `ipv${virtual.family}`,
    fwmark: virtual.fwmark ?? null,
    id: virtualId(virtual),
    netmask: virtual.netmask ?? null,
    ops: word(virtual.ops),
    persistent: virtual.persistent ?? null,
    port: virtual.port,
    protocol: virtual.protocol,
    quiescent: word(virtual.quiescent),
    reals: virtual.reals.map((real) => realOf(virtual, real)),
    scheduler: virtual.scheduler,
    servicename: virtual.servicename ?? null,
  };
}

type Recorded = Record<string, unknown>;

function isEmptyFallback(recorded: unknown): boolean {
  if (typeof recorded !== "object" || recorded === null) return false;
  const { address, forward, weight } = recorded as Recorded;
  return address === null && forward === null && weight === null;
}

/** The recording without what it has beside the meaning, such as ipvsadm command lines. */
function withKeysOf(recorded: unknown, ours: unknown): unknown {
  // The fallback of the file cannot serve a mark: what the recording has of it is empty.
  if (ours === null && isEmptyFallback(recorded)) return null;
  if (Array.isArray(ours) && Array.isArray(recorded)) {
    return recorded.map((one, index) => withKeysOf(one, ours[index]));
  }
  if (typeof ours !== "object" || ours === null) return recorded;
  if (typeof recorded !== "object" || recorded === null) return recorded;
  return Object.fromEntries(
    Object.entries(ours).map(([key, value]) => [
      key,
      withKeysOf((recorded as Recorded)[key], value),
    ]),
  );
}

describe.skipIf(requirement.skip)("ldirectord corpus", () => {
  test("has files of both kinds", () => {
    const verdicts = [...rows.values()].map(({ verdict }) => verdict);
    expect(names.length).toBeGreaterThan(40);
    expect(new Set(verdicts)).toEqual(new Set(["accept", "reject"]));
  });

  test.each(names)("%s has the verdict of ldirectord, at the same line", (name) => {
    const { verdict, message } = rows.get(name)!;
    const { ok, problems } = parse(name);
    expect(ok ? "accept" : "reject").toBe(verdict);
    if (ok) return;
    const line = Number(/line (\d+)/.exec(message)?.[1]);
    // ldirectord sees a double at the end of its block, this reader names its first line.
    if (message.includes("duplicate")) expect(problems[0]!.line).toBeLessThan(line);
    else expect(problems[0]!.line).toBe(line);
  });

  const accepted = names.filter((name) => rows.get(name)?.verdict === "accept");

  test.each(accepted)("%s has the meaning of ldirectord", (name) => {
    const { config } = parse(name);
    const path = `${corpus}/ldirectord-expected/${name.replace(/\.cf$/, ".json")}`;
    const recorded = JSON.parse(readFileSync(path, "utf8"));
    const ours = {
      globals: globalsOf(config.globals),
      virtuals: config.virtuals.map((virtual) => virtualOf(virtual, config.globals)),
    };
    expect(recorded.virtuals).toHaveLength(ours.virtuals.length);
    expect(ours as unknown).toEqual(withKeysOf(recorded, ours));
  });

  test.each(accepted)("%s can be written as native text", (name) => {
    const text = readFileSync(`${corpus}/ldirectord/${name}`, "utf8");
    const result = importFile(text, name, host);
    expect(result.ok).toBe(true);
    expect(result.warnings.filter(({ line }) => line < 0)).toEqual([]);
  });
});
