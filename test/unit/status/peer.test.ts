import { expect, test } from "bun:test";

import * as v from "valibot";

import { formatMetrics } from "../../../src/status/metric-text.ts";
import { peerFamilies, peerSchema } from "../../../src/status/peer.ts";
import type { PeerSnapshot } from "../../../src/status/peer.ts";
import { copiedEntries } from "../../helpers/copied-entries.ts";

const peer: PeerSnapshot = {
  reachable: true,
  heardAgeMs: 5,
  answeredAgeMs: 21,
  roundTripMs: 0.5,
  configuration: "different",
  tables: "same",
  boots: 2,
  sent: 1000,
  unsent: 1,
  dropped: 7,
  unmatched: 0,
  received: { accepted: 990, replayed: 3 },
  copy: {
    connected: true,
    complete: false,
    lagMs: 1200,
    clientsSent: 40,
    clientsReceived: 30,
    clientsTaken: 20,
    clients: copiedEntries,
    connections: copiedEntries,
  },
};

/** Lines with values. */
function samplesOf(snapshot: PeerSnapshot): string[] {
  return formatMetrics(peerFamilies(snapshot))
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
}

test("peerFamilies() has everything that the snapshot has", () => {
  expect(samplesOf(peer)).toEqual([
    "appliance_peer_reachable 1",
    "appliance_peer_heard_age_seconds 0.005",
    "appliance_peer_answered_age_seconds 0.021",
    "appliance_peer_round_trip_seconds 0.0005",
    'appliance_peer_configuration{comparison="unknown"} 0',
    'appliance_peer_configuration{comparison="same"} 0',
    'appliance_peer_configuration{comparison="different"} 1',
    'appliance_peer_tables{comparison="unknown"} 0',
    'appliance_peer_tables{comparison="same"} 1',
    'appliance_peer_tables{comparison="different"} 0',
    "appliance_peer_boots_total 2",
    "appliance_peer_messages_sent_total 1000",
    "appliance_peer_messages_unsent_total 1",
    "appliance_peer_packets_dropped_total 7",
    "appliance_peer_routers_unmatched_total 0",
    "appliance_peer_copy_connected 1",
    "appliance_peer_copy_complete 0",
    'appliance_peer_lag_seconds{kind="clients"} 1.2',
    'appliance_peer_lag_seconds{kind="connections"} 1.2',
    'appliance_peer_entries{kind="clients"} 50',
    'appliance_peer_entries{kind="connections"} 50',
    'appliance_peer_entries_sent_total{kind="clients"} 40',
    'appliance_peer_entries_sent_total{kind="connections"} 40',
    'appliance_peer_entries_received_total{kind="clients"} 30',
    'appliance_peer_entries_received_total{kind="connections"} 30',
    'appliance_peer_entries_taken_total{kind="clients"} 20',
    'appliance_peer_entries_taken_total{kind="connections"} 20',
    'appliance_peer_messages_received_total{result="accepted"} 990',
    'appliance_peer_messages_received_total{result="replayed"} 3',
  ]);
});

test("peerFamilies() says nothing of what is not known, nor without a peer", () => {
  const unheard = { ...peer, reachable: false, heardAgeMs: null, answeredAgeMs: null };
  const samples = samplesOf({ ...unheard, roundTripMs: null, copy: null });
  expect(samples[0]).toBe("appliance_peer_reachable 0");
  expect(samples.filter((line) => line.includes("seconds"))).toEqual([]);
  expect(peerFamilies(undefined)).toEqual([]);
});

test("peerSchema takes it", () => {
  expect(v.parse(peerSchema, peer)).toEqual(peer);
  expect(v.is(peerSchema, { ...peer, configuration: "other" })).toBe(false);
});
