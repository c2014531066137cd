/**
 * This project's director up to its desired state: configuration from an ldirectord.cf, real
 * checks, judgement; in place of an engine something that takes everything and carries nothing.
 *
 * So services can be looked at whose forwarding method or firewall mark this build cannot carry,
 * and refuses before it starts. A mark gets an address in its place
 * while it is read.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import type { HealthRunner } from "../../../src/check/index.ts";
import { parseDocument } from "../../../src/config/document.ts";
import { importFile } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";
import { validate } from "../../../src/config/parse.ts";
import { createReport } from "../../../src/config/report.ts";
import { assemble, bringIntoForce } from "../../../src/daemon/assembly.ts";
import type { Assembly, DirectorParts } from "../../../src/daemon/assembly.ts";
import { createDirectorReloader } from "../../../src/daemon/controls.ts";
import { createParts } from "../../../src/daemon/parts.ts";
import { assembleSnapshot } from "../../../src/daemon/snapshot.ts";
import type { Engine } from "../../../src/datapath/index.ts";
import { waitFor } from "../wait.ts";
import { linesOfSnapshot } from "./table.ts";

/** A running one. */
export interface JudgedDirector extends AsyncDisposable {
  /** Lines of the table it wants. */
  table(): readonly string[];
  /** How often that table has changed. */
  changes(): number;
  /** Arguments of the programs it would have run, in order. */
  readonly hooks: readonly string[];
  /** Takes another configuration. @throws {Error} if it is refused. */
  reload(configuration: string): Promise<void>;
  /** Waits until so many checks of each server have ended that began after now. */
  finishRounds(count: number): Promise<void>;
}

const roundTimeoutMs = 20_000;

/** Network of the addresses that stand for marks 1..254; their port stands for none. */
const markNetwork = "192.0.2";
const markPort = 1;

/** A line of the table with the mark instead of its address. */
function withMark(line: string): string {
  const [, mark, rest] =
    new RegExp(`^tcp ${RegExp.escape(markNetwork)}\\.(\\d+):${markPort}(.*)`).exec(line) ?? [];
  if (mark === undefined || rest === undefined) return line;
  return `fwm ${mark}${rest.replace(new RegExp(`:${markPort}(?= )`), ":0")}`;
}

/** What this build does not have yet is let through here: nothing is carried. */
function load(toml: string): LoadedConfig {
  const text = toml.replaceAll(/^fwmark = (\d+)$/gm, (_, mark: string) => {
    return `listen = "${markNetwork}.${mark}:${markPort}"`;
  });
  const report = { ...createReport(), later: () => undefined };
  return validate([parseDocument(text, "imported.toml")], { cores: 1 }, report);
}

/** Native text of an ldirectord.cf. @throws {Error} with every problem. */
function importText(configuration: string): string {
  const imported = importFile(configuration, "ldirectord.cf", {
    services: readFileSync("/etc/services", "utf8"),
    hosts: readFileSync("/etc/hosts", "utf8"),
  });
  if (imported.ok) return imported.toml;
  throw new Error(imported.problems.map(({ line, message }) => `${line}: ${message}`).join("\n"));
}

/** An engine that carries nothing. `onApply` is called with each desired state. */
function createIdleEngine(onApply: () => void): Engine {
  return {
    name: "proxy",
    refuse: () => undefined,
    apply: async () => {
      onApply();
      return [];
    },
    counters: () => [],
    connections: async () => [],
    close: async () => undefined,
  };
}

/** Health checks that can be waited for. */
class CountedHealth {
  /** Results so far, by the id of the server. */
  readonly #results = new Map<string, number>();
  #ids: ReadonlySet<string> = new Set();

  note(id: string): void {
    this.#results.set(id, this.#count(id) + 1);
  }

