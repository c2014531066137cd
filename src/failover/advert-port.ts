/**
 * One virtual router on one interface: its two raw sockets, and the advertisement as bytes.
 *
 * Two sockets, because they are bound differently: the sender to this node's own address (a packet
 * with the virtual address as its source would not pass the closed fence), the receiver to the
 * interface alone, with a filter before the first packet. Sending and receiving allocate nothing
 * but what the decoder keeps.
 *
 * @module
 */

import { EINTR } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import type { Pointer } from "../../ffi/libc.ts";
import { encodeScoped, openRawReceiver, openRawSender } from "../../ffi/raw-socket.ts";
import { addressOffset, sockaddrBytesMax } from "../../ffi/sockaddr.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { parseAddress } from "../net/address.ts";
import type { AddressBytes } from "../net/address.ts";
import {
  createAdvertisement,
  decodeAdvertisement,
  encodeAdvertisement,
  hmacTrailerBytes,
  judgeAdvertisement,
  messageBytesMax,
  multicastIpv4,
  multicastIpv6,
  resignPriority,
  setAddresses,
  setPassword,
  vrrpProtocol,
} from "../vrrp/index.ts";
import type { AcceptRules, Advertisement, AdvertisementResult } from "../vrrp/index.ts";
import { assembleAdvertFilter } from "./advert-filter.ts";
import type { AdvertSigner } from "./advert-signer.ts";
import type { InstancePlan } from "./plan.ts";

/** Packets taken from one socket before the others get their turn. */
const packetsPerTurnMax = 256;
const ipv4HeaderBytesMax = 60;

/** Where a port is opened. */
export interface AdvertPlace {
  readonly device: string;
  readonly index: number;
  /** This node's own address on the device. */
  readonly own: AddressBytes;
  /** Interval that the packets say. */
  readonly wireIntervalMs: number;
  /** Undefined: advertisements are not signed. */
  readonly signer: AdvertSigner | undefined;
}

/** What was received: fields are filled anew for each packet. */
export interface HeardAdvert {
  result: AdvertisementResult;
  readonly advertisement: Advertisement;
  /** Sender. */
  readonly from: AddressBytes;
}

/** Sockets of one virtual router on one interface. Owns both descriptors. */
export class AdvertPort {
  /** For the epoll set. */
  readonly receiver: number;
  readonly own: AddressBytes;
  readonly index: number;
  /** Sender of the last advertisement that was accepted; all zero if none was. */
  readonly heardFrom: AddressBytes;
  readonly #plan: InstancePlan;
  readonly #sender: number;
  readonly #rules: AcceptRules;
  readonly #outgoing: Advertisement;
  readonly #messages: readonly OutgoingMessage[];
  readonly #heard: HeardAdvert;
  readonly #signer: AdvertSigner | undefined;
  readonly #arrival: { source: AddressBytes; nowMs: number };
  readonly #buffer = new Uint8Array(ipv4HeaderBytesMax + messageBytesMax + 64);
  readonly #bufferAddress: Pointer = addressOf(this.#buffer);
  readonly #name = new Uint8Array(sockaddrBytesMax);
  readonly #nameAddress: Pointer = addressOf(this.#name);
  readonly #nameLength = new Uint32Array(1);
  readonly #nameLengthAddress: Pointer = addressOf(this.#nameLength);

