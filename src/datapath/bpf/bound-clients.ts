/**
 * Clients of persistent services in the program's table, in words that another director
 * understands, and back: names instead of numbers, times left instead of times.
 *
 * @module
 */

import { monotonicMs } from "../../../ffi/clock.ts";
import { formatAddress, maskAddress, parseAddress } from "../../net/address.ts";
import type { BoundClient } from "../engine.ts";
import { decodePersistent, encodeClientKey, encodePersistent } from "./copy-layout.ts";
import { sizes, tickMs } from "./layout.ts";
import type { NumberedServer } from "./numbers.ts";
import type { BalancerProgram } from "./program.ts";
import type { PlannedService } from "./server-records.ts";

/** Times in the table are whole ticks. */
const clockStepMs = 2 * tickMs;
/** Entries a step. */
const stepEntries = 4096;

/** A real server with its service. */
interface Owner {
  readonly planned: PlannedService;
  readonly numbered: NumberedServer;
}

function ownersOf(services: readonly PlannedService[]): Map<number, Owner> {
  const owners = services.flatMap((planned) =>
    planned.servers.map((numbered) => [numbered.index, { planned, numbered }] as const),
  );
  return new Map(owners);
}

/** A service with its real servers by key; not the fallback, which remembers nobody. */
function byKey(planned: PlannedService): {
  readonly planned: PlannedService;
  readonly servers: ReadonlyMap<string, NumberedServer>;
} {
  const reals = planned.servers.filter(({ server }) => server.role === "real");
  return { planned, servers: new Map(reals.map((one) => [one.server.key, one])) };
}

/** Clients that came within the last `withinMs`, at most `limit`. */
export function listBoundClients(
  program: BalancerProgram,
  services: readonly PlannedService[],
  { withinMs, limit }: { readonly withinMs: number; readonly limit: number },
): BoundClient[] {
  const persistent = services.filter(({ service }) => service.persistence !== undefined);
  if (persistent.length === 0) return [];
  const owners = ownersOf(persistent);
  const { key: keyBytes, value: valueBytes } = sizes.persistents;
  const spec = { map: program.map("persistents"), keyBytes, valueBytes, entries: stepEntries };
  const batch = program.kernel.openBatch(spec);
  const view = new DataView(batch.values.buffer);
  const nowMs = monotonicMs();
  const clients: BoundClient[] = [];
  for (let count = batch.next(); count > 0 && clients.length < limit; count = batch.next()) {
    for (let entry = 0; entry < count && clients.length < limit; entry++) {
      const { server, generation, untilMs } = decodePersistent(view, entry * valueBytes);
      const owner = owners.get(server);
      if (owner?.numbered.generation !== generation) continue;
      const { service } = owner.planned;
      const { timeoutMs } = service.persistence!;
      // The program rounds up to whole ticks.
      const remainingMs = Math.min(untilMs - nowMs, timeoutMs);
      // It is forgotten a timeout after it came last.
      if (remainingMs <= 0 || remainingMs < timeoutMs - withinMs) continue;
      const key = batch.keys.slice(entry * keyBytes, (entry + 1) * keyBytes);
      const isSix = service.listen[0]!.address.includes(":");
      const client = formatAddress(key.subarray(0, isSix ? 16 : 4));
      clients.push({
        service: service.name,
        client,
        server: owner.numbered.server.key,
        remainingMs,
      });
    }
  }
  return clients;
}

/** Remembers clients of another director; who was here stays. @returns How many were news. */
export function takeBoundClients(
  program: BalancerProgram,
  services: readonly PlannedService[],
  clients: readonly BoundClient[],
): number {
  const byName = new Map(services.map((planned) => [planned.service.name, byKey(planned)]));
  const nowMs = monotonicMs();
  let taken = 0;
  for (const { service: name, client, server: key, remainingMs } of clients) {
    const { planned, servers } = byName.get(name) ?? {};
    const persistence = planned?.service.persistence;
    const numbered = servers?.get(key);
    const address = parseAddress(client);
    if (persistence === undefined || numbered?.server.state !== "active") continue;
    if (address === undefined || !(remainingMs > 0)) continue;
    const bits = address.length === 4 ? persistence.ipv4PrefixBits : persistence.ipv6PrefixBits;
    const mapKey = encodeClientKey(maskAddress(address, bits), planned!.id);
    const untilMs = nowMs + Math.min(remainingMs, persistence.timeoutMs);
    const { index: server, generation } = numbered;
    if (adopt(program, mapKey, { server, generation, untilMs })) taken += 1;
  }
  return taken;
}

/** Who was here later stays as it is. */
function adopt(
  program: BalancerProgram,
  key: Uint8Array,
  entry: ReturnType<typeof decodePersistent>,
): boolean {
  const { kernel } = program;
  const value = new Uint8Array(sizes.persistents.value);
  const map = program.map("persistents");
  if (kernel.lookup(map, key, value)) {
    const before = decodePersistent(new DataView(value.buffer), 0);
    if (before.untilMs > entry.untilMs - clockStepMs) return false;
  }
  kernel.update(map, key, encodePersistent(entry));
  return true;
}
