/**
 * Interfaces and their addresses through ioctl(2) (netdevice(7), net/ipv4/devinet.c,
 * net/ipv6/addrconf.c): what is needed to give `lo` the aliases of a real server.
 *
 * ```text
 * struct ifreq     name 16 | sockaddr 16, or flags i16, or index i32, then zeros    40 bytes
 * struct in6_ifreq address 16 | prefix length u32 host | interface index i32        24 bytes
 * struct ifconf    length i32 | pad 4 | buffer u64                                  16 bytes
 * ```
 *
 * An IPv4 address has a label, `lo` or `lo:0`; the kernel's calls act on the first address of a
 * label, so an alias must have one of its own. Each call opens and closes a socket: nothing here
 * is for hot loops.
 *
 * @module
 */

import {
  IFF_UP,
  IFNAMSIZ,
  SIOCDIFADDR,
  SIOCGIFCONF,
  SIOCGIFFLAGS,
  SIOCGIFHWADDR,
  SIOCGIFINDEX,
  SIOCGIFNETMASK,
  SIOCSIFADDR,
  SIOCSIFFLAGS,
  SIOCSIFNETMASK,
} from "./constants/interface.ts";
import { AF_INET, AF_INET6, SOCK_DGRAM } from "./constants/socket.ts";
import { addressOf, libc } from "./libc.ts";
import { addressOffset, encodeSockaddr } from "./sockaddr.ts";
import { checkResult, closeDescriptor, openSocket } from "./socket.ts";

const requestBytes = 40;
/** More addresses than any host has; a longer answer of the kernel is cut off. */
const addressesMax = 65_536;

/** An IPv4 address as the kernel has it. */
export interface LabelledAddress {
  /** Name of the interface, or `NAME:ALIAS`. */
  readonly label: string;
  /** 4 bytes. */
  readonly address: Uint8Array;
  /** 4 bytes. */
  readonly mask: Uint8Array;
}

/** A `struct ifreq` with its name set and, if given, a `sockaddr_in` in its union. */
export function encodeInterfaceRequest(name: string, address?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(requestBytes);
  const encoded = new TextEncoder().encode(name);
  if (encoded.length === 0 || encoded.length >= IFNAMSIZ) {
    throw new RangeError(`Expected an interface name of 1 to 15 bytes, got "${name}"`);
  }
  bytes.set(encoded);
  if (address !== undefined) bytes.set(encodeSockaddr(address, 0), IFNAMSIZ);
  return bytes;
}

/** Name of a `struct ifreq`. */
export function decodeInterfaceName(bytes: Uint8Array): string {
  const name = bytes.subarray(0, IFNAMSIZ);
  const end = name.indexOf(0);
  return new TextDecoder().decode(end === -1 ? name : name.subarray(0, end));
}