  /** @throws {SyscallError} `EPERM`, `ENODEV`, `EADDRNOTAVAIL`. */
  constructor(plan: InstancePlan, { device, index, own, wireIntervalMs, signer }: AdvertPlace) {
    const { family, vrid } = plan;
    this.#plan = plan;
    this.own = own;
    this.index = index;
    this.heardFrom = new Uint8Array(own.length);
    this.#signer = signer;
    this.#arrival = { source: own, nowMs: 0 };
    const peers = plan.peers?.map((peer) => parseAddress(peer)!);
    const group = family === 4 ? multicastIpv4 : multicastIpv6;
    this.#rules = {
      version: plan.version,
      vrid,
      intervalMs: wireIntervalMs,
      own: [own],
      peers,
      password: passwordOf(plan),
    };
    this.#outgoing = outgoingAdvertisement(plan, wireIntervalMs);
    this.#messages = (peers ?? [group]).map((to) => new OutgoingMessage(to, index));
    this.#heard = {
      result: "accepted",
      advertisement: createAdvertisement(family),
      from: new Uint8Array(own.length),
    };
    const place = { family, protocol: vrrpProtocol, device, index };
    const destination = peers === undefined ? group : own;
    const filter = assembleAdvertFilter({ vrid, destination, peers });
    this.#sender = openRawSender(place, own);
    try {
      this.receiver = openRawReceiver(place, filter, peers === undefined ? group : undefined);
    } catch (error) {
      closeDescriptor(this.#sender);
      throw error;
    }
  }

  /** Sends an advertisement to all. @returns False if none could be sent. */
  send(priority: number): boolean {
    this.#outgoing.priority = priority;
    let hasSent = false;
    for (const message of this.#messages) {
      const length = this.#encode(message);
      if (message.send(this.#sender, length)) hasSent = true;
    }
    return hasSent;
  }

  /** The bytes that {@link send} would send to each, with where they go; for the guard. */
  preview(priority: number): { readonly to: AddressBytes; readonly message: Uint8Array }[] {
    this.#outgoing.priority = priority;
    return this.#messages.map((message) => {
      const length = this.#encode(message);
      return { to: message.to, message: message.bytes.slice(0, length) };
    });
  }

  /** The ends of what {@link preview} of priority 0 would be now, if it is signed. */
  signResignations(take: (trailer: Uint8Array) => void): void {
    this.#outgoing.priority = resignPriority;
    for (const message of this.#messages) {
      const length = this.#encode(message);
      take(message.bytes.subarray(length - hmacTrailerBytes, length));
    }
  }

  /**
   * Takes what is there. `hear` gets each packet with what became of it; the value is filled anew
   * for the next.
   */
  receive(nowMs: number, hear: (heard: HeardAdvert) => void): void {
    this.#arrival.nowMs = nowMs;
    const { length: capacity } = this.#buffer;
    for (let count = 0; count < packetsPerTurnMax; count++) {
      this.#nameLength[0] = this.#name.length;
      const length = libc.recvfrom(
        this.receiver,
        this.#bufferAddress,
        capacity,
        0,
        this.#nameAddress,
        this.#nameLengthAddress,
      );
      if (length === -1) {
        const reason = errno();
        if (reason === EINTR) continue;
        // EAGAIN; of anything else (the link went down) the notices of the kernel tell.
        return;
      }
      this.#judge(length);
      hear(this.#heard);
    }
  }

  close(): void {
    closeDescriptor(this.#sender);
    closeDescriptor(this.receiver);
  }

  #judge(length: number): void {
    const heard = this.#heard;
    const { family } = this.#plan;
    const start = family === 4 ? (this.#buffer[0]! & 0x0f) * 4 : 0;
    const offset = addressOffset(family);
    heard.from.set(this.#name.subarray(offset, offset + heard.from.length));
    // The filter has let nothing else through.
    const destination = this.#rules.peers === undefined ? this.#messages[0]!.to : this.own;
    const arrival = { source: heard.from, destination, ttl: 255 };
    const bytes = this.#buffer.subarray(start, length);
    const decoded = decodeAdvertisement(bytes, arrival, heard.advertisement);
    heard.result = decoded.ok
      ? (judgeAdvertisement(heard.advertisement, arrival, this.#rules) ?? this.#verify(bytes))
      : decoded.reason;
    if (heard.result === "accepted") this.heardFrom.set(heard.from);
  }

  #verify(bytes: Uint8Array): AdvertisementResult {
    if (this.#signer === undefined) return "accepted";
    this.#arrival.source = this.#heard.from;
    return this.#signer.verify(bytes, this.#heard.advertisement, this.#arrival);
  }

  #encode(message: OutgoingMessage): number {
    const outgoing = this.#outgoing;
    outgoing.messageBytes = message.encode(outgoing, this.own);
    return this.#signer?.append(message.bytes, outgoing, this.own) ?? outgoing.messageBytes;
  }
}

/** One advertisement for one destination. */
class OutgoingMessage {
  readonly to: AddressBytes;
  readonly bytes = new Uint8Array(messageBytesMax + hmacTrailerBytes);
  readonly #address: Pointer = addressOf(this.bytes);
  readonly #sockaddr: Uint8Array;
  readonly #sockaddrAddress: Pointer;

  constructor(to: AddressBytes, index: number) {
    this.to = to;
    this.#sockaddr = encodeScoped(to, index);
    this.#sockaddrAddress = addressOf(this.#sockaddr);
  }

  encode(advertisement: Advertisement, source: AddressBytes): number {
    return encodeAdvertisement(advertisement, { source, destination: this.to }, this.bytes);
  }

  send(fd: number, length: number): boolean {
    const { length: sockaddrLength } = this.#sockaddr;
    const to = this.#sockaddrAddress;
    return libc.sendto(fd, this.#address, length, 0, to, sockaddrLength) === length;
  }
}

function passwordOf({ version, password }: InstancePlan): Uint8Array | undefined {
  if (version !== 2 || password === undefined) return undefined;
  const bytes = new Uint8Array(8);
  new TextEncoder().encodeInto(password, bytes);
  return bytes;
}

function outgoingAdvertisement(plan: InstancePlan, wireIntervalMs: number): Advertisement {
  const advertisement = createAdvertisement(plan.family);
  const advertised = plan.addresses.filter(({ isAdvertised }) => isAdvertised);
  advertisement.version = plan.version;
  advertisement.vrid = plan.vrid;
  advertisement.intervalMs = wireIntervalMs;
  setAddresses(
    advertisement,
    advertised.map(({ address }) => parseAddress(address)!),
  );
  const password = passwordOf(plan);
  if (password !== undefined) setPassword(advertisement, password);
  return advertisement;
}
