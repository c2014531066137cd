/**
 * What a reload changes: the difference of two configurations, in the operator's words. Pure.
 *
 * @module
 */

import type { Config, RealServer, VirtualRouter, VirtualService } from "../model/index.ts";
import { masked, maskValue, secretKeys } from "./explain.ts";
import { nativePeer, nativeRouter } from "./native-vrrp.ts";
import {
  formatServer,
  isNativeTable,
  nativeCheck,
  nativeDirector,
  nativeServer,
  nativeService,
  sharedCheck,
} from "./native.ts";
import type { NativeTable, NativeValue } from "./native.ts";

/** What a change is of. */
export type ChangeKind =
  | "director"
  | "proxy"
  | "ipvs"
  | "status"
  | "mail"
  | "peer"
  | "vrrp"
  | "service-added"
  | "service-removed"
  | "service-changed"
  | "server-added"
  | "server-removed"
  | "server-changed";

/** One difference. */
export interface ConfigChange {
  readonly kind: ChangeKind;
  /** Name of the virtual service. */
  readonly service?: string;
  /** `host:port` of the real server. */
  readonly server?: string;
  /** The key that changed, as written in the file. */
  readonly key?: string;
  /** One line. */
  readonly text: string;
  /** True: a reload leaves the old value in force until the director is started anew. */
  readonly needsRestart: boolean;
}

/** Keys, with their table, that only a start reads; docs/configuration.md says why. */
const restartKeys: ReadonlySet<string> = new Set([
  "director.script_user",
  "proxy.workers",
  "proxy.engine",
  "proxy.experimental_sockmap",
]);

/** Every difference: the director's own first, then removed, changed and added services. */
export function diffConfig(before: Config, after: Config): readonly ConfigChange[] {
  const byName = new Map(before.virtualServices.map((service) => [service.name, service]));
  const namesAfter = new Set(after.virtualServices.map(({ name }) => name));
  const removed = before.virtualServices.filter(({ name }) => !namesAfter.has(name));
  const changed: ConfigChange[] = [];
  const added: ConfigChange[] = [];
  for (const service of after.virtualServices) {
    const old = byName.get(service.name);
    if (old === undefined) added.push(addedService(service));
    else changed.push(...diffService(old, service));
  }
  return [
    ...diffDirector(before, after),
    ...diffPeer(before, after),
    ...diffRouters(before.virtualRouters, after.virtualRouters),
    ...removed.map(removedService),
    ...changed,
    ...added,
  ];
}

/** With another address nothing that the peer said before counts any more. */
function diffPeer(before: Config, after: Config): ConfigChange[] {
  return diffTable(nativePeer(before.peer), nativePeer(after.peer)).map(([key, text]) => {
    return { kind: "peer", key, text: `peer.${text}`, needsRestart: false };
  });
}

/** A virtual router that changed hands its addresses over and begins anew. */
function diffRouters(
  before: readonly VirtualRouter[],
  after: readonly VirtualRouter[],
): ConfigChange[] {
  const tell = (name: string, text: string): ConfigChange => {
    const line = `vrrp "${name}" ${text}`;
    return { kind: "vrrp", key: name, text: line, needsRestart: false };
  };
  const byName = new Map(before.map((router) => [router.name, router]));
  const namesAfter = new Set(after.map(({ name }) => name));
  const removed = before.filter(({ name }) => !namesAfter.has(name));
  const others = after.flatMap((router) => {
    const old = byName.get(router.name);
    if (old === undefined) return [tell(router.name, "added")];
    return diffTable(nativeRouter(old), nativeRouter(router)).map(([, text]) =>
      tell(router.name, text),
    );
  });
  return [...removed.map(({ name }) => tell(name, "removed")), ...others];
}

function diffDirector(before: Config, after: Config): ConfigChange[] {
  const old = nativeDirector(before);
  const now = nativeDirector(after);
  return (["director", "proxy", "ipvs", "status", "mail"] as const).flatMap((kind) =>
    diffTable(old[kind], now[kind]).map(([key, text]) => {
      const needsRestart = restartKeys.has(`${kind}.${key}`);
      const hint = needsRestart ? " (at the next start)" : "";
      return { kind, key, text: `${kind}.${text}${hint}`, needsRestart };
    }),
  );
}

