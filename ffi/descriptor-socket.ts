/**
 * Packets with open descriptors between two processes of one host (unix(7), SCM_RIGHTS).
 *
 * ```text
 * struct msghdr (64 bit): name 8 | namelen 4+4 | iov 8 | iovlen 8 | control 8 | controllen 8
 *                         flags 4+4
 * struct cmsghdr:         len 8 | level 4 | type 4 | descriptors, 4 bytes each
 * ```
 *
 * @module
 */

import { F_SETFD, FD_CLOEXEC } from "./constants/fcntl.ts";
import {
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./constants/socket.ts";
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_RIGHTS,
  SOCK_SEQPACKET,
} from "./constants/unix.ts";
import { EAGAIN, EINTR, SyscallError } from "./errno.ts";
import { addressOf, errno, libc } from "./libc.ts";
import { checkResult } from "./socket.ts";

/** Bytes of one packet; the kernel's default for a socket's buffer holds three of them. */
export const packetBytesMax = 64 * 1024;
/** Descriptors of one packet (SCM_MAX_FD is 253). */
export const packetDescriptorsMax = 250;

const headBytes = 16;
const controlBytes = headBytes + packetDescriptorsMax * 4;
const headerBytes = 56;

/** One packet. */
export interface DescriptorPacket {
  readonly bytes: Uint8Array;
  /** The receiver owns them; they are closed on exec. */
  readonly descriptors: readonly number[];
}

/** Opens two connected sockets that keep packets apart. The caller owns both. */
export function openDescriptorPair(): [one: number, other: number] {
  const ends = new Int32Array(2);
  const type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
  checkResult(libc.socketpair(AF_UNIX, type, 0, addressOf(ends)), "socketpair", "");
  return [ends[0]!, ends[1]!];
}

/** A descriptor that was inherited: programs started from here on do not get it. */
export function closeOnExec(fd: number): void {
  checkResult(libc.fcntl(fd, F_SETFD, FD_CLOEXEC), "fcntl", `close on exec of fd ${fd}`);
}

interface Buffers {
  readonly header: DataView;
  readonly control: DataView;
  readonly iov: BigUint64Array;
  readonly data: Uint8Array;
}

/** Keeps what the kernel was given addresses of from being collected during the call. */
let buffersInUse: Buffers | undefined;

function createHeader(data: Uint8Array, controlLength: number): Buffers {
  const header = new DataView(new ArrayBuffer(headerBytes));
  const control = new DataView(new ArrayBuffer(controlBytes));
  const iov = new BigUint64Array([BigInt(addressOf(data)), BigInt(data.length)]);
  header.setBigUint64(16, BigInt(addressOf(iov)), true);
  header.setBigUint64(24, 1n, true);
  if (controlLength > 0) {
    header.setBigUint64(32, BigInt(addressOf(control)), true);
    header.setBigUint64(40, BigInt(controlLength), true);
  }
  buffersInUse = { header, control, iov, data };
  return buffersInUse;
}

/**
 * Sends one packet of at least one byte, without waiting.
 *
 * @returns False if the other side has not read enough yet.
 * @throws {SyscallError} `EPIPE` if there is no other side any more.
 */
export function sendPacket(fd: number, { bytes, descriptors }: DescriptorPacket): boolean {
  const length = descriptors.length === 0 ? 0 : headBytes + descriptors.length * 4;
  const { header, control } = createHeader(bytes, length);
  control.setBigUint64(0, BigInt(length), true);
  control.setInt32(8, SOL_SOCKET, true);
  control.setInt32(12, SCM_RIGHTS, true);
  for (const [index, one] of descriptors.entries()) {
    control.setInt32(headBytes + index * 4, one, true);
  }
  if (libc.sendmsg(fd, addressOf(header), MSG_DONTWAIT | MSG_NOSIGNAL) !== -1) return true;
  const reason = errno();
  if (reason === EAGAIN || reason === EINTR) return false;
  throw new SyscallError("sendmsg", reason, `${bytes.length} bytes`);
}

/**
 * Takes one packet, without waiting.
 *
 * @returns `undefined` if there is none yet; a packet without bytes: the other side has closed.
 * @throws {SyscallError} if a packet was cut, or the socket is broken.
 */
export function receivePacket(fd: number): DescriptorPacket | undefined {
  const bytes = new Uint8Array(packetBytesMax);
  const { header, control } = createHeader(bytes, controlBytes);
  const received = libc.recvmsg(fd, addressOf(header), MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (received === -1) {
    const reason = errno();
    if (reason === EAGAIN || reason === EINTR) return undefined;
    throw new SyscallError("recvmsg", reason, "packet with descriptors");
  }
  const descriptors: number[] = [];
  if (Number(header.getBigUint64(40, true)) >= headBytes) {
    const count = (Number(control.getBigUint64(0, true)) - headBytes) / 4;
    for (let index = 0; index < count; index++) {
      descriptors.push(control.getInt32(headBytes + index * 4, true));
    }
  }
  if ((header.getInt32(48, true) & (MSG_TRUNC | MSG_CTRUNC)) !== 0) {
    for (const one of descriptors) libc.close(one);
    throw new SyscallError("recvmsg", 0, "the packet was cut");
  }
  return { bytes: bytes.subarray(0, received), descriptors };
}
