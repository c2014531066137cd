/**
 * The effective configuration, for `appliance config` and the status endpoint. Pure.
 *
 * @module
 */

import type { Config } from "../model/index.ts";
import { nativePeer, nativeRouter } from "./native-vrrp.ts";
import { isNativeList, nativeDirector, nativeService } from "./native.ts";
import type { NativeTable, NativeValue } from "./native.ts";

/** Keys whose values nobody is shown. */
export const secretKeys: ReadonlySet<unknown> = new Set(["password", "secret", "auth_pass"]);

/** Stands for a secret. */
export const masked = "********";

/**
 * Everything that holds, also by default, under the keys of the file; fit for `JSON.stringify`.
 * Keys that have no value are left out, secrets are masked.
 */
export function explainConfig(config: Config): NativeTable {
  return maskSecrets({
    ...nativeDirector(config),
    vrrp: config.virtualRouters.map(nativeRouter),
    peer: config.peer === undefined ? undefined : nativePeer(config.peer),
    virtual_service: config.virtualServices.map((service) => nativeService(service)),
  });
}

/** The same table with the values of `password`, `secret` and their like masked, at any depth. */
export function maskSecrets(table: NativeTable): NativeTable {
  const shown: Record<string, NativeValue> = {};
  for (const [key, value] of Object.entries(table)) {
    if (value === undefined) continue;
    shown[key] = secretKeys.has(key) ? masked : maskValue(value);
  }
  return shown;
}

/** A value with whatever is secret inside it masked. */
export function maskValue(value: NativeValue): NativeValue {
  if (isNativeList(value)) return value.map(maskValue);
  return typeof value === "object" ? maskSecrets(value) : value;
}
