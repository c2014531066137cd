/**
 * The director's end of the pipe to its guard: beats, and what to do when they end.
 *
 * Writing never blocks. A beat that does not fit is no loss: the pipe is full of them. Orders that
 * do not fit wait for the next beat. The guard's end tells at once when it dies, and answers when
 * it keeps the fence.
 *
 * @module
 */

import { readlinkSync } from "node:fs";

import { POLLIN } from "../../ffi/constants/poll.ts";
import { EAGAIN, EINTR } from "../../ffi/errno.ts";
import { addressOf, errno, libc } from "../../ffi/libc.ts";
import { readPipe, writePipe } from "../../ffi/pipe.ts";
import { closeDescriptor } from "../../ffi/socket.ts";
import { formatAddress } from "../net/address.ts";
import { routerState } from "../vrrp/index.ts";
import { GuardAnswerReader } from "./guard-answer.ts";
import type { GuardAnswer } from "./guard-answer.ts";
import {
  beatMessage,
  encodeOrders,
  encodeRenewal,
  farewellMessage,
  renewalBytes,
} from "./guard-message.ts";
import type { GuardInstance, GuardOrders } from "./guard-message.ts";
import type { HostNetwork } from "./host-network.ts";
import type { Instance } from "./instance.ts";

/** The guard counts silence from its own last look: a little less than a lease. */
const silenceShare = 0.9;
/** Without any virtual router nothing depends on the guard. */
const silenceMsDefault = 10_000;

const beatAddress = addressOf(beatMessage);
const readBytes = 4096;

/** What a pipe works with: the poller of the thread. */
export interface GuardPipeParts {
  readonly watch: (fd: number) => void;
  readonly unwatch: (fd: number) => void;
}

/** Owns the descriptor it is given. */
export class GuardPipe {
  readonly #threadId = ownThreadId();
  readonly #parts: GuardPipeParts;
  readonly #buffer = new Uint8Array(readBytes);
  readonly #bufferAddress = addressOf(this.#buffer);
  readonly #pollfd = new Int32Array(2);
  readonly #pollfdAddress = addressOf(this.#pollfd);
  #reader = new GuardAnswerReader();
  #fd = -1;
  /** Orders that have not been written whole. */
  #waiting: Uint8Array | undefined;
  #lastOrders = "";
  readonly #renewal = new Uint8Array(renewalBytes);
  readonly #renewalAddress = addressOf(this.#renewal);

  /** @param fd The director's end; -1: there is no guard. */
  constructor(fd: number, parts: GuardPipeParts) {
    this.#parts = parts;
    this.open(fd);
  }

  /** True while there is somebody to write to. */
  get isOpen(): boolean {
    return this.#fd !== -1;
  }

  /** A guard was started: the old pipe is closed, and the new one knows nothing yet. */
  open(fd: number): void {
    this.#drop();
    this.#fd = fd;
    this.#waiting = undefined;
    this.#lastOrders = "";
    this.#reader = new GuardAnswerReader();
    if (fd === -1) return;
    this.#pollfd[0] = fd;
    this.#pollfd[1] = POLLIN;
    this.#parts.watch(fd);
  }

  /** Takes what the guard said. If it has died the pipe is closed from then on. */
  receive(take: (answer: GuardAnswer) => void): void {
    while (this.#fd !== -1) {
      const length = readPipe(this.#fd, this.#bufferAddress, readBytes);
      if (length > 0) for (const answer of this.#answers(length)) take(answer);
      else if (length === -1 && errno() === EAGAIN) return;
      else if (length === 0 || errno() !== EINTR) this.#drop();
    }
  }

  /** Blocks until the guard says something or dies, at most for so long, ms. */
  wait(timeoutMs: number): void {
    if (this.#fd !== -1) libc.poll(this.#pollfdAddress, 1, Math.max(1, Math.ceil(timeoutMs)));
  }

  /** Says something that the guard must get, if need be after what has not been written whole. */
  order(bytes: Uint8Array): void {
    if (this.#fd === -1) return;
    if (this.#waiting !== undefined) this.#flush(this.#waiting);
    if (this.#waiting === undefined) this.#flush(bytes);
    else this.#waiting = Uint8Array.of(...this.#waiting, ...bytes);
  }

  /** Says something that is soon said again. @returns False if it did not fit. */
  hint(bytes: Uint8Array): boolean {
    if (this.#fd === -1 || this.#waiting !== undefined) return false;
    return writePipe(this.#fd, addressOf(bytes), bytes.length) === bytes.length;
  }

  /** This thread lives. */
  beat(): void {
    if (this.#fd === -1) return;
    if (this.#waiting !== undefined) this.#flush(this.#waiting);
    if (this.#waiting === undefined) writePipe(this.#fd, beatAddress, 1);
  }

  /**
   * Gives the resignations of a virtual router that signs new stamps: who has heard its last
   * advertisement takes no older one.
   */
  renew(instance: Instance): void {
    if (this.#fd === -1 || this.#waiting !== undefined) return;
    instance.signResignations((packet, trailer) => {
      encodeRenewal(this.#renewal, { slot: instance.plan.slot, packet }, trailer);
      // So short that a pipe takes it whole or not at all.
      writePipe(this.#fd, this.#renewalAddress, renewalBytes);
    });
  }

  /** Says what to do when the beats end, if that has changed. */
  inform(
    instances: readonly Instance[],
    {
      network,
      leasesPin,
    }: { readonly network: HostNetwork; readonly leasesPin: string | undefined },
  ): void {
    if (this.#fd === -1) return;
    const leases = instances.map(({ leaseMs }) => leaseMs);
    const silenceMs = Math.min(silenceMsDefault, ...leases.map((ms) => ms * silenceShare));
    const orders: GuardOrders = {
      silenceMs,
      threadId: this.#threadId,
      leasesPin,
      instances: instances.map((instance) => describe(instance, network)),
    };
    const text = JSON.stringify(orders);
    // Half-written orders must be finished first; the next change of the network comes back here.
    if (text === this.#lastOrders || this.#waiting !== undefined) return;
    this.#lastOrders = text;
    this.#flush(encodeOrders(orders));
  }

  /** The director ends well, or goes on without a guard. */
  close(): void {
    if (this.#fd === -1) return;
    this.order(farewellMessage);
    this.#drop();
  }

  #drop(): void {
    if (this.#fd === -1) return;
    this.#parts.unwatch(this.#fd);
    closeDescriptor(this.#fd);
    this.#fd = -1;
    this.#waiting = undefined;
  }

  #answers(length: number): GuardAnswer[] {
    return this.#reader.read(this.#buffer.slice(0, length));
  }

  #flush(bytes: Uint8Array): void {
    const written = writePipe(this.#fd, addressOf(bytes), bytes.length);
    const rest = bytes.subarray(Math.max(0, written));
    this.#waiting = rest.length === 0 ? undefined : rest.slice();
  }
}

/** `PID/task/TID`, as proc(5) says it; 0 without /proc. */
function ownThreadId(): number {
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return 0;
  }
}

function describe(instance: Instance, network: HostNetwork): GuardInstance {
  const { slot, family, addresses } = instance.plan;
  const packets = instance.resignations().map(({ device, index, own, to, message }) => ({
    family,
    device,
    index,
    own: formatAddress(own),
    to: formatAddress(to),
    message: message.toHex(),
  }));
  const held = addresses.flatMap(({ interface: name, address, prefixBits }) => {
    const link = network.link(name);
    return link === undefined ? [] : [{ index: link.index, address, prefixBits }];
  });
  const isActive = instance.router.state === routerState.active;
  return { slot, isActive, packets, addresses: held };
}
