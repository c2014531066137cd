/**
 * One set of programs on many devices: TCX links (Linux 6.6), pinned as `link-INDEX-DIRECTION`.
 *
 * Pins keep them in force without a process. The next process takes them over: each link gets the
 * new program in the place of the old one, without a gap.
 *
 * A program cannot be attached twice at one hook, so to bring it back to the head of a chain a
 * second copy of it goes there, and the old link is dropped after.
 *
 * @module
 */

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { BPF_F_BEFORE, BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { SyscallError } from "../../ffi/errno.ts";
import type { BpfKernel } from "./kernel.ts";

/** Way of the packets that a program sees. */
export type LinkDirection = "in" | "out";

/** What a look at the devices found, and mended if it could. */
export interface LinkFinding {
  readonly device: number;
  readonly direction: LinkDirection;
  /** `missing`: it was not attached any more; `not-first`: a foreign program stood before it. */
  readonly fault: "missing" | "not-first";
  /** Why it could not be put back; left out if it was. */
  readonly problem?: string;
}

/** The program that a link runs: the first one loaded, or a later copy with an owner of its own. */
interface DeviceLink {
  readonly program: number;
  readonly isCopy: boolean;
}

/** Programs of a set, and where their links live. */
export interface DeviceLinkOptions {
  readonly kernel: BpfKernel;
  /** Folder of a bpf file system. */
  readonly pins: string;
  /** In the order in which a device gets them. */
  readonly directions: readonly LinkDirection[];
  /** Descriptor of the program of a direction; stays the giver's. */
  readonly program: (direction: LinkDirection) => number;
  /** Loads it once more; the descriptor belongs to the taker. */
  readonly copy: (direction: LinkDirection) => number;
  /** `head`: in front of all others, and {@link DeviceLinks.mend} sees to it. */
  readonly place: "head" | "tail";
}

const hooks = { in: BPF_TCX_INGRESS, out: BPF_TCX_EGRESS } as const;
const linkPattern = /^link-(\d+)-(in|out)$/;

function linkName(device: number, direction: LinkDirection): string {
  return `link-${device}-${direction}`;
}

function parseLinkName(name: string): readonly [number, LinkDirection] | undefined {
  const match = linkPattern.exec(name);
  if (match === null) return undefined;
  return [Number(match[1]), match[2] === "in" ? "in" : "out"];
}

/** The loopback: every network namespace has it, under this number. */
const loopbackIndex = 1;

/**
 * True if the kernel has TCX (Linux 6.6): one without it knows no such hook to ask about.
 *
 * @throws {SyscallError} `EPERM`.
 */
export function hasTcx(kernel: Pick<BpfKernel, "programs">): boolean {
  try {
    kernel.programs(loopbackIndex, BPF_TCX_EGRESS);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.code === "EINVAL") return false;
    throw error;
  }
}

/** True if an earlier process has left links in a folder of pins. */
export function hasDeviceLinks(pins: string): boolean {
  return readdirSync(pins).some((name) => linkPattern.test(name));
}

/** The links of one set of programs. */
export class DeviceLinks {
  readonly #options: DeviceLinkOptions;
  /** By pin name. */
  readonly #links = new Map<string, DeviceLink>();

  constructor(options: DeviceLinkOptions) {
    this.#options = options;
  }

