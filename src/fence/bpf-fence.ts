/**
 * The fence by bpf programs at TC ingress and egress: TCX links (Linux 6.6), pinned, and on older
 * kernels filters of clsact, which need no pins.
 *
 * ```text
 * PINS/addresses4 addresses6 leases peers counters handovers    maps (ffi/bpf/fence.bpf.c)
 * PINS/link-INDEX-out link-INDEX-in                             one link a device and direction
 * ```
 * Pins keep it in force without a process. The next process takes it over: every lease is closed
 * first, then each link gets the new program in the place of the old one, without a gap.
 *
 * A foreign program attached in front of it later may end the chain, and no event tells. So
 * {@link BpfFence.mend} asks.
 *
 * @module
 */

import { rmSync } from "node:fs";
import { join } from "node:path";

import { DeviceLinks, fenceObject, hasTcx, loadBpfCollection } from "../bpf/index.ts";
import type { BpfCollection, BpfKernel, BpfObject } from "../bpf/index.ts";
import { ApplianceError, invariant } from "../errors/index.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { openTrafficControl } from "../netlink/route/index.ts";
import type { FenceAttacher, FenceAttachment } from "./attacher.ts";
import { ClsactFilters } from "./clsact-filters.ts";
import type { TrafficControlCalls } from "./clsact-filters.ts";
import type { FenceDevice } from "./devices.ts";
import { fencePackets } from "./fence.ts";
import type { Fence, FenceCounters, FenceFinding, FenceHook, FencePacket } from "./fence.ts";
import { encodeHandover, encodeHandoverKey } from "./handovers.ts";
import type { HandoverPlace } from "./handovers.ts";
import { instancesMax, LeaseTable } from "./leases.ts";

/** Name of the folder of pins; the number changes with the layout of the maps. */
export const fencePinsName = "appliance/fence-2";

const programs = { in: "tc_ingress", out: "tc_egress" } as const;

/** COUNTER_FORWARDED of fence.bpf.c. */
const forwardedIndex = 14;

/** Where a fence lives. */
export interface BpfFenceOptions {
  readonly kernel: BpfKernel;
  /** Folder of a bpf file system, of this director alone. */
  readonly pins: string;
  /** Processors of the host, possible ones: per-CPU values have one copy for each. */
  readonly processors: number;
  /**
   * An earlier process is still at work: its leases go on, and its programs stay until
   * {@link BpfFence.adopt}. @default false
   */
  readonly isTakenLater?: boolean | undefined;
  /** How the programs get to devices. @default what the kernel can do, `tcx` first */
  readonly attachment?: FenceAttachment;
  /** Traffic control of this thread's namespace; closed by the fence. @default rtnetlink */
  readonly openControl?: () => TrafficControlCalls;
}

/** The fence of one network namespace. */
export class BpfFence implements Fence {
  readonly kind = "bpf";
  readonly #kernel: BpfKernel;
  readonly #pins: string;
  readonly #processors: number;
  readonly #object: BpfObject = fenceObject();
  readonly #collection: BpfCollection;
  readonly #attacher: FenceAttacher;
  #addresses = new Map<string, number>();

  /**
   * Loads the programs, and takes over what an earlier process left behind: closed.
   *
   * @throws {ApplianceError} `FENCE_NOT_SUPPORTED`: the kernel has neither TCX nor clsact.
   * @throws {SyscallError} `EPERM`; with the verifier's log if it refused.
   */
  constructor(options: BpfFenceOptions) {
    const { kernel, pins, processors, attachment } = options;
    const isTcx = (attachment ?? (hasTcx(kernel) ? "tcx" : "clsact")) === "tcx";
    this.#kernel = kernel;
    this.#pins = pins;
    this.#processors = processors;
    this.#collection = loadBpfCollection(this.#object, { kernel, pins });
    this.#attacher = isTcx ? this.#openLinks() : this.#openFilters(options.openControl);
    if (options.isTakenLater === true) {
      this.#addresses = this.#readAddresses();
      return;
    }
    const leases = this.openLeases();
    leases.closeAll();
    leases.unmap();
    try {
      this.#attacher.takeOver();
      this.#addresses = this.#readAddresses();
    } catch (error) {
      // Where it cannot be attached at all no earlier process has done so: nothing to take over.
      if (error instanceof ApplianceError && error.code === "FENCE_NOT_SUPPORTED") this.#unpin();
      this.close();
      throw error;
    }
  }

