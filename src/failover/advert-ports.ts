/**
 * The ports of one virtual router: one an interface, open while it can speak there.
 *
 * @module
 */

import { SyscallError } from "../../ffi/errno.ts";
import type { HandoverPlace } from "../fence/index.ts";
import { parseAddress } from "../net/address.ts";
import type { AddressBytes } from "../net/address.ts";
import type { Link } from "../netlink/route/index.ts";
import { compareAddresses } from "../vrrp/index.ts";
import { AdvertPort } from "./advert-port.ts";
import type { AdvertPlace } from "./advert-port.ts";
import type { HostNetwork } from "./host-network.ts";
import type { InstancePlan } from "./plan.ts";

/** What the ports work with: parts of the same thread. */
export interface AdvertPortsParts extends Pick<AdvertPlace, "wireIntervalMs" | "signer"> {
  readonly network: HostNetwork;
  /** All virtual addresses of this director: no packet of it comes from one of them. */
  readonly virtual: ReadonlySet<string>;
  /** Gets what could not be done. */
  readonly complain: (text: string) => void;
  readonly watch: (fd: number) => void;
  readonly unwatch: (fd: number) => void;
}

/** Owns the ports. */
export class AdvertPorts {
  /** By the order of the plan's interfaces. */
  readonly open: (AdvertPort | undefined)[];
  readonly #plan: InstancePlan;
  readonly #parts: AdvertPortsParts;

  constructor(plan: InstancePlan, parts: AdvertPortsParts) {
    this.#plan = plan;
    this.#parts = parts;
    this.open = plan.interfaces.map(() => undefined);
  }

  /** Where the other director was heard last. */
  others(): HandoverPlace[] {
    return this.open.flatMap((port) => {
      if (port?.heardFrom.some((byte) => byte !== 0) !== true) return [];
      return [{ device: port.index, address: port.heardFrom }];
    });
  }

  /** This node's own address on the first interface; undefined while it has none. */
  firstAddress(): AddressBytes | undefined {
    const first = this.#parts.network.link(this.#plan.interfaces[0]!);
    return first === undefined ? undefined : this.#ownAddress(first);
  }

  /**
   * Opens or closes the port of an interface as it is now, anew if its address is another one.
   *
   * @returns True if the router can speak there.
   */
  refresh(index: number): boolean {
    const link = this.#parts.network.link(this.#plan.interfaces[index]!);
    const port = this.open[index];
    const own = link === undefined ? undefined : this.#ownAddress(link);
    const isUsable = link !== undefined && own !== undefined && link.isUp && link.hasCarrier;
    const isSame = isUsable && port?.index === link.index && compareAddresses(port.own, own) === 0;
    if (isSame) return true;
    if (port !== undefined) this.#close(index, port);
    return isUsable && this.#open(index, link, own);
  }

  close(): void {
    for (const [index, port] of this.open.entries()) {
      if (port !== undefined) this.#close(index, port);
    }
  }

  #ownAddress({ index }: Link): AddressBytes | undefined {
    const { family, peers } = this.#plan;
    const isLinkLocal = family === 6 && (peers === undefined || peers[0]!.startsWith("fe80:"));
    const { network, virtual } = this.#parts;
    const text = network.primaryAddress(index, { family, isLinkLocal, virtual });
    return text === undefined ? undefined : parseAddress(text);
  }

  #open(index: number, link: Link, own: AddressBytes): boolean {
    const { wireIntervalMs, signer, watch, complain } = this.#parts;
    const { name: device, index: number } = link;
    try {
      const place = { device, index: number, own, wireIntervalMs, signer };
      const port = new AdvertPort(this.#plan, place);
      this.open[index] = port;
      watch(port.receiver);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      complain(`Cannot speak for ${this.#plan.name} on ${device}: ${error.message}`);
      return false;
    }
  }

  #close(index: number, port: AdvertPort): void {
    this.#parts.unwatch(port.receiver);
    port.close();
    this.open[index] = undefined;
  }
}
