/**
 * One socket that hears who claims virtual addresses of one family on one interface.
 *
 * @module
 */

import { ETH_P_ARP } from "../../ffi/constants/interface.ts";
import { openPacketSocket, receivePacket } from "../../ffi/packet.ts";
import { openRawReceiver } from "../../ffi/raw-socket.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import type { Family } from "../net/address.ts";
import { decodeArpClaim, decodeNeighbourMessage } from "../net/announcement.ts";
import { assembleArpFilter, assembleNeighbourFilter } from "./claim-filter.ts";
import type { ClaimedAddress } from "./protocol.ts";

/** Where a port is opened, and for which addresses. */
export interface ClaimPlace {
  readonly device: string;
  readonly index: number;
  readonly family: Family;
  /** Canonical texts, all of the family. */
  readonly addresses: readonly string[];
}

/** Claims taken in one turn: a flood of them must not hold the thread. */
const claimsPerTurnMax = 64;
/** ICMPv6 (IANA). */
const icmpv6 = 58;
/** Longer packets are cut off: what is looked at stands at their start. */
const packetBytesMax = 128;

/** Owns a descriptor. */
export class ClaimPort {
  /** For the epoll set. */
  readonly fd: number;
  readonly place: ClaimPlace;
  readonly #addresses: ReadonlySet<string>;
  readonly #buffer = new Uint8Array(packetBytesMax);

  /** @throws {SyscallError} `EPERM`, `ENODEV`. */
  constructor(place: ClaimPlace) {
    this.place = place;
    this.#addresses = new Set(place.addresses);
    const { device, index, family } = place;
    const addresses = place.addresses.map((address) => parseAddress(address)!);
    if (family === 4) {
      this.fd = openPacketSocket({ etherType: ETH_P_ARP, index }, assembleArpFilter(addresses));
    } else {
      const raw = { family, protocol: icmpv6, device, index };
      this.fd = openRawReceiver(raw, assembleNeighbourFilter(addresses), undefined);
    }
  }

  /** Takes what is there, up to a bound. */
  receive(take: (claim: ClaimedAddress) => void): void {
    for (let count = 0; count < claimsPerTurnMax; count++) {
      const packet = receivePacket(this.fd, this.#buffer);
      if (packet === undefined) return;
      const heard =
        this.place.family === 4 ? decodeArpClaim(packet) : decodeNeighbourMessage(packet);
      if (heard === undefined) continue;
      const address = formatAddress(heard.address);
      if (this.#addresses.has(address)) take({ address, mac: formatMac(heard.mac) });
    }
  }

  close(): void {
    closeDescriptor(this.fd);
  }
}

function formatMac(bytes: Uint8Array): string {
  if (bytes.every((byte) => byte === 0)) return "";
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
