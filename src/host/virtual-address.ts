/**
 * Which virtual addresses a real server cannot take: those that are none, and those that would cut
 * the host off. Pure.
 *
 * @module
 */

import { formatAddress, formatNetwork, maskAddress, parseAddress } from "../net/address.ts";
import type { AddressFact, InterfaceFact, RouteFact } from "./access.ts";

/** What of a host decides it. */
export interface AddressSurroundings {
  readonly interfaces: readonly InterfaceFact[];
  readonly addresses: readonly AddressFact[];
  readonly routes: readonly RouteFact[];
}

function kindOfIpv4([first, second, third, last]: Uint8Array): string | undefined {
  if (first === 0) return "is unspecified (0.0.0.0/8)";
  if (first === 127) return "is a loopback address";
  if (first! >= 224 && first! < 240) return "is a multicast address";
  if ([first, second, third, last].every((byte) => byte === 255)) return "is the broadcast address";
  return first! >= 240 ? "is reserved (240.0.0.0/4)" : undefined;
}

function kindOfIpv6(bytes: Uint8Array): string | undefined {
  const isZeroUpTo = (end: number): boolean => bytes.subarray(0, end).every((byte) => byte === 0);
  if (isZeroUpTo(16)) return "is unspecified";
  if (isZeroUpTo(15) && bytes[15] === 1) return "is the loopback address";
  if (bytes[0] === 0xff) return "is a multicast address";
  if (bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80) return "is a link-local address";
  const isMapped = isZeroUpTo(10) && bytes[10] === 0xff && bytes[11] === 0xff;
  return isMapped ? "is an IPv4 address in IPv6 form" : undefined;
}

/** Why a canonical address can be nobody's virtual address; undefined if it can. */
export function kindRefusal(address: string): string | undefined {
  const bytes = parseAddress(address)!;
  return bytes.length === 4 ? kindOfIpv4(bytes) : kindOfIpv6(bytes);
}

/** Network or broadcast address of an IPv4 network, in words. */
function edgeOf(bytes: Uint8Array, fact: AddressFact): string | undefined {
  const own = parseAddress(fact.address)!;
  if (own.length !== 4 || bytes.length !== 4 || fact.prefixBits > 30) return undefined;
  const network = maskAddress(own, fact.prefixBits);
  const text = formatNetwork({ address: formatAddress(network), prefixBits: fact.prefixBits });
  const broadcast = network.map((byte, index) => {
    const keepBits = Math.min(8, Math.max(0, fact.prefixBits - index * 8));
    return byte | (0xff >> keepBits);
  });
  const place = `${text}, the network of ${fact.interface}`;
  if (formatAddress(bytes) === formatAddress(network)) return `is the first address of ${place}`;
  if (formatAddress(bytes) === formatAddress(broadcast)) {
    return `is the broadcast address of ${place}`;
  }
  return undefined;
}

/** Why the address of an interface is not given up for a virtual address. */
function holderRefusal(fact: AddressFact, host: AddressSurroundings): string {
  const { interfaces, addresses, routes } = host;
  const { address, interface: name, prefixBits } = fact;
  const removal = `ip address del ${address}/${prefixBits} dev ${name}`;
  const holder = interfaces.find((one) => one.name === name);
  if (holder?.usesArp === false) return `is on ${name}; take it off there first: ${removal}`;
  const isIpv4 = !address.includes(":");
  const ofFamily = addresses.filter(
    (other) =>
      other.interface === name &&
      other.address.includes(":") !== isIpv4 &&
      !other.address.startsWith("fe80:"),
  );
  const carriesDefault = routes.some(
    (route) =>
      route.isDefault && route.interface === name && route.gateway?.includes(":") !== isIpv4,
  );
  if (carriesDefault && ofFamily[0]?.address === address) {
    return `is the address from which this host reaches its default gateway (${name})`;
  }
  if (ofFamily.length === 1) return `is the only address of ${name}`;
  return `is on ${name}, where this host answers for it; if it is not needed there: ${removal}`;
}

/**
 * Why this host cannot take a canonical address as a virtual one; undefined if it can.
 *
 * An address that is on a loopback interface already is fine.
 */
export function addressRefusal(address: string, host: AddressSurroundings): string | undefined {
  const kind = kindRefusal(address);
  if (kind !== undefined) return kind;
  const loopbacks = new Set(
    host.interfaces.filter(({ isLoopback }) => isLoopback).map(({ name }) => name),
  );
  const isReal = (fact: AddressFact): boolean => !loopbacks.has(fact.interface);
  const holder = host.addresses.find((fact) => fact.address === address && isReal(fact));
  if (holder !== undefined) return holderRefusal(holder, host);
  const route = host.routes.find(({ gateway }) => gateway === address);
  if (route !== undefined) return `is a gateway of this host (${route.interface})`;
  const bytes = parseAddress(address)!;
  return host.addresses
    .filter(isReal)
    .map((fact) => edgeOf(bytes, fact))
    .find((text) => text !== undefined);
}
