/**
 * IPVS as typed calls over generic netlink.
 *
 * Synchronous; of the network namespace of the thread that opened it: each has an IPVS of its own.
 * {@link openIpvs} says by its answer that a kernel has none. What the kernel refuses is a
 * {@link NetlinkError}: `EEXIST` for what is there, `ESRCH` for a service that is not, `ENOENT` for
 * a scheduler or a destination that is not.
 *
 * @module
 */

import {
  IPVS_CMD_DEL_DAEMON,
  IPVS_CMD_DEL_DEST,
  IPVS_CMD_DEL_SERVICE,
  IPVS_CMD_FLUSH,
  IPVS_CMD_GET_CONFIG,
  IPVS_CMD_GET_DAEMON,
  IPVS_CMD_GET_DEST,
  IPVS_CMD_GET_INFO,
  IPVS_CMD_GET_SERVICE,
  IPVS_CMD_NEW_DAEMON,
  IPVS_CMD_NEW_DEST,
  IPVS_CMD_NEW_SERVICE,
  IPVS_CMD_SET_CONFIG,
  IPVS_CMD_SET_DEST,
  IPVS_CMD_SET_SERVICE,
  IPVS_CMD_ZERO,
  IPVS_GENL_NAME,
} from "../../../ffi/constants/ip-vs.ts";
import { ESRCH } from "../../../ffi/errno.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { Attribute } from "../attribute.ts";
import { isRefusal, NetlinkError } from "../error.ts";
import type { NetlinkSocketSettings } from "../socket.ts";
import type { GenericSocket } from "./family.ts";
import { openGenericSocket } from "./family.ts";
import {
  decodeDaemon,
  decodeInfo,
  decodeTimeouts,
  encodeDaemon,
  encodeTimeouts,
} from "./ipvs-control.ts";
import type { IpvsDaemon, IpvsInfo, IpvsTimeouts } from "./ipvs-control.ts";
import { decodeDestination, encodeDestination, encodeDestinationKey } from "./ipvs-destination.ts";
import type {
  IpvsDestination,
  IpvsDestinationKey,
  IpvsDestinationSettings,
} from "./ipvs-destination.ts";
import { decodeService, encodeService, encodeServiceKey } from "./ipvs-service.ts";
import type { IpvsService, IpvsServiceKey, IpvsServiceSettings } from "./ipvs-service.ts";

function describe(key: IpvsServiceKey): string {
  return key.type === "fwmark"
    ? `service of mark ${key.mark}`
    : `${key.protocol} service ${formatEndpoint(key)}`;
}

/** IPVS of one namespace. The opener closes it. */
export class IpvsSocket implements Disposable {
  readonly #generic: GenericSocket;

  constructor(generic: GenericSocket) {
    this.#generic = generic;
  }

  /** @throws {NetlinkError} `NETLINK_NOT_SUPPORTED` if the kernel's IPVS is gone. */
  readInfo(): IpvsInfo {
    const request = { operation: "read the version of IPVS", command: IPVS_CMD_GET_INFO };
    return this.#one(request.operation, this.#generic.request(IPVS_GENL_NAME, request, decodeInfo));
  }

  listServices(): IpvsService[] {
    const request = { operation: "list IPVS services", command: IPVS_CMD_GET_SERVICE };
    return this.#generic.dump(IPVS_GENL_NAME, request, decodeService);
  }

  /** One service; undefined if there is none. */
  getService(key: IpvsServiceKey): IpvsService | undefined {
    const operation = `read ${describe(key)}`;
    const attributes = [encodeServiceKey(key)];
    const request = { operation, command: IPVS_CMD_GET_SERVICE, attributes };
    try {
      return this.#generic.request(IPVS_GENL_NAME, request, decodeService)[0];
    } catch (error) {
      if (isRefusal(error, ESRCH)) return undefined;
      throw error;
    }
  }

  addService(key: IpvsServiceKey, settings: IpvsServiceSettings): void {
    this.#act(`add ${describe(key)}`, IPVS_CMD_NEW_SERVICE, [encodeService(key, settings)]);
  }

  setService(key: IpvsServiceKey, settings: IpvsServiceSettings): void {
    this.#act(`change ${describe(key)}`, IPVS_CMD_SET_SERVICE, [encodeService(key, settings)]);
  }

  deleteService(key: IpvsServiceKey): void {
    this.#act(`delete ${describe(key)}`, IPVS_CMD_DEL_SERVICE, [encodeServiceKey(key)]);
  }

