/**
 * The listeners of the portable engine: opens what is missing, hands over what stays, closes the
 * rest.
 *
 * @module
 */

import { ApplianceError } from "../../errors/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ApplyProblem, CloseCause } from "../engine.ts";
import { openListener, requireFree } from "../proxy/listener.ts";
import type { ListenRequest } from "../proxy/listener.ts";
import type { PortableService } from "./service.ts";
import type { TcpConnection, TcpConnectionParts } from "./tcp-connection.ts";
import { TcpListener } from "./tcp-listener.ts";
import { UdpListener } from "./udp-listener.ts";
import type { UdpListenerParts } from "./udp-listener.ts";

/** What the table hands to the listeners it opens. */
export interface ListenerParts {
  readonly tcp: TcpConnectionParts & { readonly onOpened: (connection: TcpConnection) => void };
  readonly udp: UdpListenerParts;
}

function keyOf({ protocol, address, port }: ListenRequest): string {
  return `${protocol} ${formatEndpoint({ address, port })}`;
}

/** Every address and port of a service. */
function requestsOf({ protocol, listen, timeouts }: ForwardingService): ListenRequest[] {
  return listen.flatMap(({ address, portFirst, portLast }) =>
    Array.from({ length: portLast - portFirst + 1 }, (_, index) => ({
      protocol,
      address,
      port: portFirst + index,
      timeouts,
    })),
  );
}

/** Listeners by protocol, address and port. */
export class ListenerTable {
  readonly #parts: ListenerParts;
  readonly #listeners = new Map<string, TcpListener | UdpListener>();

  constructor(parts: ListenerParts) {
    this.#parts = parts;
  }

  /**
   * Makes the listeners those of `services`.
   *
   * @returns What could not be opened.
   */
  async match(services: readonly PortableService[]): Promise<readonly ApplyProblem[]> {
    const wanted = services.flatMap((service) =>
      requestsOf(service.definition).map((request) => ({ service, request, key: keyOf(request) })),
    );
    const keys = new Set(wanted.map(({ key }) => key));
    // First what goes: it may be in the way of what comes (an address and the wildcard).
    for (const [key, listener] of this.#listeners) {
      if (keys.has(key)) continue;
      this.#listeners.delete(key);
      closeListener(listener, "service-removed");
    }
    const problems: ApplyProblem[] = [];
    const taken = new Map<string, PortableService>();
    for (const { service, request, key } of wanted) {
      const problem =
        taken.has(key) && taken.get(key) !== service
          ? inUseBy(service, key, taken.get(key)!)
          : await this.#provide(key, request, service);
      if (problem === undefined) taken.set(key, service);
      else problems.push(problem);
    }
    return problems;
  }

  async #provide(
    key: string,
    request: ListenRequest,
    service: PortableService,
  ): Promise<ApplyProblem | undefined> {
    const known = this.#listeners.get(key);
    if (known !== undefined) {
      known.service = service;
      return undefined;
    }
    try {
      requireFree(request);
      this.#listeners.set(key, await this.#open(request, service));
      return undefined;
    } catch (error) {
      if (!(error instanceof ApplianceError)) throw error;
      return { service: service.name, code: error.code, message: error.message };
    }
  }

  async #open(
    request: ListenRequest,
    service: PortableService,
  ): Promise<TcpListener | UdpListener> {
    const fd = openListener(request);
    if (request.protocol === "tcp") return new TcpListener(fd, service, this.#parts.tcp);
    const { address, port } = request;
    const listener = new UdpListener(service, { address, port }, this.#parts.udp);
    await listener.open(fd);
    return listener;
  }

  /** Takes no new clients. UDP addresses stay open, for the answers of live flows. */
  drain(): void {
    for (const [key, listener] of this.#listeners) {
      if (listener instanceof UdpListener) listener.drain();
      else {
        listener.close();
        this.#listeners.delete(key);
      }
    }
  }

  /** Lets go of every address. */
  close(cause: CloseCause): void {
    for (const listener of this.#listeners.values()) closeListener(listener, cause);
    this.#listeners.clear();
  }
}

function closeListener(listener: TcpListener | UdpListener, cause: CloseCause): void {
  if (listener instanceof UdpListener) listener.close(cause);
  else listener.close();
}

function inUseBy(service: PortableService, key: string, other: PortableService): ApplyProblem {
  const message = `Cannot listen on ${key}: service ${other.name} listens there`;
  return { service: service.name, code: "LISTEN_IN_USE", message };
}
