/**
 * What can be done to a running director: changes of real servers, and reloads.
 *
 * @module
 */

import { diffConfig, requireDescriptors } from "../config/index.ts";
import { errorText } from "../errors/index.ts";
import type { Config } from "../model/index.ts";
import {
  bringFailover,
  bringIntoForce,
  bringPeer,
  countServices,
  tellWarnings,
} from "./assembly.ts";
import type { Assembly } from "./assembly.ts";
import { createChanger } from "./change.ts";
import type { Changer } from "./change.ts";
import { requireEngines } from "./choose-engine.ts";
import { readPeerKeys } from "./peer.ts";
import { createReloader } from "./reload.ts";
import type { Reloader } from "./reload.ts";
import { readRouterKeys } from "./router-keys.ts";
import { readStatusSettings } from "./status-listener.ts";
import type { StatusListener } from "./status-listener.ts";
import { requireVipChecks } from "./vip-check.ts";

/** Carries out changes of real servers. */
export function createDirectorChanger(assembly: Assembly): Changer {
  const { parts, state, report, resolver, peerCopy } = assembly;
  return createChanger({
    clock: parts.clock,
    save: (overrides) => parts.store.save(overrides, state.overridesRevision),
    tellPeer: () => peerCopy.tell(),
    services: () => state.loaded.config.virtualServices,
    addressOf: (host) => resolver.state(host).address,
    overrides: () => state.overrides,
    apply: (overrides) => {
      state.overrides = overrides;
      state.overridesRevision += 1;
      return bringIntoForce(assembly);
    },
    report,
  });
}

/**
 * Carries out reloads.
 *
 * @param status The status endpoint, once there is one.
 */
export function createDirectorReloader(
  assembly: Assembly,
  status: () => StatusListener | undefined,
): Reloader {
  const { parts, state, report, engine } = assembly;
  const listen = async (config: Config): Promise<void> => {
    try {
      await status()?.apply(readStatusSettings(config.status));
    } catch (error) {
      const text = "Status endpoint stays as it was";
      report({ level: "error", name: "status", kind: "listener", text, reason: errorText(error) });
    }
  };
  return createReloader({
    load: () => parts.load(),
    current: () => state.loaded,
    plan: (before, after) => diffConfig(before.config, after.config).map(({ text }) => text),
    admit: ({ config }) => {
      requireDescriptors(config, state.loaded.config.proxy.workers, parts.descriptorsMax);
      requireVipChecks(config, parts.findVipObstacle);
      requireEngines(config, engine);
      readStatusSettings(config.status);
      readPeerKeys(config.peer);
      readRouterKeys(config.virtualRouters);
    },
    apply: async (loaded) => {
      parts.notifier.reloading();
      // What only a start reads stays as it is, and shows as a difference again next time.
      const { proxy, director: running } = state.loaded.config;
      const director = { ...loaded.config.director, scriptUser: running.scriptUser };
      const config = { ...loaded.config, proxy, director };
      state.loaded = { ...loaded, config };
      parts.setLogLevel(config.director.logLevel);
      assembly.followers.apply(config);
      await assembly.maintenance.apply(config.director.maintenanceDir);
      await bringIntoForce(assembly);
      bringPeer(assembly);
      await bringFailover(assembly);
      await listen(config);
      tellWarnings(assembly);
      parts.notifier.ready(countServices(config));
    },
    report,
    onOutcome: (error) => {
      const loadedAtMs = error === undefined ? parts.clock.wallMs() : state.outcome.loadedAtMs;
      state.outcome = { loadedAtMs, error };
    },
  });
}
