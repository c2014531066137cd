/**
 * Requires CAP_BPF, CAP_NET_ADMIN and a kernel with sockmaps, found out by making one.
 *
 * @module
 */
import { createBpfMap } from "../../ffi/bpf.ts";
import { BPF_MAP_TYPE_SOCKHASH } from "../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { errorText } from "../../src/errors/index.ts";
import { missing, satisfied } from "./require-peer.ts";
import type { Requirement } from "./require-peer.ts";

/** Requires a sockmap. */
export function requireSockmap(): Requirement {
  const spec = { type: BPF_MAP_TYPE_SOCKHASH, keyBytes: 8, valueBytes: 4, entriesMax: 1 };
  try {
    closeDescriptor(createBpfMap(spec));
    return satisfied;
  } catch (error) {
    return missing(`needs a sockmap (${errorText(error)})`);
  }
}
