/**
 * The guard: a process of its own that cleans up when the director dies.
 *
 * It is dumb. It reads beats from its standard input, and knows what to do when they end: close the
 * fence, send the resignation, take the addresses off, in this order. Closing comes first, because
 * nothing that a woken director still does can open it again; the addresses come last, because
 * behind a closed fence they do no harm. It holds no keys and elects nobody.
 *
 * Where the director may not have a fence of bpf, the guard keeps one of nf_tables for it.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import { POLLIN } from "../../ffi/constants/poll.ts";
import { addressOf, libc } from "../../ffi/libc.ts";
import { openThreadDescriptor } from "../../ffi/pidfd.ts";
import { writePipe } from "../../ffi/pipe.ts";
import { encodeScoped, openRawSender } from "../../ffi/raw-socket.ts";
import { lockMemory, nameThread, preferThread } from "../../ffi/realtime.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { hostBpfKernel } from "../bpf/index.ts";
import { errorText } from "../errors/index.ts";
import { LeaseTable } from "../fence/index.ts";
import { parseAddress } from "../net/address.ts";
import { openNftFence } from "../netlink/nftables/index.ts";
import { openRouteSocket } from "../netlink/route/index.ts";
import type { RouteSocket } from "../netlink/route/index.ts";
import { vrrpProtocol } from "../vrrp/index.ts";
import { encodeAnswer } from "./guard-answer.ts";
import { GuardReader } from "./guard-message.ts";
import type {
  GuardFenceOrder,
  GuardInstance,
  GuardMessage,
  GuardOrders,
  GuardPacket,
} from "./guard-message.ts";
import { GuardNft, nftTableName } from "./guard-nft.ts";

/** Above the real-time thread: it must run when that does not. */
const schedulingPriority = 11;
const stdin = 0;
const readBytes = 65_536;

/** A resignation with the socket that sends it. */
interface OpenPacket {
  /** Its place among the packets of its instance. */
  readonly number: number;
  readonly fd: number;
  readonly message: Uint8Array;
  readonly sockaddr: Uint8Array;
}

interface OpenInstance {
  readonly orders: GuardInstance;
  readonly packets: readonly OpenPacket[];
}

/** Why the guard acted. */
export type GuardReason = "the director died" | "the director was silent";

/** The guard. Blocks in poll(2); belongs to one thread. */
export class Guard {
  readonly #reader = new GuardReader();
  readonly #routes: RouteSocket = openRouteSocket();
  readonly #say: (text: string) => void;
  readonly #buffer = new Uint8Array(readBytes);
  readonly #bufferAddress = addressOf(this.#buffer);
  /** The pipe, and the director's thread: it ends some 15 ms before a dying process gives up its
   * pipe, which comes after all its memory. -1 is not looked at. */
  readonly #pollfd = new Int32Array([stdin, POLLIN, -1, POLLIN]);
  readonly #pollfdAddress = addressOf(this.#pollfd);
  #leases: LeaseTable | undefined;
  #nft: GuardNft | undefined;
  #orders: GuardOrders | undefined;
  #instances: readonly OpenInstance[] = [];
  #hasBeat = false;

  /** @param say Gets a line for the log. */
  constructor(say: (text: string) => void) {
    this.#say = say;
    nameThread("appliance-guard");
    preferThread(schedulingPriority);
    const refused = lockMemory();
    if (refused !== undefined) say(`guard: memory cannot be locked: ${refused}`);
    this.#warmUp();
  }

  /** Runs until the director ends, well or not. */
  run(): void {
    let hasThreadEnded = false;
    for (;;) {
      const patienceMs = hasThreadEnded ? 0 : this.#patienceMs();
      const count = libc.poll(this.#pollfdAddress, 2, patienceMs);
      if (count === -1) continue;
      if (count > 0 && hasHappened(this.#pollfd[1]!)) {
        const length = libc.read(stdin, this.#bufferAddress, readBytes);
        if (length === 0) return this.#cleanUp("the director died");
        if (length > 0 && this.#take(this.#buffer.subarray(0, length))) return;
      } else if (hasThreadEnded) return this.#cleanUp("the director died");
      else if (count === 0) return this.#cleanUp("the director was silent");
      // Its last words may have come since poll(2) looked at the pipe: once more.
      else hasThreadEnded = true;
    }
  }

  /** @returns True if the director ends well. */
  #take(bytes: Uint8Array): boolean {
    for (const message of this.#reader.read(bytes)) {
      if (message.type === "farewell") {
        this.#nft?.remove();
        return true;
      }
      if (message.type === "beat") this.#hasBeat = true;
      else if (message.type === "orders") this.#prepare(message.orders);
      else if (message.type === "renewal") this.#renew(message);
      else if (message.type === "lease") this.#nft?.lease(message.lease);
      else if (message.type === "fence") this.#keepFence(message.fence);
      else throw new Error("The guard's pipe holds something else than its protocol");
    }
    this.#nft?.settle();
    this.#nft?.look();
    return false;
  }

  #keepFence(order: GuardFenceOrder): void {
    try {
      const open = () => openNftFence(nftTableName);
      this.#nft ??= new GuardNft({ open, answer, now: monotonicMs });
    } catch (error) {
      const text = errorText(error);
      answer(encodeAnswer({ type: "problem", sequence: order.sequence, text }));
      return;
    }
    this.#nft.take(order);
  }

  #renew({ slot, packet, trailer }: Extract<GuardMessage, { readonly type: "renewal" }>): void {
    const message = this.#instances
      .find(({ orders }) => orders.slot === slot)
      ?.packets.find(({ number }) => number === packet)?.message;
    message?.set(trailer, message.length - trailer.length);
  }

  /** Nobody is missed before the first beat. */
  #patienceMs(): number {
    const { silenceMs } = this.#orders ?? { silenceMs: 0 };
    return this.#hasBeat && silenceMs > 0 ? Math.ceil(silenceMs) : -1;
  }