  watch(runner: HealthRunner): HealthRunner {
    return {
      apply: (targets) => {
        // The others are what they are without a question.
        const asked = targets.filter(({ spec }) => spec.type !== "on" && spec.type !== "off");
        this.#ids = new Set(asked.map(({ id }) => id));
        runner.apply(targets);
      },
      suspect: (id) => runner.suspect(id),
      known: () => runner.known(),
      state: (id) => runner.state(id),
      metrics: () => runner.metrics(),
      firstPassDone: () => runner.firstPassDone(),
      close: () => runner.close(),
    };
  }

  async finishRounds(count: number): Promise<void> {
    const before = new Map([...this.#ids].map((id) => [id, this.#count(id)]));
    // A check that runs now may have begun before the caller's change. What is not asked any more,
    // as a server in maintenance, is not waited for.
    const isDone = (): boolean =>
      [...before].every(([id, known]) => !this.#ids.has(id) || this.#count(id) > known + count);
    const what = `${count} checks of ${[...before.keys()].join(" ")}`;
    await waitFor(isDone, { what, timeoutMs: (count + 1) * roundTimeoutMs });
  }

  #count(id: string): number {
    return this.#results.get(id) ?? 0;
  }
}

function tableOf({ table, health }: Assembly): readonly string[] {
  const { services } = assembleSnapshot({
    program: { version: "0.0.0", commit: "" },
    pid: process.pid,
    nowMs: 0,
    startedAtMs: 0,
    notReady: [],
    configuration: { files: [], loadedAt: "", lastReloadSuccessful: true, lastReloadError: null },
    proxy: { workers: 1, engine: "auto" },
    engine: "proxy",
    assessments: table.assessments(),
    problems: new Map(),
    counters: [],
    rates: { service: () => undefined },
    events: [],
    healthOf: (id) => health.state(id),
    isLocal: () => false,
  });
  return linesOfSnapshot(services).map(withMark);
}

/**
 * Starts it.
 *
 * @param folder For its files.
 * @throws {Error} if the configuration is refused for another reason than what is to come.
 */
export async function startJudgedDirector(
  configuration: string,
  folder: string,
): Promise<JudgedDirector> {
  const stack = new AsyncDisposableStack();
  const hooks: string[] = [];
  const health = new CountedHealth();
  let text = configuration;
  let assembly: Assembly | undefined;
  let [last, changes] = ["", 0];
  const noteTable = (): void => {
    const table = assembly === undefined ? "" : tableOf(assembly).join("\n");
    if (table !== last) changes += 1;
    last = table;
  };
  const real = createParts({
    files: [],
    environment: {},
    directories: { runtime: join(folder, "run"), state: join(folder, "state") },
    logger: { log: () => undefined, setLevel: () => undefined },
    program: { version: "0.0.0", commit: "" },
    lockFd: -1,
  });
  const parts: DirectorParts = {
    ...real,
    load: async () => load(importText(text)),
    createEngine: async () => createIdleEngine(noteTable),
    createHealth: (config, onChange, onResult) => {
      // The account that the package makes need not be on the host of a test.
      const director = { ...config.director, scriptUser: "nobody" };
      const runner = real.createHealth({ ...config, director }, onChange, (id, result) => {
        health.note(id);
        onResult?.(id, result);
      });
      return health.watch(runner);
    },
    hooks: {
      ...real.hooks,
      enqueue: ({ command }) => void hooks.push(command.slice(1).join(" ")),
    },
    // Nobody outside is told of what happens in a test.
    sendMail: async () => ({ ok: true, refused: [] }),
    appendText: async () => undefined,
  };
  const running = await assemble(parts, await parts.load(), stack);
  assembly = running;
  stack.defer(() => running.resolver.close());
  await bringIntoForce(running);
  const reloader = createDirectorReloader(running, () => undefined);
  return {
    table: () => tableOf(running),
    changes: () => changes,
    hooks,
    async reload(next) {
      text = next;
      const result = await reloader(false, "the test");
      if (!result.ok) throw new Error(result.message);
    },
    async finishRounds(count) {
      await health.finishRounds(count);
      await running.table.settled();
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
