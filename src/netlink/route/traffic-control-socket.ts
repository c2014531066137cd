/**
 * Programs at a device's ingress and egress as typed calls of rtnetlink(7): clsact and its filters.
 *
 * Synchronous; in the network namespace of the thread that opened it; belongs to that thread.
 * Kernels load the modules `sch_ingress` and `cls_bpf` for it by themselves.
 *
 * @module
 */

import {
  NETLINK_ROUTE,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
} from "../../../ffi/constants/netlink.ts";
import {
  RTM_DELQDISC,
  RTM_DELTFILTER,
  RTM_GETQDISC,
  RTM_GETTFILTER,
  RTM_NEWQDISC,
  RTM_NEWTFILTER,
} from "../../../ffi/constants/traffic-control.ts";
import { EEXIST, EINVAL, ENODEV, ENOENT } from "../../../ffi/errno.ts";
import { isRefusal } from "../error.ts";
import { openNetlink } from "../socket.ts";
import type { NetlinkRequest, NetlinkSocket, NetlinkSocketSettings } from "../socket.ts";
import {
  decodeFilter,
  decodeQdisc,
  encodeClsact,
  encodeGetFilters,
  encodeGetQdiscs,
  encodeNewFilter,
  encodeOldFilter,
} from "./traffic-control.ts";
import type {
  Filter,
  FilterDirection,
  FilterPlace,
  NewBpfFilter,
  Qdisc,
} from "./traffic-control.ts";

/** `taken`: an `ingress` qdisc, which has no egress, stands where clsact would. */
export type ClsactOutcome = "created" | "exists" | "taken";

/** Traffic control of one namespace. The opener closes it. */
export class TrafficControlSocket implements Disposable {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /**
   * Gives a device clsact, which by itself does nothing to a packet.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: ENODEV if it is gone, ENOENT without the module.
   */
  addClsact(index: number): ClsactOutcome {
    const operation = `add clsact to interface ${index}`;
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    const payload = encodeClsact(index);
    try {
      this.#socket.request({ operation, type: RTM_NEWQDISC, flags, payload });
      return "created";
    } catch (error) {
      if (!isRefusal(error, EEXIST)) throw error;
    }
    return this.listClsact().includes(index) ? "exists" : "taken";
  }

  /** Takes clsact with all its filters off; false if it was not there. */
  deleteClsact(index: number): boolean {
    const operation = `delete clsact of interface ${index}`;
    const request = { operation, type: RTM_DELQDISC, payload: encodeClsact(index) };
    return this.#unlessGone(request);
  }

  /** Devices that have clsact. */
  listClsact(): number[] {
    const operation = "list queueing disciplines";
    const payload = encodeGetQdiscs();
    const request = { operation, type: RTM_GETQDISC, payload };
    return this.#socket
      .dump<Qdisc>(request, decodeQdisc)
      .filter(({ kind, isAtIngress }) => isAtIngress && kind === "clsact")
      .map(({ index }) => index);
  }

  /**
   * Makes a filter, or gives the one that is there the new program, without a gap. A new one goes
   * before the others of its preference.
   *
   * @throws {NetlinkError} `NETLINK_REFUSED`: ENODEV if the device is gone, EINVAL without clsact
   *   or if filters of another kind or protocol have the preference.
   */
  setFilter(filter: NewBpfFilter): void {
    this.#socket.request({
      operation: `set filter ${filter.name} on interface ${filter.index}`,
      type: RTM_NEWTFILTER,
      flags: NLM_F_CREATE | NLM_F_REPLACE,
      payload: encodeNewFilter(filter),
    });
  }

  /** Removes a filter; false if it, or its device, was gone already. */
  deleteFilter(place: FilterPlace): boolean {
    const operation = `delete a filter of interface ${place.index}`;
    return this.#unlessGone({ operation, type: RTM_DELTFILTER, payload: encodeOldFilter(place) });
  }

  /** Filters of one direction in the order in which packets meet them; none without clsact. */
  listFilters(index: number, direction: FilterDirection): Filter[] {
    const operation = `list filters of interface ${index}`;
    const payload = encodeGetFilters(index, direction);
    return this.#socket.dump<Filter>({ operation, type: RTM_GETTFILTER, payload }, decodeFilter);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #unlessGone(request: NetlinkRequest): boolean {
    try {
      this.#socket.request(request);
      return true;
    } catch (error) {
      // EINVAL: the qdisc is gone.
      if (isRefusal(error, ENOENT, EINVAL, ENODEV)) return false;
      throw error;
    }
  }
}

/**
 * Opens traffic control in the network namespace of this thread. The caller closes it.
 *
 * @throws {NetlinkError} `NETLINK_SOCKET`.
 */
export function openTrafficControl(settings?: NetlinkSocketSettings): TrafficControlSocket {
  return new TrafficControlSocket(openNetlink(NETLINK_ROUTE, settings));
}
