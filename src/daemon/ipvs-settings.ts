/**
 * What IPVS is to do besides its services, out of the configuration and of who is active. Pure.
 *
 * @module
 */

import type { IpvsSettings } from "../datapath/index.ts";
import type { Config } from "../model/index.ts";

/**
 * A director sends its connections while it is active in a virtual router, and takes those of the
 * other while it is not in one: of an active/active pair both do both.
 *
 * @param isActive Whether this director is active in a virtual router, by its name.
 */
export function ipvsSettingsOf(
  { ipvs, virtualRouters }: Pick<Config, "ipvs" | "virtualRouters">,
  isActive: (router: string) => boolean,
): IpvsSettings {
  const { syncInterface, syncId, ...timeouts } = ipvs;
  if (syncInterface === undefined) return timeouts;
  const states = new Set(virtualRouters.map(({ name }) => isActive(name)));
  const roles = [
    ...(states.has(true) ? (["active"] as const) : []),
    ...(states.has(false) ? (["backup"] as const) : []),
  ];
  return { ...timeouts, sync: { interfaceName: syncInterface, syncId, roles } };
}
