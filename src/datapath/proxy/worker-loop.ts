/**
 * The loop of one proxy worker: waits in epoll, hands events to the parts, carries out commands.
 *
 * The thread never returns to its JavaScript event loop until it is told to exit, so nothing
 * here may wait for a promise or a timer.
 *
 * @module
 */

import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from "../../../ffi/constants/epoll.ts";
import { drainEventfd, Poller } from "../../../ffi/epoll.ts";
import { invariant } from "../../errors/index.ts";
import { foldAddress, parseAddress } from "../../net/address.ts";
import { MailboxReader } from "../../thread/index.ts";
import type { EngineListener } from "../engine.ts";
import { listConnections } from "./connection-list.ts";
import { flag, FlowTable, kind } from "./flow-table.ts";
import type { Listener } from "./flow-table.ts";
import { GarbageMeter } from "./garbage-meter.ts";
import { Gatherer } from "./gatherer.ts";
import { allParts, connectionsMaxReader, processRow, processWord, sumWord } from "./layout.ts";
import { PersistenceLink } from "./persistence-link.ts";
import { PipePool } from "./pipe-pool.ts";
import type { WorkerCommand, WorkerMessage, WorkerStart } from "./protocol.ts";
import { endTickMs, openSockmap } from "./sockmap.ts";
import type { Sockmap } from "./sockmap.ts";
import { TcpAcceptor } from "./tcp-acceptor.ts";
import { TcpCloser } from "./tcp-closer.ts";
import { TcpConnector } from "./tcp-connector.ts";
import { TcpRelay } from "./tcp-relay.ts";
import { TcpTimeouts } from "./tcp-timeouts.ts";
import { UdpRelay } from "./udp-relay.ts";
import { WorkerService } from "./worker-service.ts";
import type { WorkerCounters } from "./worker-service.ts";

/** Events taken by one epoll_wait(2). */
const eventsMax = 512;
/** How long listeners rest when descriptors are short or all connections are taken. */
const pauseMs = 50;
/** Descriptors kept free for pipes, new connections under way and the rest of the program. */
const sparePipes = 64;
/** A shortage that lasts is told this often. */
const pauseLineMs = 10_000;
const endEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

/** One worker: its table, its parts, its loop. */
export class WorkerLoop {
  readonly #start: WorkerStart;
  readonly #post: (message: WorkerMessage) => void;
  readonly #poller = new Poller(eventsMax);
  readonly #table: FlowTable;
  readonly #counters: WorkerCounters;
  /** Client connections and flows that all workers together may have. */
  readonly #connectionsMax: () => number;
  readonly #mailbox: MailboxReader<WorkerCommand>;
  readonly #services = new Map<number, WorkerService>();
  readonly #listeners = new Map<number, Listener>();
  readonly #garbage = new GarbageMeter();
  readonly #gatherer = new Gatherer();
  readonly #pipes: PipePool;
  readonly #closer: TcpCloser;
  readonly #relay: TcpRelay;
  readonly #connector: TcpConnector;
  readonly #acceptor: TcpAcceptor;
  readonly #timeouts: TcpTimeouts;
  readonly #udp: UdpRelay;
  readonly #sockmap: Sockmap | undefined;
  #nowMs = performance.now();
  #resumeAtMs = 0;
  #nextPauseLineMs = 0;
  #isPaused = false;
  #isRunning = true;

