/**
 * `[[vrrp]]` and `[peer]` in the words of the configuration file. Pure.
 *
 * @module
 */

import type { PeerConfig, TrackTarget, VirtualAddress, VirtualRouter } from "../model/index.ts";
import { familyOf, formatEndpoint } from "../net/address.ts";
import { formatDuration } from "./duration.ts";
import type { NativeTable, NativeValue } from "./native.ts";

function nativeAddress(
  { address, prefixBits, interface: device, label }: VirtualAddress,
  interfaceDefault: string | undefined,
): NativeValue {
  const isWhole = prefixBits === (familyOf(address) === 4 ? 32 : 128);
  const text = isWhole ? address : `${address}/${prefixBits}`;
  const isElsewhere = device !== interfaceDefault;
  if (!isElsewhere && label === undefined) return text;
  return { address: text, interface: isElsewhere ? device : undefined, label };
}

function nativeTarget(target: TrackTarget): NativeTable {
  if (target.type === "interface") return { interface: target.interface };
  const { intervalMs, timeoutMs } = target;
  const times = { interval: formatDuration(intervalMs), timeout: formatDuration(timeoutMs) };
  return target.type === "ping"
    ? { ping: target.address, ...times }
    : { script: target.command, ...times };
}

/** One `[[vrrp]]`, with everything that holds. */
export function nativeRouter(router: VirtualRouter): NativeTable {
  const [first] = router.interfaces;
  const isOne = router.interfaces.length === 1;
  const addressesThat = (isAdvertised: boolean): NativeValue[] =>
    router.addresses
      .filter((one) => one.isAdvertised === isAdvertised)
      .map((one) => nativeAddress(one, first));
  const excluded = addressesThat(false);
  return {
    name: router.name,
    interface: isOne ? first : undefined,
    interfaces: isOne ? undefined : router.interfaces,
    vrid: router.vrid,
    version: router.version,
    priority: router.priority,
    addresses: addressesThat(true),
    excluded_addresses: excluded.length === 0 ? undefined : excluded,
    peers: router.peers,
    key_file: router.keyFile,
    auth: router.password === undefined && router.keyFile === undefined ? "none" : undefined,
    auth_pass: router.password,
    advertise_interval: formatDuration(router.advertiseIntervalMs),
    down_after: formatDuration(router.downAfterMs),
    preempt: router.preempt,
    preempt_delay: orNone(router.preemptDelayMs),
    start_delay: orNone(router.startDelayMs),
    group: router.group,
    track: router.track.length === 0 ? undefined : router.track.map(nativeTarget),
    witness: router.witness,
    announce: router.announces ? undefined : "none",
    resources: router.resources.length === 0 ? undefined : router.resources,
    on_active: router.onActive,
    notify: router.notify,
  };
}

function orNone(durationMs: number): string | undefined {
  return durationMs === 0 ? undefined : formatDuration(durationMs);
}

/** `[peer]`, with everything that holds; empty without one. */
export function nativePeer(peer: PeerConfig | undefined): NativeTable {
  if (peer === undefined) return {};
  return { address: formatEndpoint(peer), key_file: peer.keyFile };
}
