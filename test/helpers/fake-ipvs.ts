/**
 * IPVS of memory behind a fake kernel: it keeps what it is told by netlink messages and lists it
 * again, refuses what the kernel refuses, and can be changed by hand.
 *
 * @module
 */
import {
  IPVS_CMD_DEL_DAEMON,
  IPVS_CMD_DEL_DEST,
  IPVS_CMD_DEL_SERVICE,
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
  IPVS_DEST_ATTR_ACTIVE_CONNS,
  IPVS_DEST_ATTR_PERSIST_CONNS,
  IPVS_DEST_ATTR_STATS64,
  IPVS_INFO_ATTR_CONN_TAB_SIZE,
  IPVS_INFO_ATTR_VERSION,
  IPVS_STATS_ATTR_CONNS,
  IPVS_SVC_ATTR_STATS64,
} from "../../ffi/constants/ip-vs.ts";
import { EEXIST, ENOENT, EPERM, ESRCH } from "../../ffi/errno.ts";
import { formatEndpoint } from "../../src/net/address.ts";
import { encodeGeneric } from "../../src/netlink/generic/family.ts";
import { GenericSocket, IpvsSocket } from "../../src/netlink/generic/index.ts";
import type {
  IpvsAnswer,
  IpvsDaemon,
  IpvsDestinationKey,
  IpvsDestinationSettings,
  IpvsServiceKey,
  IpvsServiceSettings,
  IpvsTimeouts,
} from "../../src/netlink/generic/index.ts";
import {
  decodeDaemon,
  decodeTimeouts,
  encodeDaemon,
  encodeTimeouts,
} from "../../src/netlink/generic/ipvs-control.ts";
import {
  decodeDestination,
  encodeDestination,
} from "../../src/netlink/generic/ipvs-destination.ts";
import { decodeService, encodeService } from "../../src/netlink/generic/ipvs-service.ts";
import { attribute, encodeAttributes, NetlinkSocket } from "../../src/netlink/index.ts";
import type { Attribute, NetlinkMessage } from "../../src/netlink/index.ts";
import { createFakeKernel, hex, kernelAnswer } from "./fake-kernel.ts";
import type { Answer } from "./fake-kernel.ts";

/** A destination of the fake; `active` and `connections` are for the test to set. */
export interface FakeDestination {
  readonly key: IpvsDestinationKey;
  settings: IpvsDestinationSettings;
  active: number;
  persistent: number;
  connections: number;
}

/** A service of the fake. */
export interface FakeIpvsService {
  readonly key: IpvsServiceKey;
  settings: IpvsServiceSettings;
  connections: number;
  /** By `address:port`. */
  readonly destinations: Map<string, FakeDestination>;
}

/** The fake and its levers. */
export interface FakeIpvs {
  /** By `tcp address:port` or `fwmark N`. */
  readonly services: Map<string, FakeIpvsService>;
  /** By their role. */
  readonly daemons: Map<string, IpvsDaemon>;
  timeouts: IpvsTimeouts;
  /** Commands that changed something, by their number, and those that were refused. */
  readonly commands: number[];
  /** Schedulers that it has. */
  schedulers: ReadonlySet<string>;
  /** False: there is no module. */
  isLoaded: boolean;
  /** False: everything is refused with EPERM. */
  isPermitted: boolean;
  /** How often it was opened. */
  opened(): number;
  readonly open: () => IpvsAnswer;
  /** `rr [192.0.2.11:80 gate 1, …]`, one text a service, by their names. */
  table(): Readonly<Record<string, string>>;
}

const familyNumber = 0x22;
const { ack, done, part, refusal } = kernelAnswer;

function idOf(key: IpvsServiceKey): string {
  return key.type === "fwmark" ? `fwmark ${key.mark}` : `${key.protocol} ${formatEndpoint(key)}`;
}

/** `outer` with more attributes in it. */
function extended(outer: Attribute, more: readonly Attribute[]): Attribute {
  return { ...outer, data: Uint8Array.from([...outer.data, ...encodeAttributes(more)]) };
}

