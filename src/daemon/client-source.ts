/**
 * Clients of persistent services, as both directors tell them: names of services and keys of real
 * servers, and the time that is left. A portion is a JSON list of rows.
 *
 * @module
 */

import type { BoundClient, Engine } from "../datapath/index.ts";
import type { EntryPortion, EntrySource } from "./entry-copy.ts";

/** As many as the table of an engine holds. */
const clientsMax = 65_536;
/** In one portion: about 80 KiB, some ms of work. */
const portionMax = 1000;
/** Between two rounds, ms. */
const roundMs = 1000;

type Row = readonly [service: string, client: string, server: string, remainingMs: number];

function rowOf({ service, client, server, remainingMs }: BoundClient): Row {
  return [service, client, server, Math.ceil(remainingMs)];
}

function clientOf([service, client, server, remainingMs]: Row): BoundClient {
  return { service, client, server, remainingMs };
}

function* portionsOf(clients: readonly BoundClient[]): Generator<EntryPortion> {
  for (let first = 0; first < clients.length; first += portionMax) {
    const rows = clients.slice(first, first + portionMax).map(rowOf);
    yield { entries: rows.length, body: new TextEncoder().encode(JSON.stringify(rows)) };
  }
}

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [service, client, server, remainingMs]: unknown[] = value;
  const areTexts = [service, client, server].every((one) => typeof one === "string");
  return areTexts && Number.isFinite(remainingMs);
}

/** Undefined if it is no portion. */
function parseRows(body: Uint8Array): readonly Row[] | undefined {
  try {
    const rows: unknown = JSON.parse(new TextDecoder().decode(body));
    if (!Array.isArray(rows) || rows.length > portionMax) return undefined;
    return rows.every(isRow) ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** The clients that an engine remembers. */
export function createClientSource(
  engine: Pick<Engine, "boundClients" | "bindClients">,
): EntrySource {
  const clients = (withinMs: number): Generator<EntryPortion> =>
    portionsOf(engine.boundClients?.(withinMs, clientsMax) ?? []);
  return {
    roundMs,
    walk: () => clients(Infinity),
    changed: clients,
    take(body) {
      const rows = parseRows(body);
      if (rows === undefined) return undefined;
      return { entries: rows.length, taken: engine.bindClients?.(rows.map(clientOf)) ?? 0 };
    },
  };
}
