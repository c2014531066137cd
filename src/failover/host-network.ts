/**
 * Links and addresses of this host as the real-time thread knows them: read once, then followed by
 * notices, and read anew after each batch of them.
 *
 * A notice says that something changed; what it is now, a list says. So own changes, lost notices
 * and changes of others need no cases of their own.
 *
 * @module
 */

import type { Family } from "../net/address.ts";
import { openRouteMonitor, openRouteSocket } from "../netlink/route/index.ts";
import type { InterfaceAddress, Link, RouteMonitor, RouteSocket } from "../netlink/route/index.ts";

/** The host's network, in one thread. */
export class HostNetwork {
  /** For requests: adding and removing addresses. */
  readonly routes: RouteSocket;
  readonly #monitor: RouteMonitor;
  #links = new Map<string, Link>();
  #addresses: readonly InterfaceAddress[] = [];

  /** @throws {NetlinkError} `NETLINK_SOCKET`. */
  constructor() {
    // Before the first list, so that nothing falls between.
    this.#monitor = openRouteMonitor();
    this.routes = openRouteSocket();
    this.#read();
  }

  /** For the epoll set. */
  get fd(): number {
    return this.#monitor.fd;
  }

  /** Takes the notices that are there. @returns True if there were any: all was read anew. */
  follow(): boolean {
    let hasChanged = false;
    for (;;) {
      const { isStale, hasMore } = this.#monitor.drain(() => {
        hasChanged = true;
      });
      hasChanged ||= isStale;
      if (!hasMore) break;
    }
    if (hasChanged) this.#read();
    return hasChanged;
  }

  /** All interfaces. */
  links(): Iterable<Link> {
    return this.#links.values();
  }

  link(name: string): Link | undefined {
    return this.#links.get(name);
  }

  /** True if the interface is there, up, and has a carrier. */
  hasCarrier(name: string): boolean {
    const link = this.#links.get(name);
    return link !== undefined && link.isUp && link.hasCarrier;
  }

  /** True if the address is on this interface. */
  hasAddress(index: number, address: string): boolean {
    return this.#addresses.some((one) => one.index === index && one.address === address);
  }

  /**
   * The address that packets of this host come from on an interface: its first that is not virtual.
   * Of IPv6 the one of link scope, unless packets go further (RFC 9568, section 5.1.2.1).
   *
   * @param virtual Addresses that move between directors.
   */
  primaryAddress(
    index: number,
    { family, isLinkLocal, virtual }: PrimaryAddressQuestion,
  ): string | undefined {
    const fits = (one: InterfaceAddress): boolean => {
      if (one.index !== index || one.family !== family || virtual.has(one.address)) return false;
      if (one.isTentative || one.isDuplicate) return false;
      return family === 4 || (one.scope === "link") === isLinkLocal;
    };
    return this.#addresses.find(fits)?.address;
  }

  close(): void {
    this.#monitor.close();
    this.routes.close();
  }

  #read(): void {
    this.#links = new Map(this.routes.listLinks().map((link) => [link.name, link]));
    this.#addresses = this.routes.listAddresses();
  }
}

/** Which address is looked for. */
export interface PrimaryAddressQuestion {
  readonly family: Family;
  readonly isLinkLocal: boolean;
  readonly virtual: ReadonlySet<string>;
}
