/**
 * The programs of the fence as filters of clsact, where the kernel has no TCX (before Linux 6.6).
 *
 * The kernel keeps them without a process or a pin; the next process knows them by their name and
 * handle and replaces each in its place. Preference 1 is the lowest, and among its filters the
 * latest comes first. So to get back in front, a second filter is made under the other handle, and
 * the old one goes after: no gap.
 *
 * Whoever deletes the qdisc opens the fence until {@link ClsactFilters.mend}.
 *
 * @module
 */

import { EINVAL, ENODEV, ENOENT } from "../../ffi/errno.ts";
import { ApplianceError, errorText } from "../errors/index.ts";
import { isRefusal, NetlinkError } from "../netlink/index.ts";
import type { Filter, FilterPlace, TrafficControlSocket } from "../netlink/route/index.ts";
import type { FenceAttacher } from "./attacher.ts";
import type { FenceFinding } from "./fence.ts";

/** What is needed of rtnetlink. */
export type TrafficControlCalls = Pick<
  TrafficControlSocket,
  | "addClsact"
  | "close"
  | "deleteClsact"
  | "deleteFilter"
  | "listClsact"
  | "listFilters"
  | "setFilter"
>;

type Direction = FenceFinding["direction"];

/** Programs, and who attaches them. */
export interface ClsactFilterOptions {
  /** Owned: closed with the filters. */
  readonly control: TrafficControlCalls;
  /** Descriptor of the program of a direction; stays the giver's. */
  readonly program: (direction: Direction) => number;
  /** The kernel's number of a program. */
  readonly programId: (program: number) => number;
}

/** Outward first: that is what protects. */
const directions = ["out", "in"] as const;
const filterName = "appliance-fence";
const preference = 1;
/** Two that nobody else picks: tools count from 1. */
const handles = [0xfe_ce_01, 0xfe_ce_02] as const;
const loopbackIndex = 1;
/** No packet gets into a chain that no filter leads to. */
const unusedChain = 0xfe_ce;

/** True if it can be one of the fence, of this process or an earlier one. */
function isFence({ kind, chain, handle, name, preference: found }: Filter): boolean {
  const isPlace = chain === 0 && found === preference && handles.some((own) => own === handle);
  return isPlace && kind === "bpf" && name === filterName;
}

/** The filters of one fence. */
export class ClsactFilters implements FenceAttacher {
  readonly #options: ClsactFilterOptions;
  readonly #devices = new Set<number>();

  constructor(options: ClsactFilterOptions) {
    this.#options = options;
  }

  /**
   * As {@link FenceAttacher.takeOver}; tries first whether the kernel can do it.
   *
   * @throws {ApplianceError} `FENCE_NOT_SUPPORTED`.
   */
  takeOver(): void {
    this.#try();
    const { control } = this.#options;
    for (const device of control.listClsact()) {
      for (const direction of directions) {
        const [first, ...rest] = this.#fencesAt(device, direction);
        if (first === undefined) continue;
        this.#set(this.#place(device, direction, first.handle));
        for (const { handle } of rest) {
          control.deleteFilter(this.#place(device, direction, handle));
        }
        this.#devices.add(device);
      }
    }
  }

  /**
   * As {@link FenceAttacher.attach}.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: ENODEV if the device went away, EINVAL if filters of
   *   another kind have preference 1.
   * @throws {ApplianceError} `FENCE_NOT_SUPPORTED` if the device has an ingress qdisc.
   */
  attach(device: number): void {
    if (this.#devices.has(device)) return;
    this.#addClsact(device);
    for (const direction of directions) this.#set(this.#place(device, direction, handles[0]));
    this.#devices.add(device);
  }

  detach(device: number): void {
    if (!this.#devices.delete(device)) return;
    const { control } = this.#options;
    for (const direction of directions) {
      for (const { handle } of this.#fencesAt(device, direction)) {
        control.deleteFilter(this.#place(device, direction, handle));
      }
    }
    const isUsed = directions.some((way) => control.listFilters(device, way).length > 0);
    if (!isUsed) control.deleteClsact(device);
  }

  /** As {@link FenceAttacher.mend}; where others stand in the way it is tried at the next look. */
  mend(): FenceFinding[] {
    return [...this.#devices].flatMap((device) =>
      directions.flatMap((direction) => this.#mendHook(device, direction)),
    );
  }

  hooks(): undefined {
    return undefined;
  }

  remove(): void {
    for (const device of this.#devices) this.detach(device);
  }

  close(): void {
    this.#devices.clear();
    this.#options.control.close();
  }

  #place(index: number, direction: Direction, handle: number): FilterPlace {
    return { index, direction, preference, handle };
  }

  #set(place: FilterPlace): void {
    const program = this.#options.program(place.direction);
    this.#options.control.setFilter({ ...place, program, name: filterName });
  }

  #fencesAt(device: number, direction: Direction): Filter[] {
    return this.#options.control.listFilters(device, direction).filter(isFence);
  }

  #addClsact(device: number): void {
    if (this.#options.control.addClsact(device) !== "taken") return;
    const text = `Interface ${device} has an ingress qdisc, where the fence needs clsact`;
    throw new ApplianceError("FENCE_NOT_SUPPORTED", text);
  }

  /** On the loopback, where no packet comes by. */
  #try(): void {
    const { control } = this.#options;
    const place = { ...this.#place(loopbackIndex, "out", handles[0]), chain: unusedChain };
    try {
      const outcome = control.addClsact(loopbackIndex);
      if (outcome === "taken") return;
      try {
        this.#set(place);
        control.deleteFilter(place);
      } finally {
        if (outcome === "created") control.deleteClsact(loopbackIndex);
      }
    } catch (error) {
      if (!(error instanceof NetlinkError && error.code === "NETLINK_REFUSED")) throw error;
      const text = `The fence needs TCX (Linux 6.6) or clsact with cls_bpf: ${errorText(error)}`;
      throw new ApplianceError("FENCE_NOT_SUPPORTED", text, { cause: error });
    }
  }

  #mendHook(device: number, direction: Direction): FenceFinding[] {
    if (!this.#devices.has(device)) return [];
    const { control, program, programId } = this.#options;
    const id = programId(program(direction));
    // A handle of 0 is the heading of a preference.
    const order = control
      .listFilters(device, direction)
      .filter(({ chain, handle }) => chain === 0 && handle !== 0);
    const at = order.findIndex((filter) => isFence(filter) && filter.programId === id);
    if (at === 0) return [];
    const found = { device, direction, fault: at === -1 ? "missing" : "not-first" } as const;
    try {
      if (at === -1) this.#addClsact(device);
      this.#putInFront(device, direction, order[at]?.handle);
      return [found];
    } catch (error) {
      if (isRefusal(error, ENODEV)) {
        this.#devices.delete(device);
        return [];
      }
      const isInTheWay = error instanceof ApplianceError && error.code === "FENCE_NOT_SUPPORTED";
      if (!isInTheWay && !isRefusal(error, EINVAL, ENOENT)) throw error;
      return [{ ...found, problem: errorText(error) }];
    }
  }

  #putInFront(device: number, direction: Direction, old: number | undefined): void {
    const handle = old === handles[0] ? handles[1] : handles[0];
    const { control } = this.#options;
    // One that is there would keep its place.
    control.deleteFilter(this.#place(device, direction, handle));
    this.#set(this.#place(device, direction, handle));
    if (old !== undefined) control.deleteFilter(this.#place(device, direction, old));
  }
}
