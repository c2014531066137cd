/**
 * An engine under test with the servers and clients of one test; all of it ends with the test.
 *
 * @module
 */

import type {
  CloseCause,
  Engine,
  EngineEvent,
  ServerCounters,
  ServiceCounters,
} from "../../src/datapath/index.ts";
import type { ForwardingService } from "../../src/model/index.ts";
import { until } from "../helpers/traffic/deadline.ts";
import { serverAt, serviceWith } from "../helpers/traffic/forwarding.ts";
import type { ServiceChanges } from "../helpers/traffic/forwarding.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import { connectTcp, freePorts, openTcpServer } from "../helpers/traffic/tcp.ts";
import type { TcpServer } from "../helpers/traffic/tcp.ts";
import { openUdpPeer, openUdpServer } from "../helpers/traffic/udp.ts";
import type { UdpPeer } from "../helpers/traffic/udp.ts";
import type { EngineCase } from "./engine-list.ts";
import type { EnginePlace } from "./engine-place.ts";

type EventOf<Type extends EngineEvent["type"]> = Extract<EngineEvent, { type: Type }>;

/** An engine with everything a test needs around it. */
export class EngineBench implements AsyncDisposable {
  readonly engine: Engine;
  /** Everything the engine told, in order. */
  readonly events: EngineEvent[];
  /** Port of the service, free on every loopback address. */
  readonly port: number;
  /** What is to be ended with the test. */
  readonly #stack = new AsyncDisposableStack();
  readonly #clients: TcpPeer[] = [];
  readonly #place: EnginePlace | undefined;
  #isClosed = false;

  private constructor(engine: Engine, events: EngineEvent[], place: EnginePlace | undefined) {
    this.engine = engine;
    this.events = events;
    this.#place = place;
    this.port = freePorts()[0]!;
  }

  /** @param place Where clients and servers are; undefined: with the engine, on loopback. */
  static async open(engineCase: EngineCase, place?: EnginePlace): Promise<EngineBench> {
    const events: EngineEvent[] = [];
    place?.enter();
    try {
      const engine = await engineCase.create((event) => events.push(event), place);
      return new EngineBench(engine, events, place);
    } catch (error) {
      place?.leave();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      for (const client of this.#clients) client.reset();
      if (!this.#isClosed) await this.engine.close(0, AbortSignal.abort());
      await this.#stack.disposeAsync();
    } finally {
      this.#place?.leave();
    }
  }

  /** Closes the engine, which otherwise happens with the end of the test. */
  close(timeoutMs: number, hurry: AbortSignal): Promise<void> {
    this.#isClosed = true;
    return this.engine.close(timeoutMs, hurry);
  }

  /** A TCP server that ends with the test; by default one that echoes. */
  tcpServer(
    onPeer: (peer: TcpPeer) => void = (peer) => void peer.echo(),
    place: { address?: string; port?: number } = {},
  ): TcpServer {
    const here = this.#place;
    if (here === undefined) return this.#stack.use(openTcpServer(onPeer, place));
    const { address = "127.0.0.1", port = 0 } = place;
    const mapped = { address: here.address(address, "server"), port };
    const server = here.at("server", () => openTcpServer(onPeer, mapped));
    return this.#stack.use({ ...server, address });
  }

  /** A UDP server that answers with `name` in front of what it got. */
  async udpServer(name: string, place: { address?: string; port?: number } = {}): Promise<UdpPeer> {
    const here = this.#place;
    if (here === undefined) return this.#stack.use(await openUdpServer(name, place));
    const { address = "127.0.0.1", port = 0 } = place;
    const mapped = { address: here.address(address, "server"), port };
    const server = await here.at("server", () => openUdpServer(name, mapped));
    return this.#stack.use({ ...server, address });
  }

  /** A UDP server that answers only what the test has it answer. */
  async silentUdpServer(): Promise<UdpPeer> {
    const here = this.#place;
    if (here === undefined) return this.#stack.use(await openUdpPeer());
    const own = here.address("127.0.0.1", "server");
    const peer = await here.at("server", () => openUdpPeer(undefined, { address: own }));
    return this.#stack.use({ ...peer, address: "127.0.0.1" });
  }

  async udpClient(address = "127.0.0.1"): Promise<UdpPeer> {
    const here = this.#place;
    if (here === undefined) return this.#stack.use(await openUdpPeer(undefined, { address }));
    const own = here.address(address, "client");
    const peer = await here.at("client", () => openUdpPeer(undefined, { address: own }));
    return this.#stack.use({
      ...peer,
      address,
      send: (data, port, to = "127.0.0.1") => peer.send(data, port, here.address(to, "director")),
      async datagram(index) {
        const datagram = await peer.datagram(index);
        return { ...datagram, address: here.loopback(datagram.address) };
      },
    });
  }

  /** Connects to the service. */
  async connect(address = "127.0.0.1", localAddress?: string): Promise<TcpPeer> {
    const client = await this.#connect(address, localAddress);
    this.#clients.push(client);
    return client;
  }

  #connect(address: string, localAddress: string | undefined): Promise<TcpPeer> {
    const here = this.#place;
    if (here === undefined) return connectTcp(this.port, address, localAddress);
    const to = here.address(address, "director");
    const from = here.address(localAddress ?? "127.0.0.1", "client");
    return here.at("client", () => connectTcp(this.port, to, from));
  }

  /** A service on this bench's port. */
  service(changes: ServiceChanges): ForwardingService {
    return serviceWith({ port: this.port, ...changes });
  }

  /** Applies one service and expects no problem. */
  async apply(changes: ServiceChanges): Promise<ForwardingService> {
    const service = this.service(changes);
    const problems = await this.engine.apply([service]);
    if (problems.length > 0) throw new Error(`Problems: ${JSON.stringify(problems)}`);
    return service;
  }

  /** A service in front of one server that echoes. */
  async applyEcho(changes: ServiceChanges = {}): Promise<TcpServer> {
    const server = this.tcpServer();
    await this.apply({ servers: [serverAt(server)], ...changes });
    return server;
  }

  counters(service = "web"): ServiceCounters {
    const found = this.engine.counters().find(({ name }) => name === service);
    if (found === undefined) throw new Error(`No counters of service ${service}`);
    return found;
  }

  serverCounters(index = 0): ServerCounters {
    return this.counters().servers[index]!;
  }

  /** Waits for counters: what is told in one thread is counted in another. */
  async untilCounters(
    isMet: (counters: ServiceCounters) => boolean,
    what: string,
  ): Promise<ServiceCounters> {
    try {
      return await until(() => (isMet(this.counters()) ? this.counters() : undefined), what);
    } catch (error) {
      throw new Error(`${what}; counters: ${JSON.stringify(this.counters())}`, { cause: error });
    }
  }

  /** Waits until `count` connections ended for this cause. */
  untilClosed(cause: CloseCause, count = 1): Promise<ServiceCounters> {
    return this.untilCounters((all) => all.closed[cause] >= count, `closed for ${cause}`);
  }

  /** Waits for an event of a type. */
  event<Type extends EngineEvent["type"]>(type: Type, index = 0): Promise<EventOf<Type>> {
    const ofType = (event: EngineEvent): event is EventOf<Type> => event.type === type;
    return until(() => this.events.filter(ofType)[index], `event ${type} number ${index}`);
  }
}
