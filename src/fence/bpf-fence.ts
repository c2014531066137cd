/**
 * The fence by bpf programs at TC ingress and egress (TCX links, Linux 6.6), pinned.
 *
 * ```text
 * PINS/addresses4 addresses6 leases peers counters      maps (ffi/bpf/fence.bpf.c)
 * PINS/link-INDEX-out link-INDEX-in                     one link a device and direction
 * ```
 * Pins keep it in force without a process. The next process takes it over: every lease is closed
 * first, then each link gets the new program in the place of the old one, without a gap.
 *
 * A foreign program attached in front of it later may end the chain, and no event tells. So
 * {@link BpfFence.mend} asks; a program cannot be attached twice at one hook, so a second copy goes to
 * the head and the old link is dropped after.
 *
 * @module
 */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { BPF_F_BEFORE, BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { fenceObject, loadBpfCollection } from "../bpf/index.ts";
import type { BpfCollection, BpfKernel, BpfObject } from "../bpf/index.ts";
import { invariant } from "../errors/index.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import type { FenceDevice } from "./devices.ts";
import { fencePackets } from "./fence.ts";
import type { Fence, FenceCounters, FenceFinding, FencePacket } from "./fence.ts";
import { instancesMax, LeaseTable } from "./leases.ts";

/** Name of the folder of pins; the number changes with the layout of the maps. */
export const fencePinsName = "appliance/fence-2";

type Direction = FenceFinding["direction"];

/** Outward first: that is what protects. */
const directions: readonly Direction[] = ["out", "in"];
const hooks = { in: BPF_TCX_INGRESS, out: BPF_TCX_EGRESS } as const;
const programs = { in: "tc_ingress", out: "tc_egress" } as const;
const linkPattern = /^link-(\d+)-(in|out)$/;

/** Where a fence lives. */
export interface BpfFenceOptions {
  readonly kernel: BpfKernel;
  /** Folder of a bpf file system, of this director alone. */
  readonly pins: string;
  /** Processors of the host, possible ones: per-CPU values have one copy for each. */
  readonly processors: number;
}

/** The program that a link runs: the collection's, or a later copy with an owner of its own. */
interface FenceLink {
  readonly program: number;
  readonly isCopy: boolean;
}

/** The fence of one network namespace. */
export class BpfFence implements Fence {
  readonly kind = "bpf";
  readonly #kernel: BpfKernel;
  readonly #pins: string;
  readonly #processors: number;
  readonly #object: BpfObject = fenceObject();
  readonly #collection: BpfCollection;
  /** By pin name. */
  readonly #links = new Map<string, FenceLink>();
  #addresses = new Map<string, number>();

  /**
   * Loads the programs, and takes over what an earlier process left behind: closed.
   *
   * @throws {SyscallError} `EPERM`; with the verifier's log if it refused.
   */
  constructor({ kernel, pins, processors }: BpfFenceOptions) {
    this.#kernel = kernel;
    this.#pins = pins;
    this.#processors = processors;
    this.#collection = loadBpfCollection(this.#object, { kernel, pins });
    const leases = this.openLeases();
    leases.closeAll();
    leases.unmap();
    this.#takeOver();
    this.#addresses = this.#readAddresses();
  }

  /** The leases as memory; for other threads and processes by the pin `leases`. */
  openLeases(): LeaseTable {
    return new LeaseTable(this.#collection.map("leases"));
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

  attach({ index }: FenceDevice): void {
    for (const direction of directions) {
      const name = linkName(index, direction);
      if (this.#links.has(name)) continue;
      this.#link(name, { program: this.#program(direction), isCopy: false });
    }
  }

  detach(device: number): void {
    for (const direction of directions) this.#unlink(linkName(device, direction));
  }

  mend(): FenceFinding[] {
    const devices = new Set([...this.#links.keys()].map((name) => parseLinkName(name)![0]));
    return [...devices].flatMap((device) =>
      directions.flatMap((direction) => this.#mendHook(device, direction)),
    );
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
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the loop has filled both.
    return { dropped, passed } as FenceCounters;
  }

  remove(): void {
    for (const name of this.#links.keys()) this.#unlink(name);
    for (const { name } of this.#object.maps) rmSync(join(this.#pins, name), { force: true });
    this.close();
  }

  close(): void {
    for (const { program, isCopy } of this.#links.values()) {
      if (isCopy) this.#kernel.close(program);
    }
    this.#links.clear();
    this.#collection.close();
  }

  #program(direction: Direction): number {
    return this.#collection.program(programs[direction]);
  }

  #mapOf(address: string): number {
    return this.#collection.map(address.includes(":") ? "addresses6" : "addresses4");
  }

  /** Puts the new programs in the place of those that an earlier process has left. */
  #takeOver(): void {
    for (const name of readdirSync(this.#pins)) {
      const parsed = parseLinkName(name);
      if (parsed === undefined) continue;
      const path = join(this.#pins, name);
      const program = this.#program(parsed[1]);
      const link = this.#kernel.openPin(path);
      try {
        this.#kernel.updateLink(link, program);
        this.#links.set(name, { program, isCopy: false });
      } catch (error) {
        // The device is gone; whatever else stands against it, a new link is made at its head.
        if (!(error instanceof SyscallError)) throw error;
        rmSync(path, { force: true });
      } finally {
        this.#kernel.close(link);
      }
    }
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

  /** The new link is at the head before the pin of the old one, and with it the old one, goes. */
  #link(name: string, link: FenceLink): void {
    const [device, direction] = parseLinkName(name)!;
    const attachment = { device, hook: hooks[direction], flags: BPF_F_BEFORE };
    const fd = this.#kernel.createLink(link.program, attachment);
    const path = join(this.#pins, name);
    try {
      rmSync(path, { force: true });
      this.#kernel.pin(fd, path);
    } finally {
      this.#kernel.close(fd);
    }
    this.#links.set(name, link);
  }

  #unlink(name: string): void {
    rmSync(join(this.#pins, name), { force: true });
    const link = this.#links.get(name);
    if (link?.isCopy === true) this.#kernel.close(link.program);
    this.#links.delete(name);
  }

  #mendHook(device: number, direction: Direction): FenceFinding[] {
    const name = linkName(device, direction);
    const link = this.#links.get(name);
    if (link === undefined) return [];
    const order = this.#programsAt(device, direction);
    if (order === undefined) {
      this.#unlink(name);
      return [];
    }
    const place = order.indexOf(this.#kernel.programId(link.program));
    if (place === 0) return [];
    this.#putFirst(device, direction);
    return [{ device, direction, fault: place === -1 ? "missing" : "not-first" }];
  }

  #putFirst(device: number, direction: Direction): void {
    const name = linkName(device, direction);
    const before = this.#links.get(name);
    const copy = loadBpfCollection(this.#object, { kernel: this.#kernel, pins: this.#pins });
    try {
      this.#link(name, { program: copy.takeProgram(programs[direction]), isCopy: true });
    } finally {
      copy.close();
    }
    if (before?.isCopy === true) this.#kernel.close(before.program);
  }

  /** Undefined if the device is gone. */
  #programsAt(device: number, direction: Direction): number[] | undefined {
    try {
      return this.#kernel.programs(device, hooks[direction]);
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENODEV") return undefined;
      throw error;
    }
  }
}

/** Of an address that an earlier process fenced, before this one has named it. */
const unknownInstance = -1;

function linkName(device: number, direction: Direction): string {
  return `link-${device}-${direction}`;
}

function parseLinkName(name: string): [number, Direction] | undefined {
  const match = linkPattern.exec(name);
  if (match === null) return undefined;
  return [Number(match[1]), match[2] === "in" ? "in" : "out"];
}
