/**
 * Clients of persistent services on both directors: everything once there is a connection, then
 * each second those who came since, and everything again each minute for those who stay connected.
 *
 * @module
 */

import type { Clock, Timer } from "../clock/index.ts";
import type { BoundClient, Engine } from "../datapath/index.ts";

/** What {@link ClientCopy} works with. */
export interface ClientCopyOptions {
  readonly clock: Clock;
  readonly engine: Pick<Engine, "boundClients" | "bindClients">;
  /** Asks the peer; undefined if it does not answer. */
  readonly ask: (text: string) => Promise<string | undefined>;
  /** The peer has sent everything. */
  readonly onComplete: () => void;
}

/** What was copied so far. */
export interface ClientCopyView {
  readonly sent: number;
  readonly received: number;
  /** Of these, what was news here. */
  readonly taken: number;
  /** Since the last round that the peer has taken whole, ms; undefined: none. */
  readonly lagMs: number | undefined;
  /** Everything of the peer was here once. */
  readonly isComplete: boolean;
}

/** Between two rounds, ms. */
const roundMs = 1000;
/** A round looks back a little further than the last one began. */
const overlapMs = 500;
/** Rounds until everything is sent again. */
const fullEvery = 60;
/** As many as the table of an engine holds. */
const clientsMax = 65_536;
/** In one message: about 80 KiB, some ms of work. */
const clientsPerMessage = 1000;

type Row = readonly [service: string, client: string, server: string, remainingMs: number];

/** One message. */
interface Portion {
  readonly clients: readonly Row[];
  /** The last one of a round with everything. */
  readonly isEnd: boolean;
}

/** Copies both ways. */
export class ClientCopy {
  readonly #options: ClientCopyOptions;
  #timer: Timer | undefined;
  /** Raised at each start and stop: what is under way from before ends. */
  #run = 0;
  #sent = 0;
  #received = 0;
  #taken = 0;
  #copiedAtMs: number | undefined;
  #isComplete = false;

  constructor(options: ClientCopyOptions) {
    this.#options = options;
  }

  /** There is a connection to the peer. */
  start(): void {
    this.stop();
    void this.#rounds(this.#run);
  }

  /** Sends who came since the last round, before the other director takes over. */
  async flush(): Promise<void> {
    if (this.#copiedAtMs === undefined) return;
    await this.#send(this.#options.clock.nowMs() - this.#copiedAtMs + overlapMs, false);
  }

  /** There is none any more. */
  stop(): void {
    this.#run += 1;
    this.#timer?.cancel();
  }

  /** Takes a message of the peer; what is none takes no effect. @returns The answer. */
  take(text: string): string {
    const portion = parsePortion(text);
    if (portion === undefined) return "it cannot read them";
    const clients = portion.clients.map(([service, client, server, remainingMs]) => {
      return { service, client, server, remainingMs };
    });
    this.#received += clients.length;
    this.#taken += this.#options.engine.bindClients?.(clients) ?? 0;
    if (portion.isEnd && !this.#isComplete) {
      this.#isComplete = true;
      this.#options.onComplete();
    }
    return "taken";
  }

  view(): ClientCopyView {
    const [sent, received, taken] = [this.#sent, this.#received, this.#taken];
    const nowMs = this.#options.clock.nowMs();
    const lagMs = this.#copiedAtMs === undefined ? undefined : nowMs - this.#copiedAtMs;
    return { sent, received, taken, lagMs, isComplete: this.#isComplete };
  }

  async #rounds(run: number): Promise<void> {
    const { clock } = this.#options;
    let beganMs = clock.nowMs();
    for (let round = 0; run === this.#run; round++) {
      const nowMs = clock.nowMs();
      const isFull = round % fullEvery === 0;
      const withinMs = isFull ? Infinity : nowMs - beganMs + overlapMs;
      beganMs = nowMs;
      // Whoever does not answer is called again, and then there is another start.
      if (!(await this.#send(withinMs, isFull))) return;
      if (run !== this.#run) return;
      this.#copiedAtMs = nowMs;
      await new Promise<void>((resolve) => {
        this.#timer = clock.after(roundMs, resolve);
      });
    }
  }

  async #send(withinMs: number, isFull: boolean): Promise<boolean> {
    const clients = this.#options.engine.boundClients?.(withinMs, clientsMax) ?? [];
    for (let first = 0; first === 0 || first < clients.length; first += clientsPerMessage) {
      const some = clients.slice(first, first + clientsPerMessage);
      const isEnd = isFull && first + clientsPerMessage >= clients.length;
      if (some.length === 0 && !isEnd) return true;
      const portion: Portion = { clients: some.map(rowOf), isEnd };
      if ((await this.#options.ask(JSON.stringify(portion))) !== "taken") return false;
      this.#sent += some.length;
    }
    return true;
  }
}

function rowOf({ service, client, server, remainingMs }: BoundClient): Row {
  return [service, client, server, Math.ceil(remainingMs)];
}

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const [service, client, server, remainingMs]: unknown[] = value;
  const areTexts = [service, client, server].every((one) => typeof one === "string");
  return areTexts && Number.isFinite(remainingMs);
}

/** Undefined if it is no message. */
function parsePortion(text: string): Portion | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const clients: unknown = Reflect.get(value, "clients");
    if (!Array.isArray(clients) || clients.length > clientsPerMessage) return undefined;
    if (!clients.every(isRow)) return undefined;
    return { clients, isEnd: Reflect.get(value, "isEnd") === true };
  } catch {
    return undefined;
  }
}