function connectionCount(type: number, count: number): Attribute {
  return attribute.nested(type, [attribute.u64(IPVS_STATS_ATTR_CONNS, BigInt(count))]);
}

function answerWith(request: NetlinkMessage, command: number, attributes: readonly Attribute[]) {
  return part(request, familyNumber, encodeGeneric({ command, version: 1, attributes }));
}

class FakeIpvsKernel implements FakeIpvs {
  readonly services = new Map<string, FakeIpvsService>();
  readonly daemons = new Map<string, IpvsDaemon>();
  readonly commands: number[] = [];
  timeouts: IpvsTimeouts = { tcpSeconds: 900, tcpFinSeconds: 120, udpSeconds: 300 };
  schedulers: ReadonlySet<string> = new Set(["rr", "wrr", "wlc", "sh", "mh"]);
  isLoaded = true;
  isPermitted = true;
  #opened = 0;

  opened(): number {
    return this.#opened;
  }

  readonly open = (): IpvsAnswer => {
    this.#opened += 1;
    if (!this.isLoaded) return { isSupported: false, reason: "this kernel has no family IPVS" };
    const family = hex("01 02 0000  0600 0100 2200 0000  0800 0300 01000000");
    const kernel = createFakeKernel((request) =>
      request.type === 16
        ? [part(request, 16, family, 0), ack(request)]
        : this.#answer(request, request.payload[0]!),
    );
    const socket = new IpvsSocket(new GenericSocket(new NetlinkSocket(kernel)));
    return { isSupported: true, ipvs: socket };
  };

  table(): Readonly<Record<string, string>> {
    const texts = Array.from(this.services, ([id, { settings, destinations }]) => {
      const servers = Array.from(
        destinations,
        ([key, { settings: own }]) => `${key} ${own.method} ${own.weight}`,
      );
      return [id, `${settings.scheduler} [${servers.toSorted().join(", ")}]`] as const;
    });
    return Object.fromEntries(texts.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #answer(request: NetlinkMessage, command: number): readonly Answer[] {
    if (!this.isPermitted) return [refusal(request, EPERM)];
    switch (command) {
      case IPVS_CMD_GET_INFO:
        return this.#facts(request, command, [
          attribute.u32(IPVS_INFO_ATTR_VERSION, 0x01_02_01),
          attribute.u32(IPVS_INFO_ATTR_CONN_TAB_SIZE, 4096),
        ]);
      case IPVS_CMD_GET_CONFIG:
        return this.#facts(request, command, encodeTimeouts(this.timeouts));
      case IPVS_CMD_GET_DAEMON:
        return [...this.#listDaemons(request), done(request)];
      case IPVS_CMD_NEW_DAEMON:
      case IPVS_CMD_DEL_DAEMON:
        return [this.#changeDaemon(request, command)];
      case IPVS_CMD_SET_CONFIG:
        return [this.#setTimeouts(request, command)];
      case IPVS_CMD_GET_SERVICE:
        return [...this.#listServices(request), done(request)];
      case IPVS_CMD_GET_DEST:
        return [...this.#listDestinations(request), done(request)];
      default:
        return [this.#change(request, command)];
    }
  }

  #facts(request: NetlinkMessage, command: number, attributes: readonly Attribute[]): Answer[] {
    const payload = encodeGeneric({ command, version: 1, attributes });
    return [part(request, familyNumber, payload, 0), ack(request)];
  }

  #listServices(request: NetlinkMessage): Answer[] {
    return Array.from(this.services.values(), ({ key, settings, connections }) => {
      const service = encodeService(key, settings);
      const stats = connectionCount(IPVS_SVC_ATTR_STATS64, connections);
      return answerWith(request, IPVS_CMD_NEW_SERVICE, [extended(service, [stats])]);
    });
  }

  #listDestinations(request: NetlinkMessage): Answer[] {
    const { destinations } = this.services.get(idOf(this.#serviceOf(request).key))!;
    return Array.from(destinations.values(), ({ key, settings, ...counts }) => {
      const destination = extended(encodeDestination(key, settings), [
        attribute.u32(IPVS_DEST_ATTR_ACTIVE_CONNS, counts.active),
        attribute.u32(IPVS_DEST_ATTR_PERSIST_CONNS, counts.persistent),
        connectionCount(IPVS_DEST_ATTR_STATS64, counts.connections),
      ]);
      return answerWith(request, IPVS_CMD_NEW_DEST, [destination]);
    });
  }

  #listDaemons(request: NetlinkMessage): Answer[] {
    return Array.from(this.daemons.values(), (daemon) =>
      answerWith(request, IPVS_CMD_NEW_DAEMON, [encodeDaemon(daemon)]),
    );
  }

  #changeDaemon(request: NetlinkMessage, command: number): Answer {
    this.commands.push(command);
    const decoded = decodeDaemon(request);
    if (!decoded.ok) throw new Error(`Daemon of a request: ${decoded.fault}`);
    const { role } = decoded.value;
    const isNew = command === IPVS_CMD_NEW_DAEMON;
    if (isNew === this.daemons.has(role)) return refusal(request, isNew ? EEXIST : ESRCH);
    if (isNew) this.daemons.set(role, decoded.value);
    else this.daemons.delete(role);
    return ack(request);
  }

  #setTimeouts(request: NetlinkMessage, command: number): Answer {
    this.commands.push(command);
    const decoded = decodeTimeouts(request);
    if (!decoded.ok) throw new Error(`Timeouts of a request: ${decoded.fault}`);
    const set = Object.entries(decoded.value).filter(([, seconds]) => seconds > 0);
    this.timeouts = { ...this.timeouts, ...Object.fromEntries(set) };
    return ack(request);
  }

  #serviceOf(request: NetlinkMessage) {
    const service = decodeService(request);
    if (!service.ok) throw new Error(`Service of a request: ${service.fault}`);
    return service.value;
  }