function addedService({ name, listen, realServers }: VirtualService): ConfigChange {
  const what = `${count(listen.length, "address")}, ${count(realServers.length, "real server")}`;
  const text = `service "${name}" added: ${what}`;
  return { kind: "service-added", service: name, text, needsRestart: false };
}

function removedService({ name }: VirtualService): ConfigChange {
  const text = `service "${name}" removed`;
  return { kind: "service-removed", service: name, text, needsRestart: false };
}

function count(number: number, noun: string): string {
  if (number === 1) return `1 ${noun}`;
  return `${number} ${noun}${noun.endsWith("s") ? "es" : "s"}`;
}

function diffService(before: VirtualService, after: VirtualService): ConfigChange[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const { name } = after;
  const own = diffTable(withoutServers(before), withoutServers(after));
  const checkBefore = sharedCheck(before);
  const checkAfter = sharedCheck(after);
  const isShared = checkBefore !== undefined && checkAfter !== undefined;
  if (isShared) {
    const checks = diffTable(nativeCheck(checkBefore), nativeCheck(checkAfter));
    own.push(...checks.map(([key, text]): [string, string] => [`check.${key}`, `check.${text}`]));
  }
  const changes = own.map(([key, text]): ConfigChange => {
    const line = `service "${name}": ${text}`;
    return { kind: "service-changed", service: name, key, text: line, needsRestart: false };
  });
  return [...changes, ...diffServers(before, after, !isShared)];
}

/** Real servers and checks are compared one by one. */
function withoutServers(service: VirtualService): NativeTable {
  return { ...nativeService(service), check: undefined, real_servers: undefined };
}

function diffServers(
  before: VirtualService,
  after: VirtualService,
  withCheck: boolean,
): ConfigChange[] {
  const { name } = after;
  const byKey = new Map(before.realServers.map((server) => [formatServer(server), server]));
  const keysAfter = new Set(after.realServers.map(formatServer));
  const changes: ConfigChange[] = [];
  for (const server of before.realServers) {
    if (!keysAfter.has(formatServer(server))) {
      changes.push(serverChange("server-removed", { name, server, text: "removed" }));
    }
  }
  for (const server of after.realServers) {
    const old = byKey.get(formatServer(server));
    if (old === undefined) {
      const text = `added with weight ${server.weight}`;
      changes.push(serverChange("server-added", { name, server, text }));
      continue;
    }
    const native = (one: RealServer): NativeTable =>
      nativeServer(one, withCheck ? nativeCheck(one.check) : undefined);
    for (const [key, text] of diffTable(native(old), native(server))) {
      changes.push(serverChange("server-changed", { name, server, text, key }));
    }
  }
  return changes;
}

interface ServerChange {
  readonly name: string;
  readonly server: RealServer;
  readonly text: string;
  readonly key?: string;
}

function serverChange(kind: ChangeKind, { name, server, text, key }: ServerChange): ConfigChange {
  const address = formatServer(server);
  return {
    kind,
    service: name,
    server: address,
    ...(key !== undefined && { key }),
    text: `service "${name}": real server ${address}${key === undefined ? "" : ":"} ${text}`,
    needsRestart: false,
  };
}

/**
 * Keys that differ, with `key: old -> new`; keys of an inline table as `table.key`. Of a secret
 * only that it differs is told.
 */
function diffTable(before: NativeTable, after: NativeTable): [key: string, text: string][] {
  const changes: [string, string][] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[key], after[key]];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    if (isNativeTable(old) && isNativeTable(now)) {
      for (const [inner, text] of diffTable(old, now)) {
        changes.push([`${key}.${inner}`, `${key}.${text}`]);
      }
    } else changes.push([key, `${key}: ${show(key, old)} -> ${show(key, now)}`]);
  }
  return changes;
}

function show(key: string, value: NativeValue): string {
  if (value === undefined) return "none";
  return secretKeys.has(key) ? masked : JSON.stringify(maskValue(value));
}