  constructor(start: WorkerStart, post: (message: WorkerMessage) => void) {
    this.#start = start;
    this.#post = post;
    const all = allParts(start.counters);
    const own = all[start.worker]!;
    this.#counters = { own, all, clock: { nowMs: () => this.#nowMs } };
    this.#connectionsMax = connectionsMaxReader(start.counters);
    this.#table = new FlowTable(start.descriptorsMax);
    this.#mailbox = new MailboxReader<WorkerCommand>(start.mailbox);
    const [table, poller] = [this.#table, this.#poller];
    const nowMs = (): number => this.#nowMs;
    const garbage = this.#garbage;
    const hasRoom = (): boolean => this.#open() < this.#connectionsMax();
    const tell: EngineListener = (event) => post({ type: "event", event });
    const persistence = new PersistenceLink(start.persistence);
    const pipes = new PipePool(table, () => this.#mayOpenPipe());
    this.#pipes = pipes;
    this.#closer = new TcpCloser({
      table,
      pipes,
      counters: own,
      persistence,
      tell,
      nowMs,
      garbage,
      settle: (client, server) => void this.#sockmap?.refresh(client, server),
    });
    const closer = this.#closer;
    this.#relay = new TcpRelay({ table, poller, pipes, counters: own, closer, garbage });
    this.#connector = new TcpConnector({
      table,
      poller,
      counters: own,
      closer,
      relay: this.#relay,
      persistence,
      tell,
      nowMs,
      onConnecting: (fd, generation) => this.#timeouts.watchConnect(fd, generation),
    });
    this.#timeouts = new TcpTimeouts({
      table,
      closer,
      connector: this.#connector,
      sockmap: () => this.#sockmap,
    });
    if (start.sockmap) this.#sockmap = this.#openSockmap(tell);
    this.#acceptor = new TcpAcceptor({
      table,
      poller,
      counters: own,
      closer,
      connector: this.#connector,
      nowMs,
      hasRoom,
      pause: (reason) => this.#pause(reason),
    });
    this.#udp = new UdpRelay({
      table,
      poller,
      counters: own,
      persistence,
      tell,
      nowMs,
      hasRoom,
      garbage,
    });
    const generation = table.open(start.wakeFd, kind.wake, 0);
    poller.add(start.wakeFd, EPOLLIN, generation);
  }

  /** Client connections and flows of all workers. */
  #open(): number {
    return sumWord(this.#counters.all, processRow + processWord.open);
  }

  #mayOpenPipe(): boolean {
    const used = 2 * (this.#open() + this.#pipes.open + sparePipes);
    return used < this.#start.descriptorsMax;
  }

  /** Runs until told to exit. */
  run(): void {
    this.#post({ type: "started" });
    while (this.#isRunning) {
      const count = this.#poller.wait(this.#sleepMs());
      this.#nowMs = performance.now();
      for (let index = 0; index < count; index++) this.#dispatch(index);
      this.#sockmap?.tick(this.#nowMs);
      this.#relay.finishBatch();
      this.#timeouts.tick(this.#nowMs);
      this.#udp.tick(this.#nowMs);
      this.#garbage.collectIfDue();
      if (this.#isPaused && this.#nowMs >= this.#resumeAtMs) this.#resume();
      this.#gatherer.afterBatch(count, this.#nowMs);
    }
    this.#sockmap?.close();
    this.#pipes.close();
    this.#poller.close();
  }

  #sleepMs(): number {
    if (this.#sockmap?.isWaiting === true) return endTickMs;
    if (this.#isPaused) return pauseMs;
    return this.#timeouts.sleepMs(this.#counters.own[processRow + processWord.open]!);
  }

  #dispatch(index: number): void {
    const table = this.#table;
    const fd = this.#poller.descriptor(index);
    // An event of a descriptor that was closed, and perhaps reused, earlier in this batch.
    if (table.generation[fd] !== this.#poller.generation(index)) return;
    const mask = this.#poller.mask(index);
    switch (table.kind[fd]!) {
      case kind.tcp:
        this.#onTcp(fd, mask);
        return;
      case kind.tcpListener:
        this.#acceptor.accept(this.#listeners.get(fd)!);
        return;
      case kind.udpListener:
        this.#udp.onListener(this.#listeners.get(fd)!);
        return;
      case kind.udp:
        this.#udp.onFlow(fd, mask);
        return;
      case kind.wake:
        this.#onWake(fd);
        return;
      default:
        return;
    }
  }

  #onTcp(fd: number, mask: number): void {
    const table = this.#table;
    const flags = table.flags[fd]!;
    table.activeAtDs[fd] = this.#nowMs / 100;
    if ((flags & flag.connecting) !== 0) return this.#connector.onConnecting(fd, mask);
    if ((flags & flag.header) !== 0) return this.#acceptor.readHeader(fd, mask);
    if ((flags & flag.promoted) !== 0) return this.#onPromoted(fd, mask);
    this.#onRelayed(fd, mask);
  }

  /** Moves what became possible at a connected socket. */
  #onRelayed(fd: number, mask: number): void {
    const table = this.#table;
    const generation = table.generation[fd]!;
    const peer = table.peer[fd]!;
    if ((mask & EPOLLOUT) !== 0) {
      const isBlocked = table.pending[fd] !== undefined || table.pipeBytes[fd]! > 0;
      // What the other side sent meanwhile raised its event already: read until "empty".
      if (isBlocked && this.#relay.flush(fd)) this.#relay.pump(peer, fd, true);
      if (table.generation[fd] !== generation) return;
    }
    if ((mask & (EPOLLIN | endEvents)) !== 0) {
      this.#relay.pump(fd, peer, (mask & endEvents) !== 0);
    }
    // A broken connection whose rest could not be read, or was read and still said nothing.
    if ((mask & EPOLLERR) !== 0 && table.generation[fd] === generation) this.#relay.fail(fd);
  }

  /** The kernel moves the data; only the ends of the streams are news. */
  #onPromoted(fd: number, mask: number): void {
    if ((mask & EPOLLERR) !== 0 && this.#sockmap?.isBroken(fd) === true) this.#relay.fail(fd);
    else if ((mask & endEvents) !== 0) this.#sockmap?.onEnd(fd);
  }

  #openSockmap(tell: EngineListener): Sockmap | undefined {
    const sockmap = openSockmap({
      table: this.#table,
      poller: this.#poller,
      count: (fd, bytes) => this.#relay.count(fd, bytes),
      end: (fd, peer) => this.#relay.end(fd, peer),
      abandon: (fd) => this.#closer.closePair(fd, "internal", true),
      nowMs: () => this.#nowMs,
    });
    if (typeof sockmap === "string") {
      const text = `experimental_sockmap is not to be had here (${sockmap}): going on without`;
      tell({ type: "log", level: "warning", text });
      return undefined;
    }
    this.#relay.promoteTo(sockmap);
    return sockmap;
  }

  #pause(reason: "connections" | "descriptors"): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#resumeAtMs = this.#nowMs + pauseMs;
    for (const fd of this.#tcpListeners()) this.#poller.remove(fd);
    if (this.#nowMs < this.#nextPauseLineMs) return;
    this.#nextPauseLineMs = this.#nowMs + pauseLineMs;
    const text =
      reason === "connections"
        ? `all ${this.#connectionsMax()} connections are in use: new ones wait`
        : "descriptors or memory are short: new connections wait";
    this.#post({ type: "event", event: { type: "log", level: "warning", text } });
  }

  #resume(): void {
    this.#isPaused = false;
    for (const fd of this.#tcpListeners()) {
      this.#poller.add(fd, EPOLLIN, this.#table.generation[fd]!);
    }
  }

  /** UDP listeners go on: they serve flows that have what they need. */
  #tcpListeners(): number[] {
    return [...this.#listeners.keys()].filter((fd) => this.#table.kind[fd] === kind.tcpListener);
  }

  #onWake(fd: number): void {
    drainEventfd(fd);
    let sequence = 0;
    for (;;) {
      const command = this.#mailbox.read();
      if (command === undefined) break;
      this.#carryOut(command);
      sequence = command.sequence;
    }
    if (sequence > 0) this.#post({ type: "done", sequence });
  }

  #carryOut(command: WorkerCommand): void {
    switch (command.type) {
      case "service":
        return this.#updateService(command.definition);
      case "remove-service":
        return this.#removeService(command.slot);
      case "listen":
        return this.#listen(command);
      case "unlisten":
        return this.#unlisten(command.fd);
      case "mute":
        return void this.#poller.remove(command.fd);
      case "list": {
        const entries = listConnections(this.#table, command.limit, this.#nowMs);
        this.#post({ type: "connections", sequence: command.sequence, entries });
        return;
      }
      case "drain":
        this.#udp.drain();
        return;
      case "stop":
        for (const service of this.#services.values()) this.#endFlows(service, "stopped");
        return;
      case "exit":
        this.#isRunning = false;
    }
  }

  #updateService(definition: Extract<WorkerCommand, { type: "service" }>["definition"]): void {
    let service = this.#services.get(definition.slot);
    let gone: ReturnType<WorkerService["update"]> = [];
    if (service === undefined) {
      service = new WorkerService(definition, this.#counters);
      this.#services.set(definition.slot, service);
    } else gone = service.update(definition);
    for (const server of gone) {
      this.#closer.closeAllOf(server, "server-removed");
      this.#udp.closeAllOf(server);
    }
    const resetOnDown = definition.service.onDown === "reset";
    for (const server of service.servers) {
      const ends = server.state === "reset" || (server.state === "down" && resetOnDown);
      if (ends) this.#closer.closeAllOf(server, "server-down");
      if (ends || server.state === "down") this.#udp.closeAllOf(server);
    }
  }

  #removeService(slot: number): void {
    const service = this.#services.get(slot);
    if (service === undefined) return;
    this.#endFlows(service, "service-removed");
    this.#services.delete(slot);
  }

  #endFlows(service: WorkerService, cause: "service-removed" | "stopped"): void {
    const table = this.#table;
    for (let fd = 0; fd < table.end; fd++) {
      if (table.services[fd] !== service || (table.flags[fd]! & flag.client) === 0) continue;
      if (table.kind[fd] === kind.tcp) this.#closer.closePair(fd, cause, true);
    }
    this.#udp.closeService(service, cause);
  }

  #listen(command: Extract<WorkerCommand, { type: "listen" }>): void {
    const service = this.#services.get(command.slot);
    const addressBytes = parseAddress(command.address);
    invariant(service !== undefined && addressBytes !== undefined, "a listener has its service");
    const { fd } = command;
    const isKnown = this.#listeners.has(fd);
    this.#listeners.set(fd, {
      fd,
      service,
      addressBytes,
      addressText: command.address,
      addressWord: foldAddress(addressBytes),
      port: command.port,
      isWildcard: addressBytes.every((byte) => byte === 0),
    });
    if (isKnown) {
      // Muted before, or watched: then this is refused.
      if (command.protocol === "udp") this.#poller.add(fd, EPOLLIN, this.#table.generation[fd]!);
      return;
    }
    const kindOfFd = command.protocol === "tcp" ? kind.tcpListener : kind.udpListener;
    const generation = this.#table.open(fd, kindOfFd, 0);
    const waits = this.#isPaused && command.protocol === "tcp";
    if (!waits) this.#poller.add(fd, EPOLLIN, generation);
  }

  #unlisten(fd: number): void {
    const listener = this.#listeners.get(fd);
    if (listener === undefined) return;
    this.#listeners.delete(fd);
    this.#poller.remove(fd);
    if (this.#table.kind[fd] === kind.tcpListener) {
      // Closing a listener resets what waits in its queue: take it first.
      while (this.#acceptor.accept(listener) > 0);
    }
    this.#table.clear(fd);
  }
}
