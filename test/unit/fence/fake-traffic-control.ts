/**
 * Traffic control of memory: clsact and its filters, in the kernel's order.
 *
 * @module
 */
import { EINVAL } from "../../../ffi/errno.ts";
import type { TrafficControlCalls } from "../../../src/fence/clsact-filters.ts";
import { NetlinkError } from "../../../src/netlink/index.ts";
import type {
  ClsactOutcome,
  Filter,
  FilterDirection,
  FilterPlace,
  NewBpfFilter,
} from "../../../src/netlink/route/index.ts";

/** The number of a program, from its descriptor. */
export const programIdOffset = 1000;

function refused(errno: number): NetlinkError {
  return new NetlinkError("NETLINK_REFUSED", `errno ${errno}`, { errno });
}

/** Devices with clsact and their filters, kept as the kernel does. */
export class FakeTrafficControl implements TrafficControlCalls {
  readonly devices = new Map<number, Record<FilterDirection, Filter[]>>();
  /** Errno of every setFilter(), and of addClsact(). */
  setRefusal = 0;
  addRefusal = 0;
  isTaken = false;
  isClosed = false;

  addClsact(index: number): ClsactOutcome {
    if (this.addRefusal !== 0) throw refused(this.addRefusal);
    if (this.isTaken) return "taken";
    if (this.devices.has(index)) return "exists";
    this.devices.set(index, { in: [], out: [] });
    return "created";
  }

  deleteClsact(index: number): boolean {
    return this.devices.delete(index);
  }

  listClsact(): number[] {
    return [...this.devices.keys()];
  }

  listFilters(index: number, direction: FilterDirection): Filter[] {
    return [...(this.devices.get(index)?.[direction] ?? [])];
  }

  setFilter(wanted: NewBpfFilter): void {
    const { index, direction, preference, handle, chain = 0, name, program } = wanted;
    const filters = this.devices.get(index)?.[direction];
    if (this.setRefusal !== 0) throw refused(this.setRefusal);
    if (filters === undefined) throw refused(EINVAL);
    const filter = {
      kind: "bpf",
      chain,
      preference,
      handle,
      name,
      programId: program + programIdOffset,
    };
    const at = filters.findIndex((one) => one.handle === handle && one.chain === chain);
    if (at === -1) filters.unshift(filter);
    else filters[at] = filter;
  }

  deleteFilter({ index, direction, handle, chain = 0 }: FilterPlace): boolean {
    const filters = this.devices.get(index)?.[direction] ?? [];
    const at = filters.findIndex((one) => one.handle === handle && one.chain === chain);
    if (at !== -1) filters.splice(at, 1);
    return at !== -1;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Name and program of each filter, the first one first. */
  names(index: number, direction: FilterDirection): string[] {
    return this.listFilters(index, direction).map(({ name, programId }) => `${name} ${programId}`);
  }

  /** A filter of somebody else in front. */
  intrude(index: number, direction: FilterDirection): void {
    const place = { index, direction, preference: 1, handle: 1 };
    this.setFilter({ ...place, program: 0, name: "foreign" });
  }
}
