/**
 * Links and addresses as they come and go: a subscription to rtnetlink with typed events.
 *
 * @module
 */

import { NETLINK_ROUTE } from "../../../ffi/constants/netlink.ts";
import {
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
  RTNLGRP_LINK,
} from "../../../ffi/constants/rtnetlink.ts";
import { subscribe } from "../subscription.ts";
import type { DrainResult, SubscribeOptions, Subscription } from "../subscription.ts";
import { decodeRouteEvent } from "./event.ts";
import type { RouteEvent } from "./event.ts";

/** Hears links and addresses. The opener closes it. */
export class RouteMonitor implements Disposable {
  readonly #subscription: Subscription;

  constructor(subscription: Subscription) {
    this.#subscription = subscription;
  }

  /** For an epoll set. */
  get fd(): number {
    return this.#subscription.fd;
  }

  /**
   * Takes the events that are there, in their order. A stale result asks for new lists; so does an
   * event that cannot be read.
   *
   * @param timeoutMs How long to block for the first. @default 0
   */
  drain(handle: (event: RouteEvent) => void, timeoutMs = 0): DrainResult {
    let isUnreadable = false;
    const result = this.#subscription.drain((message) => {
      const event = decodeRouteEvent(message);
      if (!event.ok) isUnreadable = true;
      else if (event.value !== undefined) handle(event.value);
    }, timeoutMs);
    return isUnreadable ? { ...result, isStale: true } : result;
  }

  close(): void {
    this.#subscription.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Hears links and addresses of the network namespace of this thread, from now on: open it before
 * the first list, so that nothing falls between.
 *
 * @throws {NetlinkError} `NETLINK_SOCKET`.
 */
export function openRouteMonitor(options?: SubscribeOptions): RouteMonitor {
  const groups = [RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR];
  return new RouteMonitor(subscribe(NETLINK_ROUTE, groups, options));
}
