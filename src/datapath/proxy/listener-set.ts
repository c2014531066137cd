/**
 * The listening sockets of the proxy: who wants which, and which worker has which.
 *
 * The main thread owns the descriptors. A socket that another service wants from now on changes
 * hands without being closed; one that nobody wants is first let go by the workers, which take
 * what waits in its queue, and closed then.
 *
 * Another process may have the same sockets: what was not let go there is not let go by a close
 * here, and what waits in a queue is taken by whoever accepts.
 *
 * @module
 */

import { closeDescriptor } from "../../../ffi/socket.ts";
import { ApplianceError } from "../../errors/index.ts";
import type { ForwardingService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import type { ApplyProblem, SharedListener } from "../engine.ts";
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
  /** Sockets of an earlier process that no service has asked for yet. */
  readonly #shared: Map<string, readonly number[]>;
  #isAccepting: boolean;

  /** @param shared Undefined: there is no earlier process; what is opened accepts at once. */
  constructor(workers: readonly WorkerThread[], shared?: readonly SharedListener[]) {
    this.#workers = workers;
    this.#shared = new Map(shared?.map(({ key, fds }) => [key, fds]));
    this.#isAccepting = shared === undefined;
  }

  /** Open descriptors. */
  get descriptorCount(): number {
    return this.#listeners.size * this.#workers.length;
  }

  /** What another process needs to have the same sockets. */
  share(): SharedListener[] {
    return Array.from(this.#listeners, ([key, { fds }]) => ({ key, fds }));
  }

  /** Has the workers accept, or leave everything in its queues. */
  setAccepting(isAccepting: boolean): void {
    if (this.#isAccepting === isAccepting) return;
    this.#isAccepting = isAccepting;
    const listeners = [...this.#listeners.values()];
    if (!isAccepting) {
      this.letGo(listeners.filter(({ request }) => request.protocol === "tcp"));
      for (const listener of listeners) {
        if (listener.request.protocol === "udp") this.#tell(listener, "mute");
      }
      return;
    }
    for (const listener of listeners) this.#announce(listener);
    // Services that were removed between the two processes.
    for (const fd of [...this.#shared.values()].flat()) closeDescriptor(fd);
    this.#shared.clear();
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
    const fds = [...(this.#shared.get(keyOf(request)) ?? [])];
    this.#shared.delete(keyOf(request));
    try {
      if (fds.length === 0) this.#requireFree(request);
      else if (request.protocol === "tcp")
        for (const fd of fds) setTcpOptions(fd, request.timeouts);
      // With fewer workers than before some of them get several sockets.
      while (fds.length < this.#workers.length) fds.push(openListener(request));
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
    if (!this.#isAccepting) return;
    const { protocol, address, port } = request;
    for (const [index, fd] of fds.entries()) {
      this.#workerOf(index).send({ type: "listen", fd, slot, protocol, address, port });
    }
  }

  #workerOf(index: number): WorkerThread {
    return this.#workers[index % this.#workers.length]!;
  }

  #tell({ fds }: OpenListener, type: "mute" | "unlisten"): void {
    for (const [index, fd] of fds.entries()) this.#workerOf(index).send({ type, fd });
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
    for (const listener of listeners) this.#tell(listener, "unlisten");
  }

  /** Closes listeners that the workers have let go of. */
  close(listeners: readonly OpenListener[]): void {
    for (const { fds } of listeners) for (const fd of fds) closeDescriptor(fd);
  }
}
