/**
 * The socket of the peer channel. Strangers are dropped by its filter; sending and receiving
 * allocate nothing.
 *
 * It is bound to no address and not connected: addresses of this host may come and go, and its
 * routes say which of them it speaks from.
 *
 * @module
 */

import { EINTR } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import type { Pointer } from "../../ffi/libc.ts";
import { addressOffset, encodeSockaddr, sockaddrBytesMax } from "../../ffi/sockaddr.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { countDropped, openFilteredUdp } from "../../ffi/udp-socket.ts";
import type { AddressBytes } from "../net/address.ts";
import { peerMessageBytesMax } from "../peer/index.ts";
import { assemblePeerFilter } from "./peer-filter.ts";

/** Messages taken in one turn, before timers and other sockets get theirs. */
const messagesPerTurnMax = 256;

/** Gets what was received; the bytes are filled anew for the next. */
export type TakeMessage = (bytes: Uint8Array, length: number, isFromPeer: boolean) => void;

/** Owns a descriptor. */
export class PeerPort {
  /** For the epoll set. */
  readonly fd: number;
  readonly #peer: AddressBytes;
  readonly #offset: number;
  readonly #to: Uint8Array;
  readonly #toAddress: Pointer;
  /** One byte more than the longest message: a longer one is seen to be longer. */
  readonly #buffer = new Uint8Array(peerMessageBytesMax + 1);
  readonly #bufferAddress: Pointer = addressOf(this.#buffer);
  readonly #name = new Uint8Array(sockaddrBytesMax);
  readonly #nameAddress: Pointer = addressOf(this.#name);
  readonly #nameLength = new Uint32Array(1);
  readonly #nameLengthAddress: Pointer = addressOf(this.#nameLength);

  /**
   * @param port Both where the peer listens and where this director does.
   * @param fd Socket of an earlier process, which is this one's from here on.
   * @throws {SyscallError} `EADDRINUSE`.
   */
  constructor(peer: AddressBytes, port: number, fd?: number) {
    const family = peer.length === 4 ? 4 : 6;
    this.#peer = peer;
    this.#offset = addressOffset(family);
    this.#to = encodeSockaddr(peer, port);
    this.#toAddress = addressOf(this.#to);
    this.fd = fd ?? openFilteredUdp(family, port, assemblePeerFilter(peer));
  }

  /** Sends the bytes at `address`. @returns False if they did not leave this host. */
  send(address: Pointer, length: number): boolean {
    const { length: toLength } = this.#to;
    return libc.sendto(this.fd, address, length, 0, this.#toAddress, toLength) === length;
  }

  /** Takes what is there, up to a bound. */
  receive(take: TakeMessage): void {
    for (let count = 0; count < messagesPerTurnMax; count++) {
      this.#nameLength[0] = this.#name.length;
      const length = libc.recvfrom(
        this.fd,
        this.#bufferAddress,
        this.#buffer.length,
        0,
        this.#nameAddress,
        this.#nameLengthAddress,
      );
      if (length >= 0) take(this.#buffer, length, this.#isFromPeer());
      else if (errno() !== EINTR) return;
    }
  }

  /** Packets that were not taken, see countDropped(). */
  dropped(): number {
    return countDropped(this.fd);
  }

  close(): void {
    closeDescriptor(this.fd);
  }

  #isFromPeer(): boolean {
    for (let index = 0; index < this.#peer.length; index++) {
      if (this.#name[this.#offset + index] !== this.#peer[index]) return false;
    }
    return true;
  }
}
