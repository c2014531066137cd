/**
 * `[peer]`: the other director.
 *
 * @module
 */

import type { PeerConfig } from "../../model/index.ts";
import type { Report } from "../report.ts";
import type { Sections } from "../section.ts";

/** Makes the peer; undefined without one. It is of use only if the report has no problem. */
export function resolvePeer({ peer, routers }: Sections, report: Report): PeerConfig | undefined {
  if (peer === undefined) return undefined;
  const { value, place } = peer;
  if (routers.length === 0) report.warn(place, "There is no [[vrrp]] that needs a peer");
  const { address, port } = value.address;
  return { address, port, keyFile: value.key_file };
}
