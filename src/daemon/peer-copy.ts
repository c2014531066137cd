/**
 * Overrides on both directors: each change is copied to the other one before the command returns,
 * and whoever was away is told everything as soon as it is back.
 *
 * The same way go clients of persistent services and connections (entry-copy.ts). Each director
 * calls the other one; over its own call it tells what holds here. A message is a letter, `o` for
 * overrides, `c` for clients or `n` for connections, and what belongs to it; its answer is "taken",
 * or why not.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { Engine } from "../datapath/index.ts";
import { errorText } from "../errors/index.ts";
import type { PeerPlan } from "../failover/index.ts";
import { familyOf } from "../net/address.ts";
import type { PeerKey } from "../peer/index.ts";
import { createClientSource } from "./client-source.ts";
import { createConnectionSource } from "./connection-source.ts";
import { EntryCopy } from "./entry-copy.ts";
import type { EntryCopyView, EntrySource } from "./entry-copy.ts";
import { mergeOverrides } from "./override-merge.ts";
import type { RevisedOverrides } from "./override-merge.ts";
import { formatOverrides, parseOverrides } from "./overrides.ts";
import { PeerCaller } from "./peer-caller.ts";
import { PeerListener } from "./peer-listener.ts";
import type { Reporter } from "./report.ts";

/** What {@link PeerCopy} works with. */
export interface PeerCopyOptions {
  readonly clock: Clock;
  readonly report: Reporter;
  /** What holds here. */
  readonly current: () => RevisedOverrides;
  /** Puts in force and keeps what the peer has. */
  readonly adopt: (next: RevisedOverrides) => Promise<void>;
  readonly engine: Pick<Engine, "boundClients" | "bindClients" | "copies">;
  /** Everything of the peer is here. */
  readonly onComplete: () => void;
}

/** How the connection to the peer does. */
export interface PeerCopyView {
  readonly isConnected: boolean;
  /** All kinds of entries of the peer were here once. */
  readonly isComplete: boolean;
  /** Of persistent services. */
  readonly clients: EntryCopyView;
  /** Of the bpf engine. */
  readonly connections: EntryCopyView;
}

/** An operator waits no longer for the other director, ms. */
const askTimeoutMs = 1000;
/** A handover waits no longer for the last entries, ms. This director serves meanwhile. */
const flushMs = 300;
/** A port that is taken is asked for again after this time, ms. */
const listenPauseMs = 5000;

const kinds = { overrides: "o", clients: "c", connections: "n" } as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function takeEntries(copy: EntryCopy, body: Uint8Array): string {
  try {
    return copy.take(body) ? "taken" : "it cannot read them";
  } catch (error) {
    return `it cannot take them: ${errorText(error)}`;
  }
}

function keysOf({ keys }: PeerPlan): PeerKey[] {
  return keys.map(({ id, secret }) => ({ id, secret: Uint8Array.fromHex(secret) }));
}

/** Owns the connections to and from the peer. Without a plan it does nothing. */
export class PeerCopy {
  readonly #options: PeerCopyOptions;
  #plan: PeerPlan | undefined;
  #caller: PeerCaller | undefined;
  #listener: PeerListener | undefined;
  #pause: Timer | undefined;
  readonly #clients: EntryCopy;
  readonly #connections: EntryCopy;

  constructor(options: PeerCopyOptions) {
    this.#options = options;
    const { engine } = options;
    this.#clients = this.#createCopy(kinds.clients, createClientSource(engine));
    this.#connections = this.#createCopy(kinds.connections, createConnectionSource(engine));
  }

  /** Takes the plan for the wanted one; undefined: no peer. */
  apply(plan: PeerPlan | undefined): void {
    const connectionOf = (one: PeerPlan | undefined): string =>
      JSON.stringify(one && [one.address, one.port, one.keys]);
    if (connectionOf(plan) === connectionOf(this.#plan)) return;
    this.close();
    this.#plan = plan;
    if (plan === undefined) return;
    this.#listen(plan, true);
    const { address, port } = plan;
    this.#caller = new PeerCaller({
      clock: this.#options.clock,
      address,
      port,
      keys: keysOf(plan),
      onOpen: () => {
        void this.tell();
        this.#clients.start();
        this.#connections.start();
      },
    });
  }

