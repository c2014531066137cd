/**
 * The fence of this director, whatever it is made of: bpf where that is permitted, else nf_tables
 * by way of the guard, else none. Keeps it on all interfaces, and knows where it is not.
 *
 * Belongs to the real-time thread.
 *
 * @module
 */

import { monotonicMs } from "../../ffi/clock.ts";
import { ENODEV, SyscallError } from "../../ffi/errno.ts";
import { hostBpfKernel } from "../bpf/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { BpfFence, needsFence } from "../fence/index.ts";
import type { Leases, LeaseTable } from "../fence/index.ts";
import { isRefusal } from "../netlink/index.ts";
import type { Link } from "../netlink/route/index.ts";
import { FenceGaps } from "./fence-gaps.ts";
import { GuardFence } from "./guard-fence.ts";
import type { GuardPipe } from "./guard-pipe.ts";
import { KernelHandover } from "./kernel-handover.ts";
import { processWord } from "./layout.ts";
import type { FenceState, RealtimeEvent, RealtimeStart } from "./protocol.ts";
import { removeNftFence } from "./release.ts";

/** How often the fence is looked at, ms. */
const lookIntervalMs = 100;
/** A guard is a process that has just been started, maybe on a busy host. */
const guardStartMaxMs = 10_000;
/** Longest wait for the guard where the election goes on meanwhile, ms. */
const guardAnswerMaxMs = 50;
/** Gaps are told of this often, ms. */
const tellGapMs = 1000;
/** An order that the guard cannot carry out is tried again after these, ms. */
const retryMs = { first: 100, last: 10_000 } as const;

/** What the keeper works with: parts of the same thread. */
export interface FenceKeeperParts {
  readonly start: Pick<RealtimeStart, "batonFd" | "fencePins" | "processors">;
  readonly guard: GuardPipe;
  readonly status: Float64Array;
  readonly tell: (event: RealtimeEvent) => void;
}

/** Owns the fence. */
export class FenceKeeper {
  readonly #parts: FenceKeeperParts;
  readonly #bpf: BpfFence | undefined;
  readonly #guarded: GuardFence | undefined;
  /** Undefined: nothing enforces them. */
  readonly leases: Leases | undefined;
  readonly handover: KernelHandover;
  readonly #reason: string;
  readonly #gaps = new FenceGaps();
  /** Names of the interfaces that need a fence, by index. */
  #devices: ReadonlyMap<number, string> = new Map();
  #told = "";
  #tellAtMs = 0;
  #lookAtMs = 0;
  /** Of the fence of TCX: looked after by the main thread, which says when. */
  #isMendDue = false;
  #hooksTold = "";
  #retryAtMs = 0;
  #retryPauseMs: number = retryMs.first;

  constructor(parts: FenceKeeperParts) {
    this.#parts = parts;
    const { bpf, refused } = openBpf(parts.start);
    this.#bpf = bpf;
    if (bpf === undefined) this.#guarded = new GuardFence(parts.guard, monotonicMs);
    this.#guarded?.settle(guardStartMaxMs);
    const problem = this.#guarded?.problem ?? "";
    if (problem !== "") this.#guarded = undefined;
    const table = bpf?.openLeases();
    this.leases = table ?? this.#guarded?.leases;
    this.handover = createHandover(bpf, table, parts.tell);
    this.#reason = problem === "" ? refused : `bpf: ${refused}; nf_tables: ${problem}`;
    // That of an earlier director that had no bpf would stay closed for ever.
    if (bpf !== undefined && parts.start.batonFd === -1) removeNftFence();
    this.#told = JSON.stringify(this.state());
  }

