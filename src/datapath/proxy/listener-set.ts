/**
 * The listening sockets of the proxy: who wants which, and which worker has which.
 *
 * The main thread owns the descriptors. A socket that another service wants from now on changes
 * hands without being closed; one that nobody wants is first let go by the workers, which take
 * what waits in its queue, and closed then.
 *
 * @module
 */

import { closeDescriptor } from "../../../ffi/socket.ts";
import { ApplianceError } from "../../errors/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ApplyProblem } from "../engine.ts";
import { openListener, requireFree, setTcpOptions } from "./listener.ts";
import type { ListenRequest } from "./listener.ts";
import type { WorkerThread } from "./worker-thread.ts";

/** One address and port, with one socket a worker in their order. */
export interface OpenListener {
  request: ListenRequest;
  readonly fds: readonly number[];
  /** Slot of the service whose clients arrive here. */
  serviceSlot: number;
}

/** Every address and port of a service. */
function* requestsOf(service: ForwardingService): Generator<ListenRequest> {
  const { protocol, timeouts } = service;
  for (const { address, portFirst, portLast } of service.listen) {
    for (let port = portFirst; port <= portLast; port++) {
      yield { protocol, address, port, timeouts };
    }
  }
}

function keyOf({ protocol, address, port }: ListenRequest): string {
  return `${protocol} ${formatEndpoint({ address, port })}`;
}

/** Listeners of one engine. Owns their descriptors. */
export class ListenerSet {
  readonly #workers: readonly WorkerThread[];
  readonly #listeners = new Map<string, OpenListener>();

  constructor(workers: readonly WorkerThread[]) {
    this.#workers = workers;
  }

  /** Open descriptors. */
  get descriptorCount(): number {
    return this.#listeners.size * this.#workers.length;
  }

  /** Opens what the service misses and hands over what another one had. @returns What failed. */
  provide(service: ForwardingService, serviceSlot: number): readonly ApplyProblem[] {
    const problems: ApplyProblem[] = [];
    for (const request of requestsOf(service)) {
      const known = this.#listeners.get(keyOf(request));
      if (known === undefined) problems.push(...this.#open(request, service.name, serviceSlot));
      else this.#handOver(known, request, serviceSlot);
    }
    return problems;
  }

  #handOver(known: OpenListener, request: ListenRequest, serviceSlot: number): void {
    if (request.protocol === "tcp") {
      for (const fd of known.fds) setTcpOptions(fd, request.timeouts);
    }
    known.request = request;
    if (known.serviceSlot === serviceSlot) return;
    known.serviceSlot = serviceSlot;
    this.#announce(known);
  }

  #open(request: ListenRequest, service: string, serviceSlot: number): readonly ApplyProblem[] {
    const fds: number[] = [];
    try {
      this.#requireFree(request);
      for (const _ of this.#workers) fds.push(openListener(request));
    } catch (error) {
      for (const fd of fds) closeDescriptor(fd);
      if (!(error instanceof ApplianceError)) throw error;
      return [{ service, code: error.code, message: error.message }];
    }
    const listener: OpenListener = { request, fds, serviceSlot };
    this.#listeners.set(keyOf(request), listener);
    this.#announce(listener);
    return [];
  }

  /** A wildcard and an address of ours share a port while one gives way to the other. */
  #requireFree(request: ListenRequest): void {
    try {
      requireFree(request);
    } catch (error) {
      const isOurs = [...this.#listeners.values()].some(
        (known) =>
          known.request.protocol === request.protocol && known.request.port === request.port,
      );
      if (!isOurs) throw error;
    }
  }

  #announce({ request, fds, serviceSlot: slot }: OpenListener): void {
    const { protocol, address, port } = request;
    for (const [worker, fd] of fds.entries()) {
      this.#workers[worker]!.send({ type: "listen", fd, slot, protocol, address, port });
    }
  }

  /** Takes out what none of `services` wants; the caller lets go of it and closes it. */
  takeUnwanted(services: readonly ForwardingService[]): readonly OpenListener[] {
    const unwanted = new Map(this.#listeners);
    for (const service of services) {
      for (const request of requestsOf(service)) unwanted.delete(keyOf(request));
    }
    for (const key of unwanted.keys()) this.#listeners.delete(key);
    return [...unwanted.values()];
  }

  /** Tells the workers to take what waits at `listeners` and to let go of them. */
  letGo(listeners: readonly OpenListener[]): void {
    for (const { fds } of listeners) {
      for (const [worker, fd] of fds.entries()) {
        this.#workers[worker]!.send({ type: "unlisten", fd });
      }
    }
  }

  /** Closes listeners that the workers have let go of. */
  close(listeners: readonly OpenListener[]): void {
    for (const { fds } of listeners) for (const fd of fds) closeDescriptor(fd);
  }
}