  /**
   * Tells the peer what holds here.
   *
   * @returns Why it may not know it; undefined if it does, or there is no peer.
   */
  async tell(): Promise<string | undefined> {
    if (this.#caller === undefined) return undefined;
    if (!this.#caller.isOpen) return "there is no connection to it";
    const { revision, overrides } = this.#options.current();
    const answer = await this.#ask(
      kinds.overrides,
      encoder.encode(formatOverrides(overrides, revision)),
    );
    if (answer === undefined) return "it does not answer";
    return answer === "taken" ? undefined : answer;
  }

  /**
   * Copies what is not yet there, before the other director takes over. Settles after some
   * milliseconds also if the peer is slow to answer: then what is under way gets there later.
   */
  async flush(): Promise<void> {
    if (this.#caller?.isOpen !== true) return;
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(flushMs, resolve);
    const flushed = Promise.all([this.#clients.flush(), this.#connections.flush()]);
    await Promise.race([flushed, isOver]);
    timer.cancel();
  }

  /** Undefined without a peer. */
  view(): PeerCopyView | undefined {
    if (this.#caller === undefined) return undefined;
    const [clients, connections] = [this.#clients.view(), this.#connections.view()];
    const isComplete = clients.isComplete && connections.isComplete;
    return { isConnected: this.#caller.isOpen, isComplete, clients, connections };
  }

  close(): void {
    this.#clients.stop();
    this.#connections.stop();
    this.#pause?.cancel();
    this.#caller?.close();
    this.#listener?.close();
    this.#caller = undefined;
    this.#listener = undefined;
    this.#plan = undefined;
  }

  #listen(plan: PeerPlan, isFirst: boolean): void {
    const { clock, report } = this.#options;
    this.#listener = new PeerListener({
      clock,
      hostname: familyOf(plan.address) === 4 ? "0.0.0.0" : "::",
      port: plan.port,
      peer: plan.address,
      keys: keysOf(plan),
      answer: async (payload) => encoder.encode(await this.#answer(payload)),
      onProblem: (reason) => {
        if (isFirst) {
          const text = `Cannot listen for the peer on TCP port ${plan.port}`;
          report({ level: "warning", kind: "failover", name: "peer", text, reason });
        }
        this.#pause = clock.after(listenPauseMs, () => this.#listen(plan, false));
      },
    });
  }

  #createCopy(kind: string, source: EntrySource): EntryCopy {
    return new EntryCopy({
      clock: this.#options.clock,
      source,
      tell: async (message) => (await this.#ask(kind, message)) === "taken",
      onProblem: (error) => {
        const text = "Cannot copy to the other director";
        const reason = errorText(error);
        this.#options.report({ level: "error", kind: "failover", name: "peer", text, reason });
      },
      onComplete: () => {
        if (this.#clients.view().isComplete && this.#connections.view().isComplete) {
          this.#options.onComplete();
        }
      },
    });
  }

  async #ask(kind: string, body: Uint8Array): Promise<string | undefined> {
    const payload = new Uint8Array(1 + body.length);
    payload[0] = kind.charCodeAt(0);
    payload.set(body, 1);
    const answer = await this.#caller?.ask(payload, askTimeoutMs);
    return answer && decoder.decode(answer);
  }

  async #answer(payload: Uint8Array): Promise<string> {
    const body = payload.subarray(1);
    switch (String.fromCharCode(payload[0] ?? 0)) {
      case kinds.overrides:
        return this.#takeOverrides(decoder.decode(body));
      case kinds.clients:
        return takeEntries(this.#clients, body);
      case kinds.connections:
        return takeEntries(this.#connections, body);
      default:
        return "it is of another version";
    }
  }

  async #takeOverrides(text: string): Promise<string> {
    const parsed = parseOverrides(text);
    if (!parsed.ok) return `it cannot read them: ${parsed.reason}`;
    const { current, adopt, report } = this.#options;
    const own = current();
    const { overrides, revision } = parsed;
    const merged = mergeOverrides(own, { overrides, revision });
    if (merged === own) return "taken";
    try {
      await adopt(merged);
    } catch (error) {
      return `it cannot put them in force: ${errorText(error)}`;
    }
    const told = `Overrides taken from the other director: ${merged.overrides.size} in force`;
    const by = "the other director";
    report({ level: "info", kind: "override", name: "override", text: told, by });
    // Both were changed while they did not hear each other: the other one has a part of it.
    if (merged.revision > revision) void this.tell();
    return "taken";
  }
}