  listDestinations(service: IpvsServiceKey): IpvsDestination[] {
    const request = {
      operation: `list real servers of ${describe(service)}`,
      command: IPVS_CMD_GET_DEST,
      attributes: [encodeServiceKey(service)],
    };
    return this.#generic.dump(IPVS_GENL_NAME, request, (message) =>
      decodeDestination(message, service.family),
    );
  }

  addDestination(
    service: IpvsServiceKey,
    key: IpvsDestinationKey,
    settings: IpvsDestinationSettings,
  ): void {
    const attributes = [encodeServiceKey(service), encodeDestination(key, settings)];
    const operation = `add real server ${formatEndpoint(key)} to ${describe(service)}`;
    this.#act(operation, IPVS_CMD_NEW_DEST, attributes);
  }

  setDestination(
    service: IpvsServiceKey,
    key: IpvsDestinationKey,
    settings: IpvsDestinationSettings,
  ): void {
    const attributes = [encodeServiceKey(service), encodeDestination(key, settings)];
    const operation = `change real server ${formatEndpoint(key)} of ${describe(service)}`;
    this.#act(operation, IPVS_CMD_SET_DEST, attributes);
  }

  deleteDestination(service: IpvsServiceKey, key: IpvsDestinationKey): void {
    const attributes = [encodeServiceKey(service), encodeDestinationKey(key)];
    const operation = `delete real server ${formatEndpoint(key)} of ${describe(service)}`;
    this.#act(operation, IPVS_CMD_DEL_DEST, attributes);
  }

  readTimeouts(): IpvsTimeouts {
    const request = { operation: "read the timeouts of IPVS", command: IPVS_CMD_GET_CONFIG };
    const values = this.#generic.request(IPVS_GENL_NAME, request, decodeTimeouts);
    return this.#one(request.operation, values);
  }

  /** A value of 0 leaves the timeout as it is. */
  setTimeouts(timeouts: IpvsTimeouts): void {
    this.#act("set the timeouts of IPVS", IPVS_CMD_SET_CONFIG, encodeTimeouts(timeouts));
  }

  listDaemons(): IpvsDaemon[] {
    const request = { operation: "list IPVS daemons", command: IPVS_CMD_GET_DAEMON };
    return this.#generic.dump(IPVS_GENL_NAME, request, decodeDaemon);
  }

  startDaemon(daemon: IpvsDaemon): void {
    this.#act(`start the IPVS ${daemon.role} daemon`, IPVS_CMD_NEW_DAEMON, [encodeDaemon(daemon)]);
  }

  stopDaemon(daemon: IpvsDaemon): void {
    this.#act(`stop the IPVS ${daemon.role} daemon`, IPVS_CMD_DEL_DAEMON, [encodeDaemon(daemon)]);
  }

  /** Sets the counters of one service, or of all, to zero. */
  zero(service?: IpvsServiceKey): void {
    const attributes = service === undefined ? [] : [encodeServiceKey(service)];
    this.#act("set IPVS counters to zero", IPVS_CMD_ZERO, attributes);
  }

  /** Removes all services of this namespace, whoever made them. */
  flush(): void {
    this.#act("remove all IPVS services", IPVS_CMD_FLUSH, []);
  }

  close(): void {
    this.#generic.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #act(operation: string, command: number, attributes: readonly Attribute[]): void {
    this.#generic.request(IPVS_GENL_NAME, { operation, command, attributes });
  }

  #one<Value>(operation: string, [value]: readonly Value[]): Value {
    if (value !== undefined) return value;
    throw new NetlinkError("NETLINK_MALFORMED", `Cannot ${operation}: the answer is empty`);
  }
}

/** IPVS, or why there is none. */
export type IpvsAnswer =
  | { readonly isSupported: true; readonly ipvs: IpvsSocket }
  | { readonly isSupported: false; readonly reason: string };

/**
 * Opens IPVS of the network namespace of this thread. The caller closes it.
 *
 * @throws {NetlinkError} `NETLINK_SOCKET`.
 */
export function openIpvs(settings?: NetlinkSocketSettings): IpvsAnswer {
  const generic = openGenericSocket(settings);
  const answer = generic.findFamily(IPVS_GENL_NAME);
  if (answer.isSupported) return { isSupported: true, ipvs: new IpvsSocket(generic) };
  generic.close();
  return answer;
}