  /** What there is, and where it is not. */
  state(): FenceState {
    const kind = this.#bpf?.kind ?? this.#guarded?.kind ?? "none";
    const problem = this.#guarded?.problem ?? "";
    const gaps =
      problem === ""
        ? this.#gaps.list()
        : [...this.#devices.values()]
            .toSorted()
            .map((name) => ({ interface: name, reason: problem }));
    return { kind, reason: this.#reason, gaps };
  }

  /** Pin of the leases, for the guard. */
  get leasesPin(): string | undefined {
    return this.#bpf === undefined ? undefined : `${this.#parts.start.fencePins}/leases`;
  }

  /** True if nothing can be answered on the interface without a lease, or nowhere at all. */
  isOn(name: string): boolean {
    if (this.#bpf === undefined && this.#guarded === undefined) return true;
    return this.state().gaps.every((gap) => gap.interface !== name);
  }

  /** Says which addresses belong to which slot: closed before they can be anywhere. */
  setAddresses(addresses: ReadonlyMap<string, number>): void {
    this.#bpf?.setAddresses(addresses);
    this.#guarded?.setAddresses(addresses);
  }

  /** Puts it on all interfaces that have an IP layer, before an address is added to one. */
  follow(links: Iterable<Link>, nowMs: number): void {
    const devices = new Map<number, string>();
    for (const { index, name, isLoopback, masterIndex = 0 } of links) {
      const device = { index, name, isLoopback, masterIndex };
      if (!needsFence(device)) this.#detach(index);
      else {
        devices.set(index, name);
        this.#attach(index, name, nowMs);
      }
    }
    this.#devices = devices;
    const indexes = new Set(devices.keys());
    this.#gaps.keepOnly(indexes);
    this.#guarded?.keepOnly(indexes);
    this.#guarded?.settle(guardAnswerMaxMs);
    this.#tellState(nowMs);
    this.#tellHooks();
  }

  /** Takes what the guard said of it, and sees that it has died. */
  receive(): void {
    if (this.#guarded === undefined) this.#parts.guard.receive(() => undefined);
    else this.#guarded.receive();
  }

  /** Another guard was started. */
  beginGuard(): void {
    this.#guarded?.begin();
    this.#guarded?.settle(0);
  }

  /** The main thread found that it is not first somewhere. */
  orderMend(): void {
    this.#isMendDue = true;
    this.#lookAtMs = 0;
  }

  /**
   * Looks whether it is where it belongs, and puts it back where it is not.
   *
   * @returns True if it was time to.
   */
  look(nowMs: number): boolean {
    if (nowMs < this.#lookAtMs) return false;
    this.#lookAtMs = nowMs + lookIntervalMs;
    const hasMoved = this.#isMendDue || this.#gaps.list().length > 0;
    const failing = this.#mendBpf();
    for (let left = this.#guarded?.takeRepairs() ?? 0; left > 0; left--) {
      this.#countRepair("every interface", "missing");
    }
    for (const [index, name] of this.#devices) {
      if (this.#gaps.has(index) && !failing.has(index)) this.#attach(index, name, nowMs);
    }
    this.#retry(nowMs);
    this.#tellState(nowMs);
    if (hasMoved) this.#tellHooks();
    return true;
  }

  /** Another process has handed its fence over: goes on with it. */
  adopt(): void {
    this.#bpf?.adopt();
  }

  /** The process that was to hand its fence over has died: closed, then as {@link adopt}. */
  begin(): void {
    const leases = this.#bpf?.openLeases();
    leases?.closeAll();
    leases?.unmap();
    this.adopt();
  }

  /** Leaves it in force: another process goes on with it. */
  close(): void {
    this.leases?.unmap();
    this.#bpf?.close();
  }

  /** Takes it off. Only when no address is held; the guard takes its own off when it ends. */
  remove(): void {
    this.leases?.unmap();
    this.#bpf?.remove();
  }

  /** @returns Indexes of interfaces where it could not be put back. */
  #mendBpf(): ReadonlySet<number> {
    const failing = new Set<number>();
    if (this.#hooksTold !== "" && !this.#isMendDue) return failing;
    this.#isMendDue = false;
    for (const { device, fault, problem = "" } of this.#bpf?.mend() ?? []) {
      const name = this.#devices.get(device) ?? String(device);
      if (problem === "") this.#countRepair(name, fault);
      else {
        failing.add(device);
        this.#isMendDue = true;
        this.#gaps.noteWatched(device, { interface: name, reason: problem });
      }
    }
    return failing;
  }

  #attach(index: number, name: string, nowMs: number): void {
    this.#guarded?.attach({ index, name, isLoopback: false, masterIndex: 0 });
    if (this.#bpf === undefined || !this.#gaps.isDue(index, nowMs)) return;
    try {
      this.#bpf.attach({ index, name, isLoopback: false, masterIndex: 0 });
      this.#gaps.clear(index);
    } catch (error) {
      if (!(error instanceof ApplianceError || error instanceof SyscallError)) throw error;
      // Gone again: the notice of that is under way.
      if (isGone(error)) return;
      this.#gaps.note(index, { interface: name, reason: errorText(error) }, nowMs);
    }
  }

  #detach(index: number): void {
    this.#bpf?.detach(index);
    this.#guarded?.detach(index);
  }

  #retry(nowMs: number): void {
    const guarded = this.#guarded;
    if (guarded === undefined) return;
    if (guarded.problem === "") this.#retryPauseMs = retryMs.first;
    else if (nowMs >= this.#retryAtMs) {
      this.#retryAtMs = nowMs + this.#retryPauseMs;
      this.#retryPauseMs = Math.min(this.#retryPauseMs * 2, retryMs.last);
      guarded.settle(0);
    }
  }

  #tellHooks(): void {
    const hooks = this.#bpf?.hooks();
    const text = hooks === undefined ? "" : JSON.stringify(hooks);
    if (hooks === undefined || text === this.#hooksTold) return;
    this.#hooksTold = text;
    this.#parts.tell({ type: "fence-hooks", hooks });
  }

  #countRepair(device: string, fault: string): void {
    this.#parts.status[processWord.fenceRepairs]! += 1;
    this.#parts.tell({ type: "fence-repaired", device, fault });
  }

  #tellState(nowMs: number): void {
    const fence = this.state();
    const text = JSON.stringify(fence);
    if (text === this.#told || nowMs < this.#tellAtMs) return;
    this.#told = text;
    this.#tellAtMs = nowMs + tellGapMs;
    this.#parts.tell({ type: "fence", fence });
  }
}

function createHandover(
  fence: BpfFence | undefined,
  leases: LeaseTable | undefined,
  tell: FenceKeeperParts["tell"],
): KernelHandover {
  if (fence === undefined || leases === undefined) return new KernelHandover(undefined);
  const complain = (text: string): void => tell({ type: "trouble", text });
  return new KernelHandover({ fence, leases, complain });
}

function openBpf({ fencePins: pins, processors, batonFd }: FenceKeeperParts["start"]): {
  readonly bpf: BpfFence | undefined;
  readonly refused: string;
} {
  if (pins === undefined) return { bpf: undefined, refused: "no bpf file system" };
  try {
    const options = { kernel: hostBpfKernel, pins, processors, isTakenLater: batonFd !== -1 };
    return { bpf: new BpfFence(options), refused: "" };
  } catch (error) {
    return { bpf: undefined, refused: errorText(error) };
  }
}

function isGone(error: ApplianceError | SyscallError): boolean {
  return error instanceof SyscallError ? error.errno === ENODEV : isRefusal(error, ENODEV);
}