  /** The leases as memory; for other threads and processes by the pin `leases`. */
  openLeases(): LeaseTable {
    return new LeaseTable(this.#collection.map("leases"));
  }

  /** Puts the own programs in the place of those of the process before. */
  adopt(): void {
    this.#attacher.takeOver();
  }

  setAddresses(addresses: ReadonlyMap<string, number>): void {
    for (const [address, instance] of addresses) {
      if (this.#addresses.get(address) === instance) continue;
      invariant(instance >= 0 && instance < instancesMax, `instance ${instance} has a lease`);
      const value = new Uint8Array(Uint32Array.of(instance).buffer);
      this.#kernel.update(this.#mapOf(address), parseAddress(address)!, value);
      this.#addresses.set(address, instance);
    }
    for (const address of this.#addresses.keys()) {
      if (addresses.has(address)) continue;
      this.#kernel.remove(this.#mapOf(address), parseAddress(address)!);
      this.#addresses.delete(address);
    }
  }

  /** Lets a real server on this node hear the other director: its MAC address, six bytes each. */
  setPeers(macs: readonly Uint8Array[]): void {
    const map = this.#collection.map("peers");
    const wanted = new Map(macs.map((mac) => [mac.toHex(), mac]));
    for (const key of this.#keys("peers", 8)) {
      const text = key.subarray(0, 6).toHex();
      if (!wanted.delete(text)) this.#kernel.remove(map, key);
    }
    for (const mac of wanted.values()) {
      const key = new Uint8Array(8);
      key.set(mac);
      this.#kernel.update(map, key, Uint8Array.of(1, 0, 0, 0));
    }
  }

  /**
   * Where the director drains that had the addresses of an instance; `endNs`, of CLOCK_MONOTONIC,
   * ends it by itself. It is in force with the flag `leaseFlagForward` of the lease.
   */
  setHandover(instance: number, { device, address }: HandoverPlace, endNs: bigint): void {
    const key = encodeHandoverKey(instance, device);
    this.#kernel.update(this.#collection.map("handovers"), key, encodeHandover(address, endNs));
  }

  attach({ index }: FenceDevice): void {
    this.#attacher.attach(index);
  }

  detach(device: number): void {
    this.#attacher.detach(device);
  }

  mend(): FenceFinding[] {
    return this.#attacher.mend();
  }

  /** As {@link FenceAttacher.hooks}. */
  hooks(): readonly FenceHook[] | undefined {
    return this.#attacher.hooks();
  }

  counters(): FenceCounters {
    const map = this.#collection.map("counters");
    const values = new BigUint64Array(this.#processors);
    const read = (index: number): number => {
      const key = new Uint8Array(Uint32Array.of(index).buffer);
      this.#kernel.lookup(map, key, new Uint8Array(values.buffer));
      return Number(values.reduce((sum, value) => sum + value, 0n));
    };
    const dropped: Partial<Record<FencePacket, number>> = {};
    const passed: Partial<Record<FencePacket, number>> = {};
    for (const [index, packet] of fencePackets.entries()) {
      dropped[packet] = read(index);
      passed[packet] = read(index + fencePackets.length);
    }
    const forwarded = read(forwardedIndex);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the loop has filled both.
    return { dropped, passed, forwarded } as FenceCounters;
  }

  remove(): void {
    this.#attacher.remove();
    this.#unpin();
    this.close();
  }

  close(): void {
    this.#attacher.close();
    this.#collection.close();
  }

  #unpin(): void {
    for (const { name } of this.#object.maps) rmSync(join(this.#pins, name), { force: true });
  }

  #openLinks(): DeviceLinks {
    const [kernel, pins] = [this.#kernel, this.#pins];
    return new DeviceLinks({
      kernel,
      pins,
      // Outward first: that is what protects.
      directions: ["out", "in"],
      place: "head",
      program: (direction) => this.#collection.program(programs[direction]),
      copy: (direction) => {
        const copy = loadBpfCollection(this.#object, { kernel, pins });
        const program = copy.takeProgram(programs[direction]);
        copy.close();
        return program;
      },
    });
  }

  #openFilters(openControl: () => TrafficControlCalls = openTrafficControl): ClsactFilters {
    return new ClsactFilters({
      control: openControl(),
      program: (direction) => this.#collection.program(programs[direction]),
      programId: (program) => this.#kernel.programId(program),
    });
  }

  #mapOf(address: string): number {
    return this.#collection.map(address.includes(":") ? "addresses6" : "addresses4");
  }

  /** What an earlier process fenced stays fenced until {@link setAddresses} says otherwise. */
  #readAddresses(): Map<string, number> {
    const keys = [...this.#keys("addresses4", 4), ...this.#keys("addresses6", 16)];
    return new Map(keys.map((key) => [formatAddress(key), unknownInstance]));
  }

  #keys(map: string, keyBytes: number): Uint8Array[] {
    const fd = this.#collection.map(map);
    const keys: Uint8Array[] = [];
    const spec = this.#object.maps.find(({ name }) => name === map)!;
    let key = this.#kernel.nextKey(fd, undefined, keyBytes);
    while (key !== undefined && keys.length < spec.entriesMax) {
      keys.push(key);
      key = this.#kernel.nextKey(fd, key, keyBytes);
    }
    return keys;
  }
}

/** Of an address that an earlier process fenced, before this one has named it. */
const unknownInstance = -1;
