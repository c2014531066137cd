/**
 * Sends gratuitous ARP and unsolicited neighbour advertisements through one packet socket.
 *
 * The socket receives nothing (protocol 0) and does not skip the queueing discipline: TC egress,
 * and with it the fence, sees these frames. So a director without a lease announces nothing,
 * whatever it tries.
 *
 * @module
 */

import { AF_PACKET } from "../../ffi/constants/interface.ts";
import { SOCK_RAW } from "../../ffi/constants/socket.ts";
import { encodeLinkSockaddr, sendPacket } from "../../ffi/packet.ts";
import { closeDescriptor, openSocket } from "../../ffi/socket.ts";
import { parseAddress } from "../net/address.ts";
import {
  encodeArpCheck,
  encodeGratuitousArp,
  encodeNeighbourAdvertisement,
  encodeNeighbourCheck,
} from "../net/announcement.ts";
import type { Link } from "../netlink/route/index.ts";

/** Announces addresses. Owns a descriptor. */
export class Announcer {
  readonly #fd = openSocket(AF_PACKET, SOCK_RAW, 0);

  /** Says that `address` is at the MAC address of the link. */
  announce(address: string, { index, mac, isWithoutArp }: Link): void {
    if (mac === "" || isWithoutArp) return;
    const macBytes = Uint8Array.fromHex(mac.replaceAll(":", ""));
    const bytes = parseAddress(address)!;
    const place = encodeLinkSockaddr({ etherType: 0, index });
    // What is not sent, because the link went down, is sent in the next round.
    if (bytes.length === 16) {
      sendPacket(this.#fd, encodeNeighbourAdvertisement(macBytes, bytes, true), place);
      return;
    }
    sendPacket(this.#fd, encodeGratuitousArp(macBytes, bytes, "request"), place);
    sendPacket(this.#fd, encodeGratuitousArp(macBytes, bytes, "reply"), place);
  }

  /** Asks who has `address`, without claiming it. */
  ask(address: string, { index, mac, isWithoutArp }: Link): void {
    if (mac === "" || isWithoutArp) return;
    const macBytes = Uint8Array.fromHex(mac.replaceAll(":", ""));
    const bytes = parseAddress(address)!;
    const encode = bytes.length === 16 ? encodeNeighbourCheck : encodeArpCheck;
    sendPacket(this.#fd, encode(macBytes, bytes), encodeLinkSockaddr({ etherType: 0, index }));
  }

  close(): void {
    closeDescriptor(this.#fd);
  }
}