  /** Devices that have the programs. */
  get devices(): ReadonlySet<number> {
    return new Set([...this.#links.keys()].map((name) => parseLinkName(name)![0]));
  }

  /** Puts the new programs in the place of those that an earlier process has left. */
  takeOver(): void {
    const { kernel, pins } = this.#options;
    for (const name of readdirSync(pins)) {
      const parsed = parseLinkName(name);
      if (parsed === undefined) continue;
      const path = join(pins, name);
      const program = this.#options.program(parsed[1]);
      const link = kernel.openPin(path);
      try {
        kernel.updateLink(link, program);
        this.#links.set(name, { program, isCopy: false });
      } catch (error) {
        // The device is gone; whatever else stands against it, a new link is made.
        if (!(error instanceof SyscallError)) throw error;
        rmSync(path, { force: true });
      } finally {
        kernel.close(link);
      }
    }
  }

  /**
   * Attaches the programs to a device that has them not yet.
   *
   * @throws {SyscallError} `ENODEV` if the device went away meanwhile.
   */
  attach(device: number): void {
    for (const direction of this.#options.directions) {
      const name = linkName(device, direction);
      if (this.#links.has(name)) continue;
      this.#link(name, { program: this.#options.program(direction), isCopy: false });
    }
  }

  /** Takes them off a device, or forgets one that is gone. */
  detach(device: number): void {
    for (const direction of this.#options.directions) this.#unlink(linkName(device, direction));
  }

  /** Looks whether all are where they belong, and puts them back where they are not. */
  mend(): LinkFinding[] {
    return [...this.devices].flatMap((device) =>
      this.#options.directions.flatMap((direction) => this.#mendHook(device, direction)),
    );
  }

  /** Where the programs are, by the kernel's numbers of them. */
  hooks(): { device: number; direction: LinkDirection; program: number }[] {
    return [...this.#links].map(([name, { program }]) => {
      const [device, direction] = parseLinkName(name)!;
      return { device, direction, program: this.#options.kernel.programId(program) };
    });
  }

  /** Takes them off all devices. */
  remove(): void {
    for (const name of this.#links.keys()) this.#unlink(name);
  }

  /** Leaves them in force. */
  close(): void {
    for (const { program, isCopy } of this.#links.values()) {
      if (isCopy) this.#options.kernel.close(program);
    }
    this.#links.clear();
  }

  /** The new link is in place before the pin of the old one, and with it the old one, goes. */
  #link(name: string, link: DeviceLink): void {
    const { kernel, pins, place } = this.#options;
    const [device, direction] = parseLinkName(name)!;
    const flags = place === "head" ? BPF_F_BEFORE : 0;
    const fd = kernel.createLink(link.program, { device, hook: hooks[direction], flags });
    const path = join(pins, name);
    try {
      rmSync(path, { force: true });
      kernel.pin(fd, path);
    } finally {
      kernel.close(fd);
    }
    this.#links.set(name, link);
  }

  #unlink(name: string): void {
    rmSync(join(this.#options.pins, name), { force: true });
    const link = this.#links.get(name);
    if (link?.isCopy === true) this.#options.kernel.close(link.program);
    this.#links.delete(name);
  }

  #mendHook(device: number, direction: LinkDirection): LinkFinding[] {
    const { kernel, place: wanted } = this.#options;
    const name = linkName(device, direction);
    const link = this.#links.get(name);
    if (link === undefined) return [];
    const order = this.#programsAt(device, direction);
    if (order === undefined) {
      this.#unlink(name);
      return [];
    }
    const place = order.indexOf(kernel.programId(link.program));
    if (place === 0 || (place > 0 && wanted === "tail")) return [];
    const found = { device, direction, fault: place === -1 ? "missing" : "not-first" } as const;
    try {
      this.#putBack(name);
      return [found];
    } catch (error) {
      // Whatever stands against it, the link as it is stays: the next look tries again.
      if (!(error instanceof SyscallError)) throw error;
      return [{ ...found, problem: error.message }];
    }
  }

  #putBack(name: string): void {
    const before = this.#links.get(name);
    const program = this.#options.copy(parseLinkName(name)![1]);
    try {
      this.#link(name, { program, isCopy: true });
    } catch (error) {
      this.#options.kernel.close(program);
      throw error;
    }
    if (before?.isCopy === true) this.#options.kernel.close(before.program);
  }

  /** Undefined if the device is gone. */
  #programsAt(device: number, direction: LinkDirection): number[] | undefined {
    try {
      return this.#options.kernel.programs(device, hooks[direction]);
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENODEV") return undefined;
      throw error;
    }
  }
}
