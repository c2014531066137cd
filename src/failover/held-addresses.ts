/**
 * The virtual addresses of one instance on the interfaces of this host.
 *
 * @module
 */

import { NetlinkError } from "../netlink/index.ts";
import type { HostNetwork } from "./host-network.ts";
import type { InstancePlan, PlannedAddress } from "./plan.ts";

/** Who added an address (IFA_PROTO), so that what is left behind can be told: VRRP's number. */
export const addressProtocol = 112;

/** Adds and removes the addresses of a plan. */
export class HeldAddresses {
  readonly #plan: InstancePlan;
  readonly #network: HostNetwork;
  readonly #complain: (text: string) => void;
  /** Index of the interface that an address was added to: its name may be another one by now. */
  readonly #places = new Map<PlannedAddress, number>();

  /** @param complain Gets what could not be done. */
  constructor(plan: InstancePlan, network: HostNetwork, complain: (text: string) => void) {
    this.#plan = plan;
    this.#network = network;
    this.#complain = complain;
  }

  /** Addresses that are not on their interface, as far as that is there. */
  missing(): PlannedAddress[] {
    return this.#plan.addresses.filter((planned) => {
      const link = this.#network.link(planned.interface);
      return link !== undefined && !this.#network.hasAddress(link.index, planned.address);
    });
  }

  /** Adds those that are missing. */
  add(): void {
    for (const planned of this.missing()) this.#change("add", planned);
  }

  /** Removes all, also those that are not there. */
  remove(): void {
    for (const planned of this.#plan.addresses) this.#change("remove", planned);
  }

  #placeOf(what: "add" | "remove", planned: PlannedAddress): number | undefined {
    const index = this.#network.link(planned.interface)?.index;
    if (what === "add") {
      if (index !== undefined) this.#places.set(planned, index);
      return index;
    }
    const added = this.#places.get(planned);
    this.#places.delete(planned);
    return added ?? index;
  }

  #change(what: "add" | "remove", planned: PlannedAddress): void {
    const index = this.#placeOf(what, planned);
    if (index === undefined) return;
    const { address, prefixBits, label } = planned;
    const place = { index, address, prefixBits, noDad: true };
    try {
      if (what === "remove") this.#network.routes.deleteAddress(place);
      else {
        // IPv6: never chosen as the source of this node's own connections.
        const source = this.#plan.family === 6 ? { preferredSeconds: 0 } : {};
        const labelled = label === undefined ? {} : { label };
        const protocol = addressProtocol;
        this.#network.routes.addAddress({ ...place, ...source, ...labelled, protocol });
      }
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#complain(error.message);
    }
  }
}
