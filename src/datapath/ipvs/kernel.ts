/**
 * The kernel's IPVS, opened when it is first needed and opened again after it was lost. Belongs to
 * one engine, which closes it.
 *
 * @module
 */

import { ENOENT, EPERM, ESRCH } from "../../../ffi/errno.ts";
import type { Clock } from "../../clock/index.ts";
import { errorText, invariant } from "../../errors/index.ts";
import type { IpvsAnswer, IpvsInfo, IpvsSocket } from "../../netlink/generic/index.ts";
import { isRefusal, NetlinkError } from "../../netlink/index.ts";
import type { FoundService, IpvsCommand } from "./reconcile.ts";
import { serviceId } from "./table.ts";

/** A kernel without IPVS is asked again after this time: its module may have been loaded. */
const askAgainMs = 5000;

const noModule =
  "this kernel has no IPVS: load its module on the host (modprobe ip_vs); " +
  "a container uses the one of its host";
const notPermitted = "IPVS may not be used: CAP_NET_ADMIN on the host is missing";

/** Opens IPVS of this network namespace. @throws {NetlinkError} */
export type OpenIpvs = () => IpvsAnswer;

/** IPVS and why there is none, and what is done to it. */
export class IpvsKernel {
  readonly #clock: Clock;
  readonly #open: OpenIpvs;
  #socket: IpvsSocket | undefined;
  #info: IpvsInfo | undefined;
  #obstacle: string | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, open: OpenIpvs) {
    this.#clock = clock;
    this.#open = open;
  }

  /** Why IPVS cannot be used; undefined: it can, and is open. */
  obstacle(): string | undefined {
    if (this.#socket !== undefined) return undefined;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#askedAtMs >= askAgainMs) {
      this.#askedAtMs = nowMs;
      this.#obstacle = this.#tryOpen();
    }
    return this.#obstacle;
  }

  #tryOpen(): string | undefined {
    let socket: IpvsSocket | undefined;
    try {
      const answer = this.#open();
      if (!answer.isSupported) return noModule;
      socket = answer.ipvs;
      // Finding the family needs no privilege, using it does.
      this.#info = socket.readInfo();
      this.#socket = socket;
      return undefined;
    } catch (error) {
      socket?.close();
      return isRefusal(error, EPERM) ? notPermitted : `IPVS cannot be used: ${errorText(error)}`;
    }
  }

  /** Version and size; the kernel must be open. */
  get info(): IpvsInfo {
    invariant(this.#info !== undefined, "IPVS is open");
    return this.#info;
  }

  /** The open socket. @throws {ApplianceError} of the last try if there is none. */
  get socket(): IpvsSocket {
    const obstacle = this.obstacle();
    if (this.#socket !== undefined) return this.#socket;
    throw new NetlinkError("NETLINK_NOT_SUPPORTED", `Cannot use IPVS: ${obstacle ?? noModule}`);
  }

  /**
   * Reads services and their destinations.
   *
   * @param isMeant Chooses services by {@link serviceId}; the others are not looked into.
   * @throws {NetlinkError}
   */
  read(isMeant: (id: string) => boolean): ReadonlyMap<string, FoundService> {
    return this.#using((socket) => {
      const found = new Map<string, FoundService>();
      for (const service of socket.listServices()) {
        const id = serviceId(service.key);
        if (!isMeant(id)) continue;
        found.set(id, { service, destinations: socket.listDestinations(service.key) });
      }
      return found;
    });
  }

  /** Carries a command out. What is to be removed may be gone already. @throws {NetlinkError} */
  carryOut(command: IpvsCommand): void {
    this.#using((socket) => {
      const { service } = command;
      switch (command.type) {
        case "add-service":
          return socket.addService(service, command.settings);
        case "set-service":
          return socket.setService(service, command.settings);
        case "delete-service":
          return remove(() => socket.deleteService(service));
        case "add-destination":
          return socket.addDestination(service, command.destination, command.settings);
        case "set-destination":
          return socket.setDestination(service, command.destination, command.settings);
        case "delete-destination":
          return remove(() => socket.deleteDestination(service, command.destination));
      }
    });
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#askedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Lets go of a socket that has failed, so that the next use opens another one. */
  #using<Value>(use: (socket: IpvsSocket) => Value): Value {
    const { socket } = this;
    try {
      return use(socket);
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.code !== "NETLINK_REFUSED") this.close();
      throw error;
    }
  }
}

function remove(request: () => void): void {
  try {
    request();
  } catch (error) {
    if (!isRefusal(error, ENOENT, ESRCH)) throw error;
  }
}
