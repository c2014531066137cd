/**
 * A `Config` as a native TOML file that says the same, for `config` and `import`. Pure.
 *
 * @module
 */

import type { CheckSpec, Config, VirtualService } from "../model/index.ts";
import {
  checkDefaults,
  directorDefaults,
  fastIntervalDefault,
  httpDefaults,
  ipvsDefaults,
  mailDefaults,
  persistenceMaskDefault,
  proxyDefaults,
  realServerDefaults,
  serviceDefaults,
  statusListenDefault,
  timeoutDefaults,
} from "./defaults.ts";
import { nativePeer, nativeRouter } from "./native-vrrp.ts";
import {
  isNativeTable,
  nativeCheck,
  nativeDirector,
  nativeMask,
  nativeServer,
  nativeService,
} from "./native.ts";
import type { NativeTable, NativeValue } from "./native.ts";
import { workersAuto } from "./resolve/index.ts";
import type { Environment } from "./resolve/index.ts";
import { formatSection } from "./toml.ts";

/** How much {@link formatConfig} writes. */
export interface FormatOptions {
  /** True: also what is the default anyway. */
  readonly withDefaults: boolean;
  /** If given, `workers` is left out where "auto" is the same here. */
  readonly environment?: Environment;
}

/**
 * Writes a configuration file. Parsed again, it gives an equal `Config`.
 *
 * Groups of real servers and `[defaults]` are not restored: each service has what it needs.
 */
export function formatConfig(config: Config, options: FormatOptions): string {
  const tables = nativeDirector(config);
  const { director, proxy, ipvs, status, mail } = options.withDefaults
    ? tables
    : trimDirector(config, options.environment);
  const services = config.virtualServices.map((service) =>
    formatSection(
      "[[virtual_service]]",
      options.withDefaults ? nativeService(service) : trimService(service),
    ),
  );
  return [
    formatSection("[director]", director),
    formatSection("[proxy]", proxy),
    formatSection("[ipvs]", ipvs),
    formatSection("[status]", status),
    formatSection("[mail]", mail),
    formatSection("[peer]", nativePeer(config.peer)),
    ...config.virtualRouters.map((router) => formatSection("[[vrrp]]", nativeRouter(router))),
    ...services,
  ]
    .filter((section) => section !== "")
    .join("\n");
}

function trimDirector(config: Config, environment: Environment | undefined) {
  const { engine } = config.proxy;
  // Without an environment no number is "auto".
  const workers = environment === undefined ? 0 : workersAuto(engine, environment);
  const byDefault = nativeDirector({
    director: directorDefaults,
    proxy: { ...proxyDefaults, workers },
    ipvs: ipvsDefaults,
    status: { listen: statusListenDefault, readTokenFile: undefined, writeTokenFile: undefined },
    mail: mailDefaults,
  });
  const { director, proxy, ipvs, status, mail } = nativeDirector(config);
  return {
    director: withoutEqual(director, byDefault.director),
    proxy: withoutEqual(proxy, byDefault.proxy),
    ipvs: withoutEqual(ipvs, byDefault.ipvs),
    status: withoutEqual(status, byDefault.status),
    mail: withoutEqual(mail, byDefault.mail),
  };
}

/** A service that says nothing; its name and addresses are nobody's. */
const emptyService = nativeService({
  ...serviceDefaults,
  name: "",
  listen: [],
  realServers: [],
  persistence: undefined,
  fallback: undefined,
  quorumUp: undefined,
  quorumDown: undefined,
  onServiceUp: undefined,
  onServiceDown: undefined,
  fallbackCommand: undefined,
  monitorFile: undefined,
  mail: undefined,
  timeouts: timeoutDefaults,
});

const emptyPersistence = nativeMask({
  timeoutMs: 0,
  ipv4PrefixBits: persistenceMaskDefault.ipv4,
  ipv6PrefixBits: persistenceMaskDefault.ipv6,
});

function trimService(service: VirtualService): NativeTable {
  const byDefault = { ...emptyService, persistence_mask: emptyPersistence };
  return withoutEqual(nativeService(service, trimCheck, trimServer), byDefault);
}

const emptyServer = nativeServer({ ...realServerDefaults, host: "", port: 0 }, undefined);

function trimServer(server: NativeTable): NativeTable {
  return withoutEqual(server, emptyServer);
}

/** `timeout` and `fast_interval` depend on the interval, `service` and `type` on nothing. */
function trimCheck(check: CheckSpec): NativeTable {
  const { type, service, http, intervalMs } = check;
  const byDefault = nativeCheck({
    ...checkDefaults,
    type,
    service: undefined,
    http: http && { ...httpDefaults, tls: http.tls },
    command: undefined,
    port: undefined,
    timeoutMs: Math.min(checkDefaults.timeoutMs, intervalMs),
    fastIntervalMs: fastIntervalDefault(intervalMs),
  });
  const trimmed = withoutEqual(nativeCheck(check), byDefault);
  return type === checkDefaults.type ? trimmed : { type, service, ...trimmed };
}

/** `table` without the keys that have the value they have in `other`, or are an empty table. */
function withoutEqual(table: NativeTable, other: NativeTable): NativeTable {
  const kept: Record<string, NativeValue> = {};
  for (const [key, value] of Object.entries(table)) {
    const left = without(value, other[key]);
    if (left !== undefined) kept[key] = left;
  }
  return kept;
}

function without(value: NativeValue, other: NativeValue): NativeValue {
  if (isNativeTable(value)) {
    const kept = isNativeTable(other) ? withoutEqual(value, other) : value;
    return Object.keys(kept).length === 0 ? undefined : kept;
  }
  return JSON.stringify(value) === JSON.stringify(other) ? undefined : value;
}
