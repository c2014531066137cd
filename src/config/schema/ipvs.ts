/**
 * Schema of `[ipvs]`. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { interfaceName } from "./failover.ts";
import { duration, integer, table } from "./value.ts";

/** The kernel keeps timeouts in seconds, and takes 0 for "as it is". */
const timeout = duration(1000);

/** The table `[ipvs]`. */
export const ipvsTable = table({
  sync_interface: v.optional(interfaceName),
  sync_id: v.optional(integer("a number", 0, 255)),
  tcp_timeout: v.optional(timeout),
  tcp_fin_timeout: v.optional(timeout),
  udp_timeout: v.optional(timeout),
});

/** What `[ipvs]` says, durations in ms. */
export type IpvsTable = v.InferOutput<typeof ipvsTable>;
