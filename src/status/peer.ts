/**
 * The peer channel as the status endpoint shows it: type, schema and metrics. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { formatLabel, formatLabels } from "./metric-text.ts";
import type { MetricFamily } from "./metric-text.ts";

/** Copies of one kind of entries. */
export interface PeerKindSnapshot {
  /** Since what the peer has taken whole was true, ms; null: it has taken nothing. */
  readonly lagMs: number | null;
  /** Of the last whole round that the peer has taken. */
  readonly entries: number;
  /** Entries that were told, heard, and of these were news. */
  readonly sent: number;
  readonly received: number;
  readonly taken: number;
}

/** Copies of overrides and of the state of clients, over a connection of their own. */
export interface PeerCopySnapshot {
  readonly connected: boolean;
  /** Everything that the peer has was here once: only then is preempted. */
  readonly complete: boolean;
  /** The same as in `clients`, as are the three that follow. */
  readonly lagMs: number | null;
  readonly clientsSent: number;
  readonly clientsReceived: number;
  readonly clientsTaken: number;
  /** Clients of persistent services. */
  readonly clients: PeerKindSnapshot;
  /** Connections of the bpf engine. */
  readonly connections: PeerKindSnapshot;
}

const comparisons = ["unknown", "same", "different"] as const;

/** How something of both directors compares. */
export type Comparison = (typeof comparisons)[number];

/** The other director, as far as this one hears it. */
export interface PeerSnapshot {
  /** It was heard within the dead time. */
  readonly reachable: boolean;
  /** Since it was heard last, ms; null: never. */
  readonly heardAgeMs: number | null;
  /** Age of the newest message of this director that it has heard, ms; null: it has heard none. */
  readonly answeredAgeMs: number | null;
  /** There and back without the time that messages lie there, ms. */
  readonly roundTripMs: number | null;
  /** Whether both have the same services and virtual routers. */
  readonly configuration: Comparison;
  /** Whether their tables of scheduler mh are the same: clients then keep their real server. */
  readonly tables: Comparison;
  /** Starts of the peer that were heard. */
  readonly boots: number;
  readonly sent: number;
  /** Messages that did not leave this host. */
  readonly unsent: number;
  /** Packets that the socket did not take: from strangers, of another protocol, or too many. */
  readonly dropped: number;
  /** Virtual routers of the peer that this director does not have, counted in each message. */
  readonly unmatched: number;
  /** By what became of them. */
  readonly received: Readonly<Record<string, number>>;
  readonly copy: PeerCopySnapshot | null;
}

const count = v.pipe(v.number(), v.minValue(0));
const age = v.nullable(count);

const copyOfKind = v.object({
  lagMs: age,
  entries: count,
  sent: count,
  received: count,
  taken: count,
}) satisfies v.GenericSchema<unknown, PeerKindSnapshot>;

const copy = v.object({
  connected: v.boolean(),
  complete: v.boolean(),
  lagMs: age,
  clientsSent: count,
  clientsReceived: count,
  clientsTaken: count,
  clients: copyOfKind,
  connections: copyOfKind,
}) satisfies v.GenericSchema<unknown, PeerCopySnapshot>;

/** Schema of {@link PeerSnapshot}. */
export const peerSchema = v.object({
  reachable: v.boolean(),
  heardAgeMs: age,
  answeredAgeMs: age,
  roundTripMs: age,
  configuration: v.picklist(comparisons),
  tables: v.picklist(comparisons),
  boots: count,
  sent: count,
  unsent: count,
  dropped: v.pipe(count, v.description("Packets that the socket did not take")),
  unmatched: count,
  copy: v.nullable(copy),
  received: v.pipe(v.record(v.string(), count), v.description("By what became of them")),
}) satisfies v.GenericSchema<unknown, PeerSnapshot>;

function single(
  name: string,
  type: MetricFamily["type"],
  [help, value]: readonly [string, number | null],
): MetricFamily {
  const samples: MetricFamily["samples"] = (emit) => {
    if (value !== null) emit("", value);
  };
  return { name: `appliance_peer_${name}`, type, help, samples };
}

