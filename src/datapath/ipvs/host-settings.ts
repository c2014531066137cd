/**
 * Settings of the host that IPVS depends on. The engine writes none of them: it says what is
 * missing, and `appliance setup director` sets it.
 *
 * Source: Documentation/networking/ipvs-sysctl.rst of Linux.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import type { WantedService } from "./table.ts";

/** Value of a setting below /proc/sys; undefined: it is not there. */
export type ReadSetting = (key: string) => string | undefined;

/** Settings of this host. */
export const readHostSetting: ReadSetting = (key) => {
  try {
    return readFileSync(`/proc/sys/${key}`, "latin1").trim();
  } catch {
    return undefined;
  }
};

interface Need {
  readonly key: string;
  /** What happens without it. */
  readonly consequence: string;
  readonly isNeeded: (services: readonly WantedService[]) => boolean;
}

function routes(services: readonly WantedService[], family: 4 | 6): boolean {
  return services.some(
    ({ key, destinations }) =>
      key.family === family && destinations.some(({ settings }) => settings.method === "masq"),
  );
}

const needs: readonly Need[] = [
  {
    key: "net/ipv4/vs/expire_nodest_conn",
    consequence: "connections to a real server that was removed hang until they time out",
    isNeeded: () => true,
  },
  {
    key: "net/ipv4/vs/expire_quiescent_template",
    consequence: "persistent clients of a real server that failed are sent to it further on",
    isNeeded: (services) =>
      services.some(({ settings }) => settings.persistentSeconds !== undefined),
  },
  {
    key: "net/ipv4/ip_forward",
    consequence: "nothing is forwarded by masq",
    isNeeded: (services) => routes(services, 4),
  },
  {
    key: "net/ipv6/conf/all/forwarding",
    consequence: "nothing is forwarded by masq over IPv6",
    isNeeded: (services) => routes(services, 6),
  },
];

/** A line for each setting that the services need and the host does not have. */
export function missingSettings(
  services: readonly WantedService[],
  read: ReadSetting = readHostSetting,
): readonly string[] {
  return needs
    .filter(({ key, isNeeded }) => isNeeded(services) && read(key) === "0")
    .map(
      ({ key, consequence }) =>
        `${key.replaceAll("/", ".")} is 0: ${consequence}; "appliance setup director" sets it`,
    );
}
