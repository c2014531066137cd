/**
 * The table of connections, as seen from here: how many there are, and which.
 *
 * The program notes a connection and never forgets one: a new one takes the place of that which was
 * not used for longest. So a walk counts what is alive and removes what is not. It goes in steps,
 * with room between for everything else.
 *
 * @module
 */

import type { BpfKernel } from "../../bpf/index.ts";
import { decodeConnection, decodeFlow, sizes } from "./layout.ts";
import type { ConnectionRecord, FlowRecord } from "./layout.ts";

/** Entries a step: some 2 ms. A bucket of the kernel's table has far fewer. */
const stepEntries = 4096;

/** Connections, and those of which one packet has come; of IPv4 and of IPv6. */
export const connectionMaps = ["connections4", "connections6", "openings4", "openings6"] as const;
/** Descriptors of the tables. */
export type ConnectionMaps = Readonly<Record<(typeof connectionMaps)[number], number>>;

/** What becomes of an entry. */
export type Verdict = "keep" | "remove" | "stop";

/** An entry of a table; the flow is read only if asked for. */
export interface TableEntry {
  readonly connection: ConnectionRecord;
  /** One packet of the client has come, and no more. */
  readonly isOpening: boolean;
  readonly readFlow: () => FlowRecord;
}

/** Looks at one entry. */
export type Visit = (entry: TableEntry) => Verdict;

/** Goes through all connections, but not to the end if `visit` says `stop`. */
export async function walkConnections(
  kernel: BpfKernel,
  maps: ConnectionMaps,
  visit: Visit,
): Promise<void> {
  for (const name of connectionMaps) {
    const isOpening = name.startsWith("openings");
    const table = { map: maps[name], isOpening, ...sizes[name] };
    const isOver = await walkMap(kernel, table, visit);
    if (isOver) return;
  }
}

interface Table {
  readonly map: number;
  readonly isOpening: boolean;
  readonly key: number;
  readonly value: number;
}

/** @returns True if the visitor wants no more. */
async function walkMap(
  kernel: BpfKernel,
  { map, isOpening, key: keyBytes, value: valueBytes }: Table,
  visit: Visit,
): Promise<boolean> {
  const batch = kernel.openBatch({ map, keyBytes, valueBytes, entries: stepEntries });
  const view = new DataView(batch.values.buffer);
  for (let count = batch.next(); count > 0; count = batch.next()) {
    for (let entry = 0; entry < count; entry++) {
      const key = batch.keys.subarray(entry * keyBytes, (entry + 1) * keyBytes);
      const connection = decodeConnection(view, entry * valueBytes);
      const verdict = visit({ connection, isOpening, readFlow: () => decodeFlow(key) });
      if (verdict === "stop") return true;
      if (verdict === "remove") kernel.remove(map, key.slice());
    }
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  return false;
}
