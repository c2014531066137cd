/**
 * A kernel that keeps maps, programs and links as plain values: what the parts above ask of it can
 * be looked at, and made to fail.
 *
 * @module
 */
import type { BpfBatchSpec, BpfEntries } from "../../../ffi/bpf-batch.ts";
import type { BpfRing } from "../../../ffi/bpf-ring.ts";
import { SyscallError } from "../../../ffi/errno.ts";
import type { BpfKernel } from "../../../src/bpf/index.ts";

const EINVAL = 22;
const ENODEV = 19;

/** A {@link BpfKernel} without a kernel. Descriptors are numbers from 100. */
export class FakeBpfKernel implements BpfKernel {
  /** Descriptors that are open. */
  readonly open = new Set<number>();
  /** Entries of each map, by the hex text of the key. */
  readonly entries = new Map<number, Map<string, Uint8Array>>();
  /** Instructions of each program. */
  readonly code = new Map<number, Uint8Array>();
  /** Programs by `device/hook`, the first one first. */
  readonly chains = new Map<string, number[]>();
  readonly pinned = new Map<string, number>();
  /** Name of a program that the verifier refuses. */
  refused: string | undefined;
  /** False: a kernel before 6.6, which knows no TCX hooks. */
  hasTcx = true;
  #last = 99;

  #newDescriptor(): number {
    this.#last += 1;
    this.open.add(this.#last);
    return this.#last;
  }

  createMap(): number {
    const fd = this.#newDescriptor();
    this.entries.set(fd, new Map());
    return fd;
  }

  loadProgram({ name, instructions }: { name?: string; instructions: Uint8Array }): number {
    if (name === this.refused) throw new SyscallError("bpf", 22, "load program: EINVAL");
    const fd = this.#newDescriptor();
    this.code.set(fd, instructions);
    return fd;
  }

  lookup(map: number, key: Uint8Array, value: Uint8Array): boolean {
    const found = this.entries.get(map)!.get(key.toHex());
    if (found !== undefined) value.set(found);
    return found !== undefined;
  }

  update(map: number, key: Uint8Array, value: Uint8Array): void {
    this.entries.get(map)!.set(key.toHex(), value);
  }

  insert(map: number, key: Uint8Array, value: Uint8Array): boolean {
    if (this.entries.get(map)!.has(key.toHex())) return false;
    this.update(map, key, value);
    return true;
  }

  remove(map: number, key: Uint8Array): boolean {
    return this.entries.get(map)!.delete(key.toHex());
  }

  nextKey(map: number, key: Uint8Array | undefined): Uint8Array | undefined {
    const keys = [...this.entries.get(map)!.keys()];
    const next = keys[key === undefined ? 0 : keys.indexOf(key.toHex()) + 1];
    return next === undefined ? undefined : Uint8Array.fromHex(next);
  }

  openBatch({
    map,
    keyBytes,
    valueBytes,
    entries,
  }: BpfBatchSpec): ReturnType<BpfKernel["openBatch"]> {
    const keys = new Uint8Array(keyBytes * entries);
    const values = new Uint8Array(valueBytes * entries);
    const left = [...this.entries.get(map)!];
    const next = (): number => {
      const taken = left.splice(0, entries);
      for (const [at, [key, value]] of taken.entries()) {
        keys.set(Uint8Array.fromHex(key), at * keyBytes);
        values.set(value, at * valueBytes);
      }
      return taken.length;
    };
    return { keys, values, next };
  }

  updateMany(map: number, { keys, values, count }: BpfEntries): void {
    const entries = this.entries.get(map)!;
    const [keyBytes, valueBytes] = [keys.length / count, values.length / count];
    for (let at = 0; at < count; at++) {
      const key = keys.subarray(at * keyBytes, (at + 1) * keyBytes).toHex();
      entries.set(key, values.slice(at * valueBytes, (at + 1) * valueBytes));
    }
  }

  openRing(): BpfRing {
    return { data: new Uint8Array(0), drain: () => 0, close: () => undefined };
  }

  createLink(program: number, { device, hook }: { device: number; hook: number }): number {
    if (device === 0) throw new SyscallError("bpf", ENODEV, "attach");
    const place = `${device}/${hook}`;
    this.chains.set(place, [program, ...(this.chains.get(place) ?? [])]);
    return this.#newDescriptor();
  }

  updateLink(): void {
    throw new SyscallError("bpf", 67, "ENOLINK");
  }

  programs(device: number, hook: number): number[] {
    if (!this.hasTcx) throw new SyscallError("bpf", EINVAL, "list programs");
    return this.chains.get(`${device}/${hook}`) ?? [];
  }

  programId(program: number): number {
    return program;
  }

  pin(fd: number, path: string): void {
    this.pinned.set(path, fd);
  }

  openPin(path: string): number {
    const fd = this.pinned.get(path);
    if (fd === undefined) throw new SyscallError("bpf", 2, path);
    const again = this.#newDescriptor();
    const entries = this.entries.get(fd);
    if (entries !== undefined) this.entries.set(again, entries);
    return again;
  }

  close(fd: number): void {
    if (!this.open.delete(fd)) throw new Error(`${fd} is closed twice`);
  }
}