function addressIn(request: Uint8Array): Uint8Array {
  const start = IFNAMSIZ + addressOffset(4);
  return request.slice(start, start + 4);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function withSocket<Result>(domain: number, use: (fd: number) => Result): Result {
  const fd = openSocket(domain, SOCK_DGRAM);
  try {
    return use(fd);
  } finally {
    closeDescriptor(fd);
  }
}

function control(fd: number, request: number, bytes: Uint8Array, detail: string): Uint8Array {
  checkResult(libc.ioctl(fd, request, addressOf(bytes)), "ioctl", detail);
  return bytes;
}

function ask(name: string, request: number, what: string): DataView {
  const bytes = encodeInterfaceRequest(name);
  withSocket(AF_INET, (fd) => control(fd, request, bytes, `${what} of ${name}`));
  return viewOf(bytes);
}

/** IFF_ flags of an interface. @throws {SyscallError} `ENODEV` if there is none. */
export function interfaceFlags(name: string): number {
  return ask(name, SIOCGIFFLAGS, "flags").getUint16(IFNAMSIZ, true);
}

/** Number of an interface. @throws {SyscallError} `ENODEV` if there is none. */
export function interfaceIndex(name: string): number {
  return ask(name, SIOCGIFINDEX, "index").getInt32(IFNAMSIZ, true);
}

/** ARPHRD_ type of an interface, and its 6 bytes of address, zeros if it has none. */
export function hardwareAddress(name: string): {
  readonly type: number;
  readonly address: Uint8Array;
} {
  const view = ask(name, SIOCGIFHWADDR, "hardware address");
  const address = new Uint8Array(view.buffer, view.byteOffset + IFNAMSIZ + 2, 6).slice();
  return { type: view.getUint16(IFNAMSIZ, true), address };
}

/** Sets an interface up or down. @throws {SyscallError} `EPERM` without CAP_NET_ADMIN. */
export function setInterfaceUp(name: string, isUp: boolean): void {
  const flags = interfaceFlags(name);
  const bytes = encodeInterfaceRequest(name);
  viewOf(bytes).setUint16(IFNAMSIZ, isUp ? flags | IFF_UP : flags & ~IFF_UP, true);
  withSocket(AF_INET, (fd) => control(fd, SIOCSIFFLAGS, bytes, `flags of ${name}`));
}

/** All IPv4 addresses of this network namespace, also of interfaces that are down. */
export function listIpv4Addresses(): LabelledAddress[] {
  return withSocket(AF_INET, (fd) => {
    const configuration = new Uint8Array(16);
    control(fd, SIOCGIFCONF, configuration, "length of the list of addresses");
    const wanted = viewOf(configuration).getInt32(0, true);
    // Room for one more: an address that came meanwhile is seen, not cut off.
    const count = Math.min(addressesMax, Math.trunc(wanted / requestBytes) + 1);
    const list = new Uint8Array(count * requestBytes);
    viewOf(configuration).setInt32(0, list.length, true);
    viewOf(configuration).setBigUint64(8, BigInt(addressOf(list)), true);
    control(fd, SIOCGIFCONF, configuration, "list of addresses");
    const found: LabelledAddress[] = [];
    const bytes = viewOf(configuration).getInt32(0, true);
    for (let start = 0; start + requestBytes <= bytes; start += requestBytes) {
      const request = list.slice(start, start + requestBytes);
      const [label, address] = [decodeInterfaceName(request), addressIn(request)];
      // With the address in it, the kernel looks for the address under this label.
      control(fd, SIOCGIFNETMASK, request, `netmask of ${label}`);
      found.push({ label, address, mask: addressIn(request) });
    }
    return found;
  });
}

/**
 * Gives an interface an IPv4 address under a label that has none yet.
 *
 * The kernel first takes the netmask of the address's class, and on `lo` a whole class A network
 * would be local; so both requests are prepared and the second call follows at once. If it fails
 * the address is removed.
 *
 * @throws {SyscallError} `EPERM` without CAP_NET_ADMIN, `ENODEV`.
 */
export function addIpv4Address({ label, address, mask }: LabelledAddress): void {
  withSocket(AF_INET, (fd) => {
    const add = addressOf(encodeInterfaceRequest(label, address));
    const maskRequest = encodeInterfaceRequest(label, mask);
    const narrow = addressOf(maskRequest);
    const added = libc.ioctl(fd, SIOCSIFADDR, add);
    const result = added === -1 ? added : libc.ioctl(fd, SIOCSIFNETMASK, narrow);
    try {
      checkResult(result, "ioctl", `address of ${label}`);
    } catch (error) {
      if (added !== -1) removeIpv4Alias(label);
      throw error;
    }
  });
}

/** Sets the netmask of the first address of a label. */
export function setIpv4Mask(label: string, mask: Uint8Array): void {
  const bytes = encodeInterfaceRequest(label, mask);
  withSocket(AF_INET, (fd) => control(fd, SIOCSIFNETMASK, bytes, `netmask of ${label}`));
}

/**
 * Removes the address of an alias: a label with a colon, taken down.
 *
 * @throws {SyscallError} `EADDRNOTAVAIL` if no address has this label.
 */
export function removeIpv4Alias(label: string): void {
  // Without the colon this would take the interface itself down.
  if (!label.includes(":")) throw new RangeError(`Expected an alias as lo:0, got "${label}"`);
  const bytes = encodeInterfaceRequest(label);
  withSocket(AF_INET, (fd) => control(fd, SIOCSIFFLAGS, bytes, `removal of ${label}`));
}

/** A `struct in6_ifreq`. */
export function encodeIpv6Request(
  index: number,
  address: Uint8Array,
  prefixBits: number,
): Uint8Array {
  const bytes = new Uint8Array(24);
  bytes.set(address);
  viewOf(bytes).setUint32(16, prefixBits, true);
  viewOf(bytes).setInt32(20, index, true);
  return bytes;
}

/**
 * Gives interface number `index` an IPv6 address. On `lo` it is usable at once: the kernel looks
 * for duplicates on other interfaces only.
 *
 * @throws {SyscallError} `EEXIST`; `EACCES` where IPv6 is turned off; `EAFNOSUPPORT` without it.
 */
export function addIpv6Address(index: number, address: Uint8Array, prefixBits: number): void {
  const bytes = encodeIpv6Request(index, address, prefixBits);
  withSocket(AF_INET6, (fd) => control(fd, SIOCSIFADDR, bytes, `IPv6 address of ${index}`));
}

/** Takes an IPv6 address away. @throws {SyscallError} `EADDRNOTAVAIL` if it is not there. */
export function removeIpv6Address(index: number, address: Uint8Array, prefixBits: number): void {
  const bytes = encodeIpv6Request(index, address, prefixBits);
  withSocket(AF_INET6, (fd) => control(fd, SIOCDIFADDR, bytes, `IPv6 address of ${index}`));
}
