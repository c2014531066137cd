/**
 * recvmsg(2) and sendmsg(2) with the local address of each datagram (ip(7) IP_PKTINFO, ipv6(7)
 * IPV6_PKTINFO), through buffers that are set up once.
 *
 * ```text
 * struct msghdr (64 bit): name 8 | namelen 4+4 | iov 8 | iovlen 8 | control 8 | controllen 8
 *                         flags 4+4
 * struct cmsghdr:         len 8 | level 4 | type 4 | data
 * in_pktinfo:             ifindex 4 | spec_dst 4 | addr 4        in6_pktinfo: addr 16 | ifindex 4
 * ```
 *
 * @module
 */

import {
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
} from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";
import { sockaddrBytesMax } from "./sockaddr.ts";

/** The largest UDP payload is 65,507 bytes over IPv4, 65,527 over IPv6. */
export const datagramBytesMax = 65_535;

const controlBytes = 64;
const cmsgHeadBytes = 16;

/** Buffers of one thread for datagrams with their local address. */
export class DatagramBuffer {
  readonly data = new Uint8Array(datagramBytesMax);
  readonly dataAddress: Pointer = addressOf(this.data);
  /** `struct sockaddr` of the sender, as words; zero behind its end. */
  readonly name = new Uint32Array(sockaddrBytesMax / 4);
  /** Local address of the last datagram as words of network-order bytes; IPv4 in the first. */
  readonly local = new Uint32Array(4);
  readonly #control = new Uint8Array(controlBytes);
  readonly #controlView = new DataView(this.#control.buffer);
  readonly #controlWords = new Uint32Array(this.#control.buffer);
  readonly #iov = new BigUint64Array(2);
  readonly #header = new DataView(new ArrayBuffer(56));
  readonly #headerAddress = addressOf(this.#header);
  readonly #nameAddress = addressOf(this.name);
  readonly #controlAddress = addressOf(this.#control);

  constructor() {
    this.#iov[0] = BigInt(this.dataAddress);
    this.#header.setBigUint64(16, BigInt(addressOf(this.#iov)), true);
    this.#header.setBigUint64(24, 1n, true);
    this.#header.setBigUint64(32, BigInt(this.#controlAddress), true);
  }

  /**
   * Takes one datagram into {@link data}, {@link name} and {@link local}.
   *
   * @returns Bytes, or -1 with errno set.
   */
  receive(fd: number): number {
    this.name.fill(0);
    this.#iov[1] = BigInt(datagramBytesMax);
    const header = this.#header;
    header.setBigUint64(0, BigInt(this.#nameAddress), true);
    header.setUint32(8, sockaddrBytesMax, true);
    header.setBigUint64(40, BigInt(controlBytes), true);
    const received = libc.recvmsg(fd, this.#headerAddress, MSG_DONTWAIT);
    if (received >= 0) this.#readLocal(Number(header.getBigUint64(40, true)));
    return received;
  }

  #readLocal(length: number): void {
    this.local.fill(0);
    if (length < cmsgHeadBytes) return;
    const level = this.#controlView.getInt32(8, true);
    const type = this.#controlView.getInt32(12, true);
    if (level === IPPROTO_IP && type === IP_PKTINFO) {
      this.local[0] = this.#controlWords[6]!;
    } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO) {
      for (let index = 0; index < 4; index++) this.local[index] = this.#controlWords[4 + index]!;
    }
  }

  /**
   * Sends the first `bytes` of {@link data} from a local address of the sender's choice.
   *
   * @param to Address and length of the receiver's `struct sockaddr`.
   * @param local Words as in {@link local}; IPv4 when `isIpv4`.
   */
  sendFrom(fd: number, bytes: number, to: SendTarget): number {
    const header = this.#header;
    this.#iov[1] = BigInt(bytes);
    header.setBigUint64(0, BigInt(to.address), true);
    header.setUint32(8, to.length, true);
    const dataBytes = to.isIpv4 ? 12 : 20;
    const view = this.#controlView;
    this.#control.fill(0);
    view.setBigUint64(0, BigInt(cmsgHeadBytes + dataBytes), true);
    view.setInt32(8, to.isIpv4 ? IPPROTO_IP : IPPROTO_IPV6, true);
    view.setInt32(12, to.isIpv4 ? IP_PKTINFO : IPV6_PKTINFO, true);
    if (to.isIpv4) this.#controlWords[5] = to.local[0]!;
    else this.#controlWords.set(to.local.subarray(0, 4), 4);
    // CMSG_SPACE: the data is padded to 8 bytes.
    header.setBigUint64(40, BigInt(cmsgHeadBytes + ((dataBytes + 7) & ~7)), true);
    return libc.sendmsg(fd, this.#headerAddress, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

/** Where {@link DatagramBuffer.sendFrom} sends to, and from which address. */
export interface SendTarget {
  readonly address: Pointer;
  readonly length: number;
  readonly isIpv4: boolean;
  readonly local: Uint32Array;
}
