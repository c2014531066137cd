/**
 * Timers as descriptors (timerfd_create(2)): epoll_wait(2) knows milliseconds only, these
 * nanoseconds.
 *
 * ```text
 * struct itimerspec: interval s i64 | interval ns i64 | value s i64 | value ns i64     32 bytes
 * ```
 *
 * @module
 */

import { addressOf, libc } from "./libc.ts";
import type { Pointer } from "./libc.ts";
import { checkResult, closeDescriptor } from "./socket.ts";

const CLOCK_MONOTONIC = 1;
const TFD_NONBLOCK = 0o4000;
const TFD_CLOEXEC = 0o2000000;
const TFD_TIMER_ABSTIME = 1;

/** One timer of CLOCK_MONOTONIC. Setting it allocates nothing. */
export class Timer {
  /** Readable when the time has come; for epoll. */
  readonly fd: number;
  readonly #spec = new BigInt64Array(new ArrayBuffer(32));
  readonly #specAddress: Pointer = addressOf(this.#spec);
  readonly #count = new BigUint64Array(new ArrayBuffer(8));
  readonly #countAddress: Pointer = addressOf(this.#count);

  constructor() {
    const fd = libc.timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    this.fd = checkResult(fd, "timerfd_create", "");
  }

  /** Goes off once at `atMs` of `monotonicMs()`, at once if that has passed. Infinity: never. */
  set(atMs: number): void {
    if (atMs === Infinity) {
      this.#spec[2] = 0n;
      this.#spec[3] = 0n;
    } else {
      // 0 would turn it off.
      const at = Math.max(atMs, 1);
      const seconds = Math.floor(at / 1000);
      this.#spec[2] = BigInt(seconds);
      this.#spec[3] = BigInt(Math.floor((at - seconds * 1000) * 1e6));
    }
    const address = this.#specAddress;
    checkResult(
      libc.timerfd_settime(this.fd, TFD_TIMER_ABSTIME, address, null),
      "timerfd_settime",
      "",
    );
  }

  /** Takes the event. @returns True if the time had come since the last call. */
  take(): boolean {
    return libc.read(this.fd, this.#countAddress, 8) === 8;
  }

  close(): void {
    closeDescriptor(this.fd);
  }
}
