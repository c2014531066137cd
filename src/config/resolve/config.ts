/**
 * The whole configuration out of its tables.
 *
 * @module
 */

import type { Config, DirectorConfig, ProxyConfig, StatusConfig } from "../../model/index.ts";
import { parseAddress } from "../../net/address.ts";
import { directorDefaults, proxyDefaults, statusListenDefault, withDefaults } from "../defaults.ts";
import { below } from "../document.ts";
import type { Document, Place } from "../document.ts";
import type { Report } from "../report.ts";
import { isSound } from "../section.ts";
import type { Sections, SourcedTable } from "../section.ts";
import { resolveIpvs } from "./ipvs.ts";
import { checkListen } from "./listen.ts";
import { resolveMail } from "./mail.ts";
import { createPatternCheck } from "./pattern-check.ts";
import { resolvePeer } from "./peer.ts";
import { realServersMax } from "./server.ts";
import type { Shared } from "./server.ts";
import { resolveService } from "./service.ts";
import { resolveVrrp } from "./vrrp.ts";

/** What the configuration depends on beside its files. */
export interface Environment {
  /** Threads that `workers = "auto"` stands for, at least 1. */
  readonly cores: number;
}

/** Threads that `workers = "auto"` takes at most. */
const workersAutoMax = 64;

/** What {@link resolveConfig} takes. */
export interface ResolveOptions {
  readonly sections: Sections;
  readonly documents: readonly Document[];
  readonly environment: Environment;
  readonly report: Report;
}

/** Makes the configuration. It is of use only if the report has no problem. */
export function resolveConfig(options: ResolveOptions): Config {
  const { sections, report } = options;
  checkCount(options);
  checkNames(sections.services, report);
  checkNames(sections.groups, report);
  checkNames(sections.routers, report);
  const shared: Shared = {
    // Of groups of one name the first counts; the others are told of.
    groups: new Map(sections.groups.toReversed().map((group) => [group.value.name, group])),
    groupNames: sections.groupNames,
    groupsUsed: new Set(),
    serversLeft: realServersMax,
    report,
    patternFault: createPatternCheck(),
  };
  const status = resolveStatus(sections, report);
  const services = sections.services.map((entry) => ({
    service: resolveService(entry, { defaults: sections.defaults, shared }),
    place: entry.place,
  }));
  const statusPlace = sections.status && below(sections.status.place, "listen");
  checkOwners(options);
  checkListen(services, { status, place: statusPlace }, report);
  warnUnused(sections, shared);
  return {
    director: resolveDirector(sections),
    proxy: resolveProxy(options),
    ipvs: resolveIpvs(sections, report),
    status,
    mail: resolveMail(sections.mail?.value),
    virtualServices: services.map(({ service }) => service),
    virtualRouters: resolveVrrp(sections.routers, { hasPeer: sections.peer !== undefined }, report),
    peer: resolvePeer(sections, report),
  };
}

function checkCount({ sections, documents, report }: ResolveOptions): void {
  const [first] = documents;
  const isUnknown = documents.some(({ fault }) => fault !== undefined);
  const isEnough = sections.serviceCount > 0 || sections.routers.length > 0;
  if (first === undefined || isUnknown || isEnough) return;
  const isEmpty = documents.every(({ text }) => text.trim() === "");
  report.problem(
    { document: first, path: [] },
    {
      expected: "at least one [[virtual_service]] with name, listen and real_servers",
      foundText: isEmpty ? "an empty file" : "none",
    },
  );
}

function checkNames(
  entries: readonly SourcedTable<{ readonly name: string }>[],
  report: Report,
): void {
  const placeByName = new Map<string, Place>();
  for (const entry of entries) {
    if (!isSound(entry, "name")) continue;
    const { value, place } = entry;
    const other = placeByName.get(value.name);
    if (other === undefined) placeByName.set(value.name, place);
    else {
      report.problem(below(place, "name"), {
        expected: "a name that no other has",
        found: value.name,
        note: "the other is at",
        other,
      });
    }
  }
}

/** A service belongs to virtual routers that there are, as far as all files could be read. */
function checkOwners({ sections, documents, report }: ResolveOptions): void {
  const { services, routers } = sections;
  if (documents.some(({ fault }) => fault !== undefined)) return;
  const names = new Set(routers.map(({ value }) => value.name));
  for (const service of services) {
    if (!isSound(service, "vrrp")) continue;
    for (const [index, found] of (service.value.vrrp ?? []).entries()) {
      if (names.has(found)) continue;
      const place = below(service.place, "vrrp", index);
      report.problem(place, { expected: "the name of a [[vrrp]]", found });
    }
  }
}

function warnUnused({ groups }: Sections, { groupsUsed, report }: Shared): void {
  for (const { value, place } of groups) {
    if (!groupsUsed.has(value.name))
      report.warn(place, `No service uses the group "${value.name}"`);
  }
}

function resolveDirector({ director }: Sections): DirectorConfig {
  if (director === undefined) return directorDefaults;
  const { value } = director;
  return withDefaults(directorDefaults, {
    engine: value.engine,
    stopTimeoutMs: value.stop_timeout,
    scriptUser: value.script_user,
    logLevel: value.log_level,
    maintenanceDir: value.maintenance_dir,
    onConfigChange: value.on_config_change,
    autoreload: value.autoreload,
  });
}

/** Threads that `workers = "auto"` stands for. */
export function workersAuto(engine: ProxyConfig["engine"], { cores }: Environment): number {
  return engine === "portable" ? 1 : Math.min(cores, workersAutoMax);
}

function resolveProxy({ sections, environment, report }: ResolveOptions): ProxyConfig {
  const { value, place } = sections.proxy ?? {};
  const settings = withDefaults(proxyDefaults, {
    engine: value?.engine,
    experimentalSockmap: value?.experimental_sockmap,
  });
  const workers = value?.workers ?? "auto";
  if (workers === "auto") {
    return { ...settings, workers: workersAuto(settings.engine, environment) };
  }
  if (settings.engine === "portable" && workers > 1 && place !== undefined) {
    const expected = 'workers = 1 beside engine "portable", which has one thread';
    report.problem(below(place, "workers"), { expected, found: workers });
  }
  return { ...settings, workers };
}

function resolveStatus({ status }: Sections, report: Report): StatusConfig {
  if (status === undefined) {
    return { listen: statusListenDefault, readTokenFile: undefined, writeTokenFile: undefined };
  }
  const { value, place } = status;
  const listen = value.listen ?? statusListenDefault;
  const isOpen = listen !== "off" && !isLoopback(listen.address);
  if (isOpen && value.read_token_file === undefined && isSound(status, "read_token_file")) {
    report.problem(below(place, "listen"), {
      expected: 'the key "read_token_file" to listen beyond loopback',
      foundText: "none",
    });
  }
  return {
    listen: listen === "off" ? undefined : listen,
    readTokenFile: value.read_token_file,
    writeTokenFile: value.write_token_file,
  };
}

function isLoopback(address: string): boolean {
  const bytes = parseAddress(address);
  return address === "::1" || (bytes?.length === 4 && bytes[0] === 127);
}
