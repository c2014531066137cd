/**
 * The three files as a pair of directors: reads them and has them translated to tables. Pure, but
 * for the questions to the caller in {@link HeartbeatHost}.
 *
 * @module
 */

import { formatEndpoint } from "../../../net/address.ts";
import type { NativeTable } from "../../native.ts";
import { quoted } from "../notes.ts";
import type { Origin } from "../notes.ts";
import { readAuthkeys } from "./authkeys.ts";
import type { AuthkeysText, DirectorKeys } from "./authkeys.ts";
import { readHaCf } from "./ha-cf.ts";
import type { HaCf } from "./ha-cf.ts";
import { readHaresources } from "./haresources.ts";
import type { ResourceGroup } from "./haresources.ts";
import { readAddressTable } from "./host.ts";
import type { HeartbeatHost } from "./host.ts";
import { translateGroup } from "./instance.ts";
import type { Instance, InstanceContext } from "./instance.ts";
import type { NamedText } from "./line.ts";
import { nodesOf, otherNode } from "./node.ts";
import type { Nodes } from "./node.ts";
import { pathsOf } from "./path.ts";
import type { Paths } from "./path.ts";
import { routerTimes } from "./timing.ts";
import type { RouterTimes } from "./timing.ts";
import type { Told } from "./told.ts";
import { resolveAddress } from "./value.ts";

/** The three files; one that is missing is told of. */
export interface HeartbeatFiles {
  readonly haCf: NamedText | undefined;
  readonly haresources: NamedText | undefined;
  readonly authkeys: AuthkeysText | undefined;
}

/** What the files say together. */
export interface Pair {
  readonly haCf: HaCf;
  readonly groups: readonly ResourceGroup[];
  readonly nodes: Nodes;
  readonly times: RouterTimes;
  readonly instances: readonly Instance[];
  /** The table `[peer]`; undefined if the other director, or a key, is not known. */
  readonly peer: NativeTable | undefined;
  /** Text of the key file that the tables name; a secret. */
  readonly keyText: string | undefined;
}

/** Where the key goes unless the caller says otherwise. */
const keyFileDefault = "/etc/appliance/vrrp.key";

/** Port of the peer channel. */
const peerPort = 9781;

/** Reads and translates. Never throws, as long as `host` does not. */
export function readPair(files: HeartbeatFiles, host: HeartbeatHost, told: Told): Pair {
  const haCf = readHaCf(files.haCf ?? { file: "ha.cf", text: "" }, told);
  const groups = files.haresources === undefined ? [] : readHaresources(files.haresources, told);
  const keys = files.authkeys === undefined ? undefined : readAuthkeys(files.authkeys, told);
  tellMissing(files, told);
  const addresses = readAddressTable(host);
  const nodes = nodesOf(haCf, groups, { own: host.nodeName, told });
  const times = routerTimes(haCf, told);
  const paths = pathsOf(haCf, host, { addresses, told });
  const keyText = keys === undefined ? undefined : textOf(keys);
  const keyFile = keyText === undefined ? undefined : (host.keyFile ?? keyFileDefault);
  warnFailback(haCf, told);
  const pings = pingsOf(haCf, addresses, told);
  const names = new Set<string>();
  const context = { haCf, nodes, paths, times, pings, keyFile, host, told, names };
  const instances = translateGroups(groups, context);
  const known = peerOf({ nodes, paths, addresses, keyFile });
  const peer = instances.length === 0 ? undefined : known;
  if (instances.length > 0 && peer === undefined) warnNoPeer(haCf, keyFile, told);
  return { haCf, groups, nodes, times, instances, peer, keyText };
}

function tellMissing(files: HeartbeatFiles, told: Told): void {
  const at = (file: string): Origin => ({ file, line: 0 });
  if (files.haCf === undefined) {
    told.warn(at("ha.cf"), "Without ha.cf Heartbeat's defaults hold, and no medium is known");
  }
  if (files.haresources === undefined) {
    told.refuse(at("haresources"), "haresources beside ha.cf: it has the addresses", "none");
  }
  if (files.authkeys === undefined) {
    told.warn(at("authkeys"), "Without authkeys anybody on the network is heard");
  }
}

/** A key file's text; undefined for `crc`, which is no key. */
function textOf({ keyLines }: DirectorKeys): string | undefined {
  return keyLines.length === 0 ? undefined : `${keyLines.join("\n")}\n`;
}

function translateGroups(
  groups: readonly ResourceGroup[],
  context: InstanceContext,
): readonly Instance[] {
  const instances: Instance[] = [];
  for (const group of groups) {
    tellSync(group, context.told);
    const instance = translateGroup(group, instances.length, context);
    if (instance !== undefined) instances.push(instance);
  }
  return instances;
}

function warnFailback({ file, autoFailback }: HaCf, told: Told): void {
  if (autoFailback !== undefined && autoFailback.value !== "legacy") return;
  const text = "auto_failback legacy, Heartbeat's default, is on: the preferred node takes back";
  told.warn(autoFailback ?? { file, line: 0 }, text);
}

/** Addresses to be tracked, each once. */
function pingsOf(
  { pings, hasIpfail }: HaCf,
  addresses: ReadonlyMap<string, string>,
  told: Told,
): readonly string[] {
  const found = new Set<string>();
  for (const ping of pings) {
    const address = resolveAddress(ping.value, addresses);
    if (address !== undefined) found.add(address);
    else {
      const what = `ping ${quoted(ping.value)} is left out`;
      told.warn(ping, `${what}: it is no address, and /etc/hosts has no such name`);
    }
  }
  if (found.size > 0 && !hasIpfail) {
    const text = "Without ipfail no ping moves a resource; here each ping in track counts";
    told.warn(pings[0]!, text);
  }
  return [...found];
}

function tellSync(group: ResourceGroup, told: Told): void {
  if (!group.resources.some(({ kind }) => kind === "sync")) return;
  const text = "LVSSyncDaemonSwap is left out: [peer] takes its place, in both directions at once";
  told.warn(group, text);
}

interface PeerQuestion {
  readonly nodes: Nodes;
  readonly paths: Paths;
  readonly addresses: ReadonlyMap<string, string>;
  readonly keyFile: string | undefined;
}

/** The peer channel to the other director, if its address is known, and a key. */
function peerOf({ nodes, paths, addresses, keyFile }: PeerQuestion): NativeTable | undefined {
  const other = otherNode(nodes);
  const named = other === undefined ? undefined : addresses.get(other.toLowerCase());
  const address = paths.others[0] ?? named;
  if (address === undefined || keyFile === undefined) return undefined;
  return { address: formatEndpoint({ address, port: peerPort }), key_file: keyFile };
}

function warnNoPeer({ file, nodes }: HaCf, keyFile: string | undefined, told: Told): void {
  const at = nodes[0] ?? { file, line: 0 };
  const lost = "add [peer], or clients change their real servers at a takeover";
  if (keyFile === undefined) told.warn(at, `There is no key for a peer channel: ${lost}`);
  else told.warn(at, `The address of the other director is not known: ${lost}`);
}
