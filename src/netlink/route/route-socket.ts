/**
 * rtnetlink(7) as typed calls: links, addresses, routes, neighbours.
 *
 * Synchronous; in the network namespace of the thread that opened it; belongs to that thread.
 * Things that may be gone at any time are told by the answer (undefined, false); everything else
 * that the kernel refuses is a {@link NetlinkError}.
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
  IFF_UP,
  IFLA_EXT_MASK,
  IFLA_IFNAME,
  RT_TABLE_MAIN,
  RTEXT_FILTER_SKIP_STATS,
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_GETADDR,
  RTM_GETLINK,
  RTM_GETNEIGH,
  RTM_GETROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
} from "../../../ffi/constants/rtnetlink.ts";
import {
  EADDRNOTAVAIL,
  EEXIST,
  EHOSTUNREACH,
  ENETUNREACH,
  ENODEV,
  EOPNOTSUPP,
} from "../../../ffi/errno.ts";
import type { Family } from "../../net/address.ts";
import { attribute, concatenate, encodeAttributes } from "../attribute.ts";
import { isRefusal } from "../error.ts";
import { openNetlink } from "../socket.ts";
import type { NetlinkSocket, NetlinkSocketSettings } from "../socket.ts";
import {
  decodeAddress,
  encodeGetAddresses,
  encodeNewAddress,
  encodeOldAddress,
} from "./address.ts";
import type { InterfaceAddress, NewAddress } from "./address.ts";
import { decodeLink, encodeLinkHead } from "./link.ts";
import type { Link } from "./link.ts";
import { decodeNeighbour, encodeGetNeighbours } from "./neighbour.ts";
import type { Neighbour } from "./neighbour.ts";
import { decodeRoute, encodeGetRoute, encodeGetRoutes } from "./route.ts";
import type { Route, RouteQuestion } from "./route.ts";
import { encodeNewTunnel } from "./tunnel.ts";
import type { NewTunnel } from "./tunnel.ts";

/** The address as an operator writes it, for errors. */
function describe({ address, prefixBits, index }: NewAddress): string {
  const prefix = prefixBits === undefined ? "" : `/${prefixBits}`;
  return `address ${address}${prefix} on interface ${index}`;
}

/** Which of {@link RouteSocket.createTunnel}'s answers it was. */
export type TunnelOutcome = "created" | "exists" | "not-supported";

/** rtnetlink of one namespace. The opener closes it. */
export class RouteSocket implements Disposable {
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** All interfaces, in the order of their numbers. */
  listLinks(): Link[] {
    const mask = encodeAttributes([attribute.u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS)]);
    const payload = concatenate(encodeLinkHead(), mask);
    const request = { operation: "list interfaces", type: RTM_GETLINK, payload };
    return this.#socket.dump(request, decodeLink);
  }

  /** The interface with this name or number; undefined if there is none. */
  getLink(which: string | number): Link | undefined {
    const isNumber = typeof which === "number";
    const name = isNumber ? [] : [attribute.text(IFLA_IFNAME, which)];
    const payload = concatenate(encodeLinkHead(isNumber ? which : 0), encodeAttributes(name));
    const request = { operation: `read interface ${which}`, type: RTM_GETLINK, payload };
    try {
      return this.#socket.request(request, decodeLink)[0];
    } catch (error) {
      if (isRefusal(error, ENODEV)) return undefined;
      throw error;
    }
  }

  /** Sets an interface up or down. */
  setLinkUp(index: number, isUp: boolean): void {
    const payload = encodeLinkHead(index, isUp ? IFF_UP : 0, IFF_UP);
    const operation = `set interface ${index} ${isUp ? "up" : "down"}`;
    this.#socket.request({ operation, type: RTM_NEWLINK, payload });
  }

  /** Makes a tunnel interface, which is down. The kernel may have to load its module. */
  createTunnel(tunnel: NewTunnel): TunnelOutcome {
    const operation = `create ${tunnel.kind} tunnel ${tunnel.name}`;
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    const payload = encodeNewTunnel(tunnel);
    try {
      this.#socket.request({ operation, type: RTM_NEWLINK, flags, payload });
      return "created";
    } catch (error) {
      if (isRefusal(error, EEXIST)) return "exists";
      if (isRefusal(error, EOPNOTSUPP)) return "not-supported";
      throw error;
    }
  }

  /** Removes an interface; false if it was gone already. */
  deleteLink(index: number): boolean {
    const payload = encodeLinkHead(index);
    const request = { operation: `delete interface ${index}`, type: RTM_DELLINK, payload };
    return this.#unlessGone(() => this.#socket.request(request), ENODEV);
  }

  /** All addresses, or those of one interface (none if it is gone). */
  listAddresses(index?: number): InterfaceAddress[] {
    const payload = encodeGetAddresses(index);
    const request = { operation: "list addresses", type: RTM_GETADDR, payload };
    try {
      const all = this.#socket.dump(request, decodeAddress);
      // Kernels without strict checks (before 4.20) list those of every interface.
      return index === undefined ? all : all.filter((address) => address.index === index);
    } catch (error) {
      if (isRefusal(error, ENODEV)) return [];
      throw error;
    }
  }

  /** Adds an address, or changes the one that is there. */
  addAddress(address: NewAddress): void {
    this.#socket.request({
      operation: `add ${describe(address)}`,
      type: RTM_NEWADDR,
      flags: NLM_F_CREATE | NLM_F_REPLACE,
      payload: encodeNewAddress(address),
    });
  }

  /** Removes an address; false if it, or its interface, was gone already. */
  deleteAddress(address: NewAddress): boolean {
    const request = {
      operation: `delete ${describe(address)}`,
      type: RTM_DELADDR,
      payload: encodeOldAddress(address),
    };
    return this.#unlessGone(() => this.#socket.request(request), EADDRNOTAVAIL, ENODEV);
  }

  /** Routes of one family in one table. */
  listRoutes(family: Family, table = RT_TABLE_MAIN): Route[] {
    const payload = encodeGetRoutes(family, table);
    const request = { operation: `list routes of IPv${family}`, type: RTM_GETROUTE, payload };
    return this.#socket.dump(request, decodeRoute).filter((route) => route.table === table);
  }

  /** The way to an address; undefined if the host has none. */
  getRoute(question: RouteQuestion): Route | undefined {
    const operation = `read the route to ${question.to}`;
    const payload = encodeGetRoute(question);
    try {
      return this.#socket.request({ operation, type: RTM_GETROUTE, payload }, decodeRoute)[0];
    } catch (error) {
      if (isRefusal(error, ENETUNREACH, EHOSTUNREACH)) return undefined;
      throw error;
    }
  }

  /** All neighbours of IPv4 and IPv6. */
  listNeighbours(): Neighbour[] {
    const payload = encodeGetNeighbours();
    const request = { operation: "list neighbours", type: RTM_GETNEIGH, payload };
    return this.#socket.dump(request, decodeNeighbour);
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #unlessGone(act: () => unknown, ...errnos: readonly number[]): boolean {
    try {
      act();
      return true;
    } catch (error) {
      if (isRefusal(error, ...errnos)) return false;
      throw error;
    }
  }
}

/**
 * Opens rtnetlink in the network namespace of this thread. The caller closes it.
 *
 * @throws {NetlinkError} `NETLINK_SOCKET`.
 */
export function openRouteSocket(settings?: NetlinkSocketSettings): RouteSocket {
  return new RouteSocket(openNetlink(NETLINK_ROUTE, settings));
}
