/**
 * The pair of directors in the words of Heartbeat: nodes, their state, links and clients.
 *
 * The names are those of ha.cf, which lies beside the haresources that the director runs from, else
 * in Heartbeat's folder as it was kept; without one there is only the node of this host.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import type { HaCfSummary } from "../../config/index.ts";
import type { Snapshot } from "../../status/index.ts";

/** Heartbeat's folder. */
const folderDefault = "/etc/ha.d";

/** A ha.cf that is not there. */
const nothing = { file: "ha.cf", text: "" } as const;

/** What is known of the pair. */
export interface Cluster {
  readonly snapshot: Snapshot;
  readonly haCf: HaCfSummary;
  /** `uname -n` of this host. */
  readonly own: string;
}

/** State of a node as cl_status has it; undefined: this director cannot know. */
export type NodeStatus = "active" | "dead" | "ping" | undefined;

/** Reads ha.cf beside what the director runs from. */
export async function readCluster(snapshot: Snapshot, own: string): Promise<Cluster> {
  const { summariseHaCf } = await import("../../config/index.ts");
  const lines = snapshot.configuration.files.find((file) => basename(file) === "haresources");
  const path = join(lines === undefined ? folderDefault : dirname(lines), "ha.cf");
  return { snapshot, own, haCf: summariseHaCf({ ...nothing, text: readIfThere(path) }) };
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return nothing.text;
  }
}

/** Nodes of a kind in their order. */
export function nodesOf({ haCf, own }: Cluster, type: "normal" | "ping"): readonly string[] {
  if (type === "ping") return haCf.pings;
  return haCf.nodes.length === 0 ? [own] : haCf.nodes;
}

/** Kind of a node; undefined: there is none of this name. */
export function nodeTypeOf(cluster: Cluster, name: string): "normal" | "ping" | undefined {
  return (["normal", "ping"] as const).find((type) => nodesOf(cluster, type).includes(name));
}

/** State of a node that there is. */
export function nodeStatusOf(cluster: Cluster, name: string): NodeStatus {
  const { snapshot, own } = cluster;
  if (name === own) return "active";
  if (nodeTypeOf(cluster, name) === "ping") return isAnswering(cluster, name) ? "ping" : "dead";
  const peer = snapshot.failover?.peer;
  // Without a peer channel a director that is backup is silent.
  if (peer === undefined) return undefined;
  return peer.reachable ? "active" : "dead";
}

/** What is not asked is not known to fail. */
function isAnswering({ snapshot }: Cluster, name: string): boolean {
  const tracked = snapshot.failover?.tracked.find((one) => one.name === `ping ${name}`);
  return tracked?.state !== "down";
}

/** Links of a node; a ping node is its own. */
export function linksOf(cluster: Cluster, name: string): readonly string[] {
  return nodeTypeOf(cluster, name) === "ping" ? [name] : cluster.haCf.links;
}

/** State of a link of a node that there is; undefined: this director cannot know. */
export function linkStatusOf(cluster: Cluster, name: string): "up" | "dead" | undefined {
  const status = nodeStatusOf(cluster, name);
  if (status === undefined) return undefined;
  return status === "dead" ? "dead" : "up";
}

/** True if what the client was for is done here: ipfail's work is that of `track`. */
export function isClientOnline({ haCf, snapshot }: Cluster, client: string): boolean {
  return client === "ipfail" && haCf.hasIpfail && (snapshot.failover?.tracked.length ?? 0) > 0;
}
