/**
 * An object file in the kernel: its maps, made anew or found under their pins, and its programs.
 *
 * Maps that are pinned outlive the process: the next one finds the same entries. Whoever changes
 * the sizes of a map gives the folder of its pins another name.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";

import { BPF_PROG_TYPE_SCHED_CLS, BPF_PSEUDO_MAP_FD } from "../../ffi/constants/bpf.ts";
import { invariant } from "../errors/index.ts";
import type { BpfKernel } from "./kernel.ts";
import type { BpfMapDeclaration, BpfObject, BpfProgramDeclaration } from "./object.ts";

/** Loaded maps and programs by name. Owns all descriptors until {@link close}. */
export class BpfCollection {
  readonly #kernel: BpfKernel;
  readonly #maps = new Map<string, number>();
  readonly #programs = new Map<string, number>();

  /** Empty; filled by {@link loadBpfCollection}. */
  constructor(kernel: BpfKernel) {
    this.#kernel = kernel;
  }

  /** Descriptor of a map. */
  map(name: string): number {
    const fd = this.#maps.get(name);
    invariant(fd !== undefined, `the object declares the map ${name}`);
    return fd;
  }

  /** Descriptor of a program. */
  program(name: string): number {
    const fd = this.#programs.get(name);
    invariant(fd !== undefined, `the object has the program ${name}`);
    return fd;
  }

  /** Descriptor of a program that now belongs to the caller. */
  takeProgram(name: string): number {
    const fd = this.program(name);
    this.#programs.delete(name);
    return fd;
  }

  /** Takes ownership of a map. */
  addMap(name: string, fd: number): void {
    this.#maps.set(name, fd);
  }

  /** Loads a program of the object; its maps must be there. */
  addProgram({ name, instructions, uses }: BpfProgramDeclaration, license: string): void {
    const code = new Uint8Array(instructions);
    const view = new DataView(code.buffer);
    for (const { offset, map } of uses) {
      // The upper half of the register byte tells the kernel that the number is a descriptor.
      code[offset + 1] = (code[offset + 1]! & 0x0f) | (BPF_PSEUDO_MAP_FD << 4);
      view.setInt32(offset + 4, this.map(map), true);
    }
    const spec = { type: BPF_PROG_TYPE_SCHED_CLS, instructions: code, license, name };
    this.#programs.set(name, this.#kernel.loadProgram(spec));
  }

  /** Closes all descriptors; what is pinned or attached stays. */
  close(): void {
    for (const fd of [...this.#programs.values(), ...this.#maps.values()]) this.#kernel.close(fd);
    this.#programs.clear();
    this.#maps.clear();
  }
}

/** Where maps are kept. */
export interface LoadOptions {
  readonly kernel: BpfKernel;
  /**
   * Folder of a bpf file system for the maps, for each its own where it is a function; undefined:
   * they end with the process.
   */
  readonly pins: string | ((map: string) => string) | undefined;
}

function openMap(declaration: BpfMapDeclaration, { kernel, pins }: LoadOptions): number {
  if (pins === undefined) return kernel.createMap(declaration);
  const folder = typeof pins === "string" ? pins : pins(declaration.name);
  const path = join(folder, declaration.name);
  if (existsSync(path)) return kernel.openPin(path);
  const fd = kernel.createMap(declaration);
  try {
    kernel.pin(fd, path);
  } catch (error) {
    kernel.close(fd);
    throw error;
  }
  return fd;
}

/**
 * Makes or finds the maps of an object and loads its programs.
 *
 * @throws {SyscallError} With the verifier's log if it refused; nothing stays open then.
 */
export function loadBpfCollection(object: BpfObject, options: LoadOptions): BpfCollection {
  const collection = new BpfCollection(options.kernel);
  try {
    for (const map of object.maps) collection.addMap(map.name, openMap(map, options));
    for (const program of object.programs) collection.addProgram(program, object.license);
    return collection;
  } catch (error) {
    collection.close();
    throw error;
  }
}