  #change(request: NetlinkMessage, command: number): Answer {
    this.commands.push(command);
    const { key, stats: _stats, ...settings } = this.#serviceOf(request);
    const id = idOf(key);
    const known = this.services.get(id);
    const isNew = command === IPVS_CMD_NEW_SERVICE;
    if (isNew || command === IPVS_CMD_SET_SERVICE) {
      if (isNew && known !== undefined) return refusal(request, EEXIST);
      if (!this.schedulers.has(settings.scheduler)) return refusal(request, ENOENT);
      if (isNew) this.services.set(id, { key, settings, connections: 0, destinations: new Map() });
      else if (known === undefined) return refusal(request, ESRCH);
      else known.settings = settings;
      return ack(request);
    }
    if (known === undefined) return refusal(request, ESRCH);
    if (command === IPVS_CMD_DEL_SERVICE) this.services.delete(id);
    else return this.#changeDestination(request, command, known);
    return ack(request);
  }

  #changeDestination(
    request: NetlinkMessage,
    command: number,
    { key: service, destinations }: FakeIpvsService,
  ): Answer {
    const decoded = decodeDestination(request, service.family);
    if (!decoded.ok) throw new Error(`Destination of a request: ${decoded.fault}`);
    const { address, port, method, weight, upperThreshold, lowerThreshold, tunnel } = decoded.value;
    const id = formatEndpoint({ address, port });
    const settings = { method, weight, upperThreshold, lowerThreshold, tunnel };
    const known = destinations.get(id);
    if (command === IPVS_CMD_NEW_DEST) {
      if (known !== undefined) return refusal(request, EEXIST);
      const counts = { active: 0, persistent: 0, connections: 0 };
      destinations.set(id, { key: { address, port }, settings, ...counts });
      return ack(request);
    }
    if (known === undefined) return refusal(request, ENOENT);
    if (command === IPVS_CMD_SET_DEST) known.settings = settings;
    else if (command === IPVS_CMD_DEL_DEST) destinations.delete(id);
    return ack(request);
  }
}

/** Makes one without services. */
export function createFakeIpvs(): FakeIpvs {
  return new FakeIpvsKernel();
}
