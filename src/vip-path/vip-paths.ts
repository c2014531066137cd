/**
 * The program of `vip` checks in the kernel, and the paths of the checks that run.
 *
 * It is on every device that a packet of this host may leave by (TCX, Linux 6.6), from the first
 * check on. Nothing is pinned: it ends with the process, however that ends.
 *
 * @module
 */

import { BPF_TCX_EGRESS, BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { SyscallError } from "../../ffi/errno.ts";
import { hostBpfKernel, loadBpfCollection, vipPathObject } from "../bpf/index.ts";
import type { BpfCollection, BpfKernel } from "../bpf/index.ts";
import { systemClock } from "../clock/index.ts";
import type { Clock } from "../clock/index.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { needsFence } from "../fence/index.ts";
import { openRouteSocket } from "../netlink/route/index.ts";
import type { Link } from "../netlink/route/index.ts";
import { encodeMark, encodePath, markBase, markNumbers } from "./layout.ts";
import type { PathRecord } from "./layout.ts";

/** Devices are looked for again when the last look is older, ms. */
const refreshAfterMs = 1000;
/** ARPHRD_ETHER: the program looks for headers behind one of Ethernet. */
const ethernet = 1;

const hooks = [
  ["tc_ingress", BPF_TCX_INGRESS],
  ["tc_egress", BPF_TCX_EGRESS],
] as const;

/** The path of one check. */
export interface VipPath {
  /** SO_MARK of the socket. */
  readonly mark: number;
  /** The socket is closed, or never was. */
  close(): void;
}

/** What it works with; tests hand in fakes. */
export interface VipPathsOptions {
  readonly kernel?: BpfKernel | undefined;
  readonly clock?: Clock | undefined;
  readonly listLinks?: (() => readonly Link[]) | undefined;
  /** Number of the first mark: another process may use the same ones at the same time. */
  readonly firstNumber?: number | undefined;
}

/** The program while it is in the kernel. */
interface Loaded {
  readonly collection: BpfCollection;
  /** Links of a device, by its index. */
  readonly devices: Map<number, readonly number[]>;
}

function listHostLinks(): readonly Link[] {
  using routes = openRouteSocket();
  return routes.listLinks();
}

function needsPath({ index, name, isLoopback, masterIndex = 0, hardwareType }: Link): boolean {
  return hardwareType === ethernet && needsFence({ index, name, isLoopback, masterIndex });
}

/** Paths of one process in its network namespace. */
export class VipPaths implements Disposable {
  readonly #kernel: BpfKernel;
  readonly #clock: Clock;
  readonly #listLinks: () => readonly Link[];
  #number: number;
  #loaded: Loaded | undefined;
  #lookedAtMs = -Infinity;
  #isWanted = true;

  constructor(options: VipPathsOptions = {}) {
    this.#kernel = options.kernel ?? hostBpfKernel;
    this.#clock = options.clock ?? systemClock;
    this.#listLinks = options.listLinks ?? listHostLinks;
    this.#number = options.firstNumber ?? Math.floor(Math.random() * markNumbers);
  }

  /**
   * Has the packets of one socket take the path of clients, until the path is closed.
   *
   * @throws {ApplianceError} `VIP_PATH` if the kernel refuses.
   */
  open(record: PathRecord): VipPath {
    try {
      const { collection } = this.#require();
      const paths = collection.map("paths");
      const key = this.#insert(paths, encodePath(record));
      const mark = new DataView(key.buffer).getUint32(0, true);
      // With the program its maps have gone, and the descriptor may be another's.
      return {
        mark,
        close: () => this.#loaded?.collection === collection && this.#end(paths, key),
      };
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      throw new ApplianceError("VIP_PATH", `A vip check cannot be made: ${errorText(error)}`);
    }
  }

  /** Where no check needs it the program goes out of the kernel. */
  keep(isWanted: boolean): void {
    this.#isWanted = isWanted;
    if (!isWanted) this.#unload();
  }

  /** Devices that have the program. */
  get devices(): readonly number[] {
    return [...(this.#loaded?.devices.keys() ?? [])];
  }

  /** Takes it out of the kernel for good. */
  [Symbol.dispose](): void {
    this.keep(false);
  }

  #end(paths: number, key: Uint8Array): void {
    this.#kernel.remove(paths, key);
  }

  /** Under the next number that is free. */
  #insert(paths: number, value: Uint8Array): Uint8Array {
    for (;;) {
      this.#number = (this.#number + 1) % markNumbers;
      const key = encodeMark(markBase + this.#number);
      // The map is smaller than the numbers: it is full before they are.
      if (this.#kernel.insert(paths, key, value)) return key;
    }
  }

  #require(): Loaded {
    if (!this.#isWanted) throw new ApplianceError("VIP_PATH", "A vip check ends with its director");
    this.#loaded ??= {
      collection: loadBpfCollection(vipPathObject(), { kernel: this.#kernel, pins: undefined }),
      devices: new Map(),
    };
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#lookedAtMs >= refreshAfterMs) {
      this.#follow(this.#loaded);
      this.#lookedAtMs = nowMs;
    }
    return this.#loaded;
  }

  /** Devices come and go. */
  #follow({ collection, devices }: Loaded): void {
    const wanted = new Set(
      this.#listLinks()
        .filter(needsPath)
        .map(({ index }) => index),
    );
    for (const [device, links] of devices) {
      if (wanted.has(device)) continue;
      for (const link of links) this.#kernel.close(link);
      devices.delete(device);
    }
    for (const device of wanted) {
      if (devices.has(device)) continue;
      const links = this.#attach(collection, device);
      if (links !== undefined) devices.set(device, links);
    }
  }

  /** Behind the others that are there; undefined: the device is gone again. */
  #attach(collection: BpfCollection, device: number): readonly number[] | undefined {
    const links: number[] = [];
    try {
      for (const [name, hook] of hooks) {
        const program = collection.program(name);
        links.push(this.#kernel.createLink(program, { device, hook, flags: 0 }));
      }
      return links;
    } catch (error) {
      for (const link of links) this.#kernel.close(link);
      if (error instanceof SyscallError && error.code === "ENODEV") return undefined;
      throw error;
    }
  }

  #unload(): void {
    const loaded = this.#loaded;
    this.#loaded = undefined;
    this.#lookedAtMs = -Infinity;
    if (loaded === undefined) return;
    for (const links of loaded.devices.values()) for (const link of links) this.#kernel.close(link);
    loaded.collection.close();
  }
}