  /** Opens now what must be there later: nothing may be left to fail in the last moment. */
  #prepare(orders: GuardOrders): void {
    for (const { packets } of this.#instances) {
      for (const { fd } of packets) closeDescriptor(fd);
    }
    this.#leases ??= orders.leasesPin === undefined ? undefined : openLeases(orders.leasesPin);
    if (this.#orders === undefined && orders.threadId !== 0) {
      this.#pollfd[2] = openThreadDescriptor(orders.threadId) ?? -1;
    }
    this.#orders = orders;
    this.#instances = orders.instances.map((instance) => ({
      orders: instance,
      packets: instance.packets.flatMap((packet, number) => this.#openPacket(packet, number)),
    }));
  }

  #openPacket(
    { family, device, index, own, to, message }: GuardPacket,
    number: number,
  ): OpenPacket[] {
    try {
      const place = { family, protocol: vrrpProtocol, device, index };
      const fd = openRawSender(place, parseAddress(own)!);
      const sockaddr = encodeScoped(parseAddress(to)!, index);
      return [{ number, fd, message: Uint8Array.fromHex(message), sockaddr }];
    } catch (error) {
      this.#say(`guard: cannot resign on ${device}: ${errorText(error)}`);
      return [];
    }
  }

  #cleanUp(reason: GuardReason): void {
    const startedMs = monotonicMs();
    // Every fence first: sending may take a moment.
    const active = this.#instances.filter(({ orders }) => {
      this.#leases?.close(orders.slot);
      return orders.isActive;
    });
    const closedAtMs = this.#nft?.closeAll() ?? 0;
    // Not closed by the kernel: it ends by itself, and only then another may have the addresses.
    if (closedAtMs > startedMs) Bun.sleepSync(closedAtMs - startedMs);
    for (const { packets } of active) {
      for (const packet of packets) send(packet);
    }
    const sentMs = monotonicMs();
    for (const { orders } of this.#instances) this.#removeAddresses(orders);
    const tookMs = (sentMs - startedMs).toFixed(3);
    this.#say(`guard: ${reason}; resigned for ${active.length} virtual routers in ${tookMs} ms`);
  }

  #removeAddresses({ addresses }: GuardInstance): void {
    for (const place of addresses) {
      try {
        this.#routes.deleteAddress(place);
      } catch (error) {
        this.#say(`guard: cannot remove ${place.address}: ${errorText(error)}`);
      }
    }
  }

  /** Runs each path once, so that its code is there when it counts. */
  #warmUp(): void {
    monotonicMs();
    send({ number: 0, fd: -1, message: new Uint8Array(8), sockaddr: new Uint8Array(16) });
    this.#routes.deleteAddress({ index: 0x7fff_fff0, address: "192.0.2.1", prefixBits: 32 });
  }
}

/** A director that does not read its answers gets no more: it has stopped asking as well. */
function answer(bytes: Uint8Array): void {
  writePipe(stdin, addressOf(bytes), bytes.length);
}

/** `revents` is the high half. */
function hasHappened(pollfd: number): boolean {
  return pollfd >>> 16 !== 0;
}

function send({ fd, message, sockaddr }: OpenPacket): void {
  const to = addressOf(sockaddr);
  libc.sendto(fd, addressOf(message), message.length, 0, to, sockaddr.length);
}

function openLeases(pin: string): LeaseTable {
  const map = hostBpfKernel.openPin(pin);
  const leases = new LeaseTable(map);
  closeDescriptor(map);
  return leases;
}

/** Entry of the guard's process. @returns Exit status. */
export function runGuard(say: (text: string) => void): number {
  // The service manager ends the director, and that ends the guard.
  process.on("SIGTERM", () => undefined);
  process.on("SIGINT", () => undefined);
  process.on("SIGHUP", () => undefined);
  new Guard(say).run();
  return 0;
}
