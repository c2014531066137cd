/**
 * The main thread's handle of one proxy worker: start, orders with acknowledgement, end.
 *
 * @module
 */

import { openEventfd, signalEventfd } from "../../../ffi/epoll.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { createMailbox, MailboxWriter } from "../../thread/index.ts";
import type { ConnectionEntry, EngineListener } from "../engine.ts";
import type { WorkerMessage, WorkerOrder, WorkerStart } from "./protocol.ts";

interface Waiting {
  readonly sequence: number;
  readonly resolve: () => void;
}

/** What a worker starts with, and who hears of it. */
export type WorkerThreadOptions = Omit<WorkerStart, "mailbox" | "wakeFd"> & {
  readonly listener: EngineListener;
  /** The thread died by an exception: a bug, the program ends. */
  readonly onCrash: (error: Error) => void;
};

/** One worker. Owns its eventfd. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #writer: MailboxWriter;
  readonly #wakeFd: number;
  readonly #started = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  #sequence = 0;
  #waiting: Waiting[] = [];
  readonly #lists = new Map<number, (entries: readonly ConnectionEntry[]) => void>();
  #isExiting = false;

  constructor({ listener, onCrash, ...start }: WorkerThreadOptions) {
    const mailbox = createMailbox();
    this.#writer = new MailboxWriter(mailbox);
    this.#wakeFd = openEventfd();
    // The URL names a further entry point of the compiled executable.
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url).href, {
      smol: true,
      name: `proxy-${start.worker}`,
    });
    this.#worker.onmessage = (event: MessageEvent<WorkerMessage>) => {
      this.#receive(event.data, listener);
    };
    this.#worker.onerror = (event) => {
      onCrash(new Error(`Proxy worker ${start.worker} died: ${event.message}`));
    };
    this.#worker.addEventListener("close", () => {
      if (!this.#isExiting) onCrash(new Error(`Proxy worker ${start.worker} ended by itself`));
      this.#exited.resolve();
    });
    const message: WorkerStart = { ...start, mailbox, wakeFd: this.#wakeFd };
    this.#worker.postMessage(message);
  }

  /** Settles when the worker's loop runs. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  #receive(message: WorkerMessage, listener: EngineListener): void {
    switch (message.type) {
      case "started":
        this.#started.resolve();
        return;
      case "event":
        listener(message.event);
        return;
      case "connections":
        this.#lists.get(message.sequence)?.(message.entries);
        this.#lists.delete(message.sequence);
        return;
      case "done":
        for (const { sequence, resolve } of this.#waiting) {
          if (sequence <= message.sequence) resolve();
        }
        this.#waiting = this.#waiting.filter(({ sequence }) => sequence > message.sequence);
        // What did not fit the mailbox goes now.
        this.#writer.flush();
        signalEventfd(this.#wakeFd);
    }
  }

  /** Sends an order; {@link settled} tells when all sent so far are carried out. */
  send(order: WorkerOrder): number {
    this.#sequence += 1;
    this.#writer.write({ ...order, sequence: this.#sequence });
    signalEventfd(this.#wakeFd);
    return this.#sequence;
  }

  /** Settles when every order sent so far is carried out. */
  settled(): Promise<void> {
    if (this.#sequence === 0) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ sequence: this.#sequence, resolve });
    // An acknowledgement may have passed already: an empty order brings another one.
    this.send({ type: "list", limit: 0 });
    return promise;
  }

  /** At most `limit` live connections of this worker. */
  connections(limit: number): Promise<readonly ConnectionEntry[]> {
    const { promise, resolve } = Promise.withResolvers<readonly ConnectionEntry[]>();
    this.#lists.set(this.send({ type: "list", limit }), resolve);
    return promise;
  }

  /** Ends the thread; flows that are left end with the process's descriptors. */
  async exit(): Promise<void> {
    this.#isExiting = true;
    this.send({ type: "exit" });
    await this.#exited.promise;
    closeDescriptor(this.#wakeFd);
  }
}
