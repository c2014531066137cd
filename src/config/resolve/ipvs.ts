/**
 * `[ipvs]` to its part of the configuration. Pure.
 *
 * @module
 */

import type { IpvsConfig } from "../../model/index.ts";
import { ipvsDefaults, withDefaults } from "../defaults.ts";
import { below } from "../document.ts";
import type { Report } from "../report.ts";
import type { Sections } from "../section.ts";

/** What IPVS does besides its services. */
export function resolveIpvs({ ipvs, routers }: Sections, report: Report): IpvsConfig {
  if (ipvs === undefined) return ipvsDefaults;
  const { value, place } = ipvs;
  if (value.sync_interface !== undefined && routers.length === 0) {
    report.problem(below(place, "sync_interface"), {
      expected: "at least one [[vrrp]] beside it, which says who sends and who receives",
      foundText: "none",
    });
  }
  for (const key of ["tcp_timeout", "tcp_fin_timeout", "udp_timeout"] as const) {
    const found = value[key];
    if (found === undefined || found % 1000 === 0) continue;
    report.problem(below(place, key), { expected: "whole seconds", found: `${found}ms` });
  }
  return withDefaults(ipvsDefaults, {
    syncInterface: value.sync_interface,
    syncId: value.sync_id,
    tcpTimeoutMs: value.tcp_timeout,
    tcpFinTimeoutMs: value.tcp_fin_timeout,
    udpTimeoutMs: value.udp_timeout,
  });
}
