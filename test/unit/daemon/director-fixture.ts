/**
 * A director over fakes: everything is in memory, and time stands still.
 *
 * @module
 */

import type { CheckResult } from "../../../src/check/index.ts";
import { parseConfig } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";
import type { DirectorParts } from "../../../src/daemon/assembly.ts";
import { startDirector } from "../../../src/daemon/director.ts";
import type { Hook } from "../../../src/daemon/hooks.ts";
import type { Resolution } from "../../../src/daemon/lookup.ts";
import type { Mail } from "../../../src/daemon/mail-queue.ts";
import type { Overrides } from "../../../src/daemon/overrides.ts";
import type { StatusSettings } from "../../../src/daemon/status-listener.ts";
import type { EngineListener } from "../../../src/datapath/engine.ts";
import type { LogLevel } from "../../../src/log/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createFakeEngine } from "./fake-engine.ts";
import { createFakeHealth } from "./fake-health.ts";
import type { FakeHealth } from "./fake-health.ts";
import { createFakeLogger } from "./fake-logger.ts";

/** One service with two real servers, as a configuration file says it. */
export const web = `
[[virtual_service]]
name = "web"
listen = "127.0.0.1:8080"
real_servers = [{ address = "192.0.2.11:80" }, { address = "192.0.2.12:80", weight = 2 }]
`;

/** Lets everything that can happen without time passing happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A director over fakes. `text` is what its file says, `more` are parts that few need. */
export function setUpDirector(text = web, more: Partial<DirectorParts> = {}) {
  const clock = createFakeClock(1_000_000);
  const { logger, lines } = createFakeLogger();
  const engine = createFakeEngine();
  const file = { text };
  const seen = {
    levels: [] as LogLevel[],
    told: [] as string[],
    hooks: [] as string[],
    settings: [] as StatusSettings[],
    stopped: [] as string[],
    hurries: [] as AbortSignal[],
    saved: [] as Overrides[],
    commands: [] as string[],
    mails: [] as Mail[],
    appended: [] as string[],
    idle: Promise.resolve(),
    abandoned: 0,
  };
  const world = {
    overrides: new Map() as Overrides,
    overridesWarning: undefined as string | undefined,
    names: new Map<string, Resolution>(),
    maintenance: [] as string[],
    statusFailure: undefined as Error | undefined,
    descriptorsMax: 20_000,
  };
  let health: FakeHealth | undefined;
  let listener: EngineListener | undefined;
  let tellResult: ((id: string, result: CheckResult) => void) | undefined;
  const load = (): LoadedConfig => parseConfig(file.text, "test.toml", { cores: 2 });
  const parts: DirectorParts = {
    clock,
    logger,
    setLogLevel: (level) => void seen.levels.push(level),
    notifier: {
      ready: (status) => void seen.told.push(`ready ${status}`),
      reloading: () => void seen.told.push("reloading"),
      replacedBy: (pid) => void seen.told.push(`replaced by ${pid}`),
      stopping: () => void seen.told.push("stopping"),
      watch: () => undefined,
      close: () => undefined,
    },
    program: { version: "1.2.3", commit: "abc" },
    engineRecord: { load: () => new Map(), save: () => undefined },
    store: {
      load: async () => {
        const { overrides, overridesWarning: warning } = world;
        return { overrides, revision: 0, warning };
      },
      save: async (overrides) => {
        seen.saved.push(overrides);
        return undefined;
      },
    },
    lookup: async (name) => world.names.get(name),
    hooks: {
      enqueue({ service, name, command }: Hook) {
        seen.hooks.push(`${service} ${name}`);
        seen.commands.push(command.join(" "));
      },
      idle: () => seen.idle,
      abandon: () => void (seen.abandoned += 1),
    },
    get descriptorsMax() {
      return world.descriptorsMax;
    },
    load: async () => load(),
    createEngine: async (_config, found) => {
      listener = found;
      return engine;
    },
    runtimeDirectory: "/nonexistent",
    guardCommand: ["false"],
    listNames: async () => world.maintenance,
    appendText: async (path, added) => void seen.appended.push(`${path} ${added}`),
    sendMail: async (mail) => {
      seen.mails.push(mail);
      return { ok: true, refused: [] };
    },
    hostName: "lb1",
    createHealth: (_config, onChange, onResult) => {
      tellResult = onResult;
      return (health = createFakeHealth(onChange));
    },
    startControl: async () => ({
      endpoint: undefined,
      stop: async () => void seen.stopped.push("control"),
    }),
    startStatus: async (_source, settings) => {
      if (world.statusFailure !== undefined) throw world.statusFailure;
      seen.settings.push(settings);
      return { endpoint: settings.listen, stop: async () => void seen.stopped.push("status") };
    },
    ...more,
  };
  return {
    clock,
    engine,
    file,
    seen,
    world,
    lines,
    health: () => health!,
    listener: () => listener!,
    tellResult: (id: string, result: CheckResult) => tellResult?.(id, result),
    start: async () => {
      const director = await startDirector(parts, load());
      await settle();
      return director;
    },
  };
}

/** For a stop that may take its time. */
export const notHurried = (): AbortSignal => new AbortController().signal;