function comparison(name: string, [help, value]: readonly [string, Comparison]): MetricFamily {
  const samples: MetricFamily["samples"] = (emit) => {
    for (const one of comparisons) {
      emit(formatLabels(formatLabel("comparison", one)), one === value ? 1 : 0);
    }
  };
  return { name: `appliance_peer_${name}`, type: "gauge", help, samples };
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}

/** What is known of each kind of entries. */
function byKind(
  name: string,
  copied: PeerCopySnapshot,
  { help, value }: { help: string; value: (kind: PeerKindSnapshot) => number | null },
): MetricFamily {
  const samples: MetricFamily["samples"] = (emit) => {
    for (const kind of ["clients", "connections"] as const) {
      const found = value(copied[kind]);
      if (found !== null) emit(formatLabels(formatLabel("kind", kind)), found);
    }
  };
  const type = name.endsWith("_total") ? "counter" : "gauge";
  return { name: `appliance_peer_${name}`, type, help, samples };
}

function copyFamilies(copied: PeerCopySnapshot | null): MetricFamily[] {
  if (copied === null) return [];
  return [
    single("copy_connected", "gauge", [
      "1 while there is a connection for copies to the peer",
      copied.connected ? 1 : 0,
    ]),
    single("copy_complete", "gauge", [
      "1 once everything that the peer has was copied here",
      copied.complete ? 1 : 0,
    ]),
    byKind("lag_seconds", copied, {
      help: "Since what the peer has taken whole was true",
      value: ({ lagMs }) => seconds(lagMs),
    }),
    byKind("entries", copied, {
      help: "Entries of the last whole round that the peer has taken",
      value: ({ entries }) => entries,
    }),
    byKind("entries_sent_total", copied, {
      help: "Entries that the peer was told",
      value: ({ sent }) => sent,
    }),
    byKind("entries_received_total", copied, {
      help: "Entries that the peer told",
      value: ({ received }) => received,
    }),
    byKind("entries_taken_total", copied, {
      help: "Entries that the peer told and that were news",
      value: ({ taken }) => taken,
    }),
  ];
}

/** Metrics of the peer channel; none without a peer. */
export function peerFamilies(peer: PeerSnapshot | undefined): MetricFamily[] {
  if (peer === undefined) return [];
  return [
    single("reachable", "gauge", [
      "1 while the other director is heard on the peer channel",
      peer.reachable ? 1 : 0,
    ]),
    single("heard_age_seconds", "gauge", [
      "Since the peer was heard last",
      seconds(peer.heardAgeMs),
    ]),
    single("answered_age_seconds", "gauge", [
      "Age of the newest message of this director that the peer has heard",
      seconds(peer.answeredAgeMs),
    ]),
    single("round_trip_seconds", "gauge", [
      "There and back, without the time that messages lie there",
      seconds(peer.roundTripMs),
    ]),
    comparison("configuration", [
      "1 for how the configurations of the two directors compare",
      peer.configuration,
    ]),
    comparison("tables", ["1 for how the mh tables of the two directors compare", peer.tables]),
    single("boots_total", "counter", ["Starts of the peer that were heard", peer.boots]),
    single("messages_sent_total", "counter", ["Messages sent", peer.sent]),
    single("messages_unsent_total", "counter", [
      "Messages that did not leave this host",
      peer.unsent,
    ]),
    single("packets_dropped_total", "counter", [
      "Packets that the socket did not take",
      peer.dropped,
    ]),
    single("routers_unmatched_total", "counter", [
      "Virtual routers in messages of the peer that this director does not have",
      peer.unmatched,
    ]),
    ...copyFamilies(peer.copy),
    {
      name: "appliance_peer_messages_received_total",
      type: "counter",
      help: "Messages received, by what became of them",
      samples(emit) {
        for (const [result, value] of Object.entries(peer.received)) {
          emit(formatLabels(formatLabel("result", result)), value);
        }
      },
    },
  ];
}
