/**
 * Tells which engine carries each service and why, when that is news: at the start, after a reload,
 * and louder where another engine did so before.
 *
 * @module
 */

import type { VirtualService } from "../model/index.ts";
import type { EngineChooser, EngineDecision } from "./choose-engine.ts";
import type { EngineRecord, Engines } from "./engine-record.ts";
import type { Report, Reporter } from "./report.ts";

/** What it works with. */
export interface EngineTellerOptions {
  readonly choose: EngineChooser;
  readonly report: Reporter;
  readonly record: EngineRecord;
}

/** Tells of the services of a configuration that are not simply the proxy's. */
export type EngineTeller = (services: readonly VirtualService[]) => void;

function isSame(one: Engines, other: Engines): boolean {
  return (
    one.size === other.size && one.entries().every(([name, engine]) => other.get(name) === engine)
  );
}

/** What one service has to say. */
interface News {
  /** The same as long as nothing has changed. */
  readonly text: string;
  readonly report: Report;
}

function newsOf(
  service: string,
  { engine, reason, warning }: Extract<EngineDecision, { readonly engine: string }>,
  last: string | undefined,
): News {
  const text = warning ?? `Engine ${engine}: ${reason}`;
  const hasChanged = last !== undefined && last !== engine;
  const level = hasChanged || warning !== undefined ? "warning" : "info";
  const told = hasChanged ? `${text}; it was ${last} before` : text;
  return { text, report: { level, name: "engine", kind: "engine", service, text: told } };
}

/** A teller that has told nothing yet. */
export function createEngineTeller({ choose, report, record }: EngineTellerOptions): EngineTeller {
  let told: ReadonlyMap<string, string> = new Map();
  let before: Engines | undefined;

  const keep = (engines: Engines): void => {
    if (before !== undefined && isSame(engines, before)) return;
    before = engines;
    const reason = record.save(engines);
    if (reason === undefined) return;
    const text = "It is not remembered which engine carries each service";
    report({ level: "warning", name: "engine", kind: "engine", text, reason });
  };

  return (services) => {
    const last = (before ??= record.load());
    const texts = new Map<string, string>();
    const engines = new Map<string, string>();
    for (const service of services) {
      const { name, forwarding } = service;
      const decision = choose(service);
      if ("refusal" in decision) {
        // It may come back, as another one.
        if (last.has(name)) engines.set(name, last.get(name)!);
        continue;
      }
      if (forwarding === "proxy") continue;
      engines.set(name, decision.engine);
      const news = newsOf(name, decision, last.get(name));
      texts.set(name, news.text);
      if (told.get(name) !== news.text) report(news.report);
    }
    told = texts;
    keep(engines);
  };
}
