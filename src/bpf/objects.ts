/**
 * The compiled programs that the executable carries. Sources: ffi/bpf, compiled by
 * `node packaging/bpf.mjs`, committed, and held to their source by a test.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import balancerPath from "../../ffi/bpf/balancer.bpf.o" with { type: "file" };
import fencePath from "../../ffi/bpf/fence.bpf.o" with { type: "file" };
import vipPathPath from "../../ffi/bpf/vip-path.bpf.o" with { type: "file" };
import { parseBpfObject } from "./object.ts";
import type { BpfObject } from "./object.ts";

/** The program that closes virtual addresses without a lease. */
export function fenceObject(): BpfObject {
  return parseBpfObject(readFileSync(fencePath));
}

/** The program that sends packets of virtual services on to real servers. */
export function balancerObject(): BpfObject {
  return parseBpfObject(readFileSync(balancerPath));
}

/** The programs that lead packets of `vip` checks as those of clients. */
export function vipPathObject(): BpfObject {
  return parseBpfObject(readFileSync(vipPathPath));
}
