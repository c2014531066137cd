/**
 * The fall-back fence as the guard keeps it, where the director may not have one of bpf.
 *
 * The director says which addresses, which devices and until when; only this process changes the
 * table. So a director that was stopped and wakes up opens nothing: what it still says is of a time
 * that is past, or comes to nobody. Leases that come in one piece of the stream are one
 * transaction and one answer.
 *
 * @module
 */

import { errorText } from "../errors/index.ts";
import { NetlinkError } from "../netlink/index.ts";
import type { NftFence } from "../netlink/nftables/index.ts";
import { encodeAnswer } from "./guard-answer.ts";
import type { GuardAnswer } from "./guard-answer.ts";
import type { GuardFenceOrder, GuardLease } from "./guard-message.ts";

/** Name of the table, in each network namespace. */
export const nftTableName = "appliance";

/** How often it is asked whether the table is there, ms. */
const lookIntervalMs = 50;
/** Taken off each lease: what a transaction takes until the kernel counts. */
const marginMs = 1;

/** What it works with. */
export interface GuardNftParts {
  readonly open: () => Pick<
    NftFence,
    "isInPlace" | "remove" | "renewAll" | "replace" | "shut" | "close"
  >;
  /** Sends an answer to the director. */
  readonly answer: (bytes: Uint8Array) => void;
  /** ms of the monotonic clock. */
  readonly now: () => number;
}

/** The fence of one guard. */
export class GuardNft {
  readonly #parts: GuardNftParts;
  readonly #fence: ReturnType<GuardNftParts["open"]>;
  #order: GuardFenceOrder | undefined;
  /** Ends that the director wants, by slot, of those that are in the order. */
  readonly #ends = new Map<number, number>();
  readonly #changed = new Set<number>();
  /** Of the last lease that was not answered; 0: none. */
  #unanswered = 0;
  #lookAtMs = 0;

  /** @throws {NetlinkError} if there is no nf_tables. */
  constructor(parts: GuardNftParts) {
    this.#parts = parts;
    this.#fence = parts.open();
  }

  /** Puts another fence in the place of the one before. Leases that run go on. */
  take(order: GuardFenceOrder): void {
    this.settle();
    const before = this.#order;
    this.#order = order;
    try {
      this.#replace(order);
      this.#answer({ type: "done", sequence: order.sequence });
    } catch (error) {
      // The kernel takes all or nothing: the fence before is still there.
      this.#order = before;
      this.#answer({ type: "problem", sequence: order.sequence, text: textOf(error) });
    }
  }

  /** Notes a lease, for {@link settle}. */
  lease({ slot, sequence, endMs }: GuardLease): void {
    if (this.#order?.instances.some(({ id }) => id === slot) !== true) {
      // Nothing to close; nothing that could be opened.
      if (endMs === 0) this.#unanswered = sequence;
      return;
    }
    this.#unanswered = sequence;
    this.#ends.set(slot, endMs);
    this.#changed.add(slot);
  }

  /** Brings noted leases into the kernel, and answers. */
  settle(): void {
    const sequence = this.#unanswered;
    if (sequence === 0) return;
    this.#unanswered = 0;
    try {
      this.#bring();
      this.#answer({ type: "done", sequence });
    } catch (error) {
      this.#answer({ type: "problem", sequence, text: textOf(error) });
    }
  }

  /** Looks now and then whether the fence is there, and puts it back where it is not. */
  look(): void {
    const nowMs = this.#parts.now();
    if (this.#order === undefined || nowMs < this.#lookAtMs) return;
    this.#lookAtMs = nowMs + lookIntervalMs;
    try {
      if (!this.#fence.isInPlace()) this.#mend(this.#order);
    } catch (error) {
      this.#answer({ type: "problem", sequence: this.#order.sequence, text: textOf(error) });
    }
  }

  /**
   * Closes everything.
   *
   * @returns Time after which nothing is open; 0 if that is so now. Above it if the kernel refused.
   */
  closeAll(): number {
    const nowMs = this.#parts.now();
    const open = [...this.#ends].filter(([, endMs]) => endMs > nowMs).map(([slot]) => slot);
    const lastMs = Math.max(0, ...open.map((slot) => this.#ends.get(slot)!));
    this.#ends.clear();
    this.#changed.clear();
    if (open.length === 0) return 0;
    try {
      this.#fence.shut(...open);
      return 0;
    } catch {
      return lastMs;
    }
  }

  /** The director ends well, and holds no address. */
  remove(): void {
    this.#fence.remove();
    this.#fence.close();
  }

  #bring(): void {
    const running = this.#running();
    const changed = [...this.#changed];
    this.#changed.clear();
    const ended = changed.filter((slot) => !running.has(slot));
    const leases = changed.flatMap((id) => {
      const timeoutMs = running.get(id);
      return timeoutMs === undefined ? [] : [{ id, timeoutMs }];
    });
    try {
      if (ended.length > 0) this.#fence.shut(...ended);
      if (leases.length > 0) this.#fence.renewAll(leases);
      this.#shutLate(leases);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      // The table is gone: the look that would find that is due now.
      this.#mend(this.#order!);
    }
  }

  #mend(order: GuardFenceOrder): void {
    this.#replace(order);
    this.#answer({ type: "repaired" });
  }

  #replace({ devices, instances }: GuardFenceOrder): void {
    const slots = new Set(instances.map(({ id }) => id));
    for (const slot of this.#ends.keys()) if (!slots.has(slot)) this.#ends.delete(slot);
    this.#changed.clear();
    const leases = [...this.#running()].map(([id, timeoutMs]) => ({ id, timeoutMs }));
    this.#fence.replace({ devices, instances, leases });
    this.#shutLate(leases);
  }

  /** Stopped between the clock and the kernel: what was opened has ended before. */
  #shutLate(leases: readonly { readonly id: number }[]): void {
    const nowMs = this.#parts.now();
    const late = leases.filter(({ id }) => this.#ends.get(id)! <= nowMs).map(({ id }) => id);
    if (late.length > 0) this.#fence.shut(...late);
  }

  /** Slots whose lease runs, and for how long, ms. */
  #running(): ReadonlyMap<number, number> {
    const nowMs = this.#parts.now();
    const running = new Map<number, number>();
    for (const [slot, endMs] of this.#ends) {
      const leftMs = endMs - nowMs - marginMs;
      if (leftMs >= 1) running.set(slot, leftMs);
    }
    return running;
  }

  #answer(answer: GuardAnswer): void {
    this.#parts.answer(encodeAnswer(answer));
  }
}

function textOf(error: unknown): string {
  if (!(error instanceof NetlinkError)) throw error;
  return errorText(error);
}
