/**
 * Asks on one interface who has an address: by ARP, or by IPv6 neighbour discovery.
 *
 * @module
 */

import { ETH_P_ARP } from "../../../ffi/constants/interface.ts";
import { sendDatagram } from "../../../ffi/icmp.ts";
import { openNeighbourSocket } from "../../../ffi/neighbour.ts";
import {
  encodeLinkSockaddr,
  openPacketSocket,
  receivePacket,
  sendPacket,
} from "../../../ffi/packet.ts";
import { encodeSockaddr } from "../../../ffi/sockaddr.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import type { Family } from "../../net/address.ts";
import type { InterfaceFact } from "../access.ts";
import { decodeArpReply, encodeArpQuestion } from "./arp-packet.ts";
import { decodeAdvertisement, encodeSolicitation, solicitedNodeGroup } from "./neighbour-packet.ts";

/** Who says to have an address. */
export interface Holder {
  readonly address: Uint8Array;
  readonly hardware: Uint8Array;
}

/** Owns a socket. */
export interface Asker {
  /** @returns 0, or a positive errno. */
  ask(target: Uint8Array): number;
  /** One packet; false: there is none. A packet that is no answer is undefined. */
  take(): Holder | undefined | false;
  close(): void;
}

/** Answers are short; what is longer is cut off. */
const bufferBytes = 512;
const broadcast = new Uint8Array(6).fill(0xff);

function parseHardware(text: string): Uint8Array {
  return Uint8Array.from(text.split(":"), (part) => Number.parseInt(part, 16));
}

function createTake(
  fd: number,
  decode: (bytes: Uint8Array) => Holder | undefined,
): Pick<Asker, "take" | "close"> {
  const buffer = new Uint8Array(bufferBytes);
  return {
    take() {
      const packet = receivePacket(fd, buffer);
      return packet === undefined ? false : decode(packet);
    },
    close: () => closeDescriptor(fd),
  };
}

/**
 * Opens an asker.
 *
 * @throws {SyscallError} `EPERM` without CAP_NET_RAW, `ENODEV`, `EAFNOSUPPORT` without IPv6.
 */
export function openAsker(family: Family, one: InterfaceFact): Asker {
  const sender = parseHardware(one.hardwareAddress);
  if (family === 4) {
    const place = { etherType: ETH_P_ARP, index: one.index };
    const fd = openPacketSocket(place);
    const to = encodeLinkSockaddr(place, broadcast);
    return {
      ...createTake(fd, decodeArpReply),
      ask: (target) => sendPacket(fd, encodeArpQuestion(sender, target), to),
    };
  }
  const fd = openNeighbourSocket(one.name);
  return {
    ...createTake(fd, decodeAdvertisement),
    ask(target) {
      const to = encodeSockaddr(solicitedNodeGroup(target), 0);
      return sendDatagram(fd, encodeSolicitation(sender, target), to);
    },
  };
}
