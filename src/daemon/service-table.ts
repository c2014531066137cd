/**
 * Keeps the engine at what the services need, and tells of every change on the way.
 *
 * Each run judges all services anew, tells what changed since the last one, and hands the whole
 * desired state to the engine, which applies the difference. Owns the last judgement.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { ApplyProblem, Engine } from "../datapath/index.ts";
import { errorText } from "../errors/index.ts";
import type { ForwardingService, VirtualService } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import { createApplyLoop } from "./apply-loop.ts";
import type { ApplyLoop } from "./apply-loop.ts";
import { assessService } from "./assessment.ts";
import type { FactSource, ServiceAssessment } from "./assessment.ts";
import type { EngineChooser, EngineDecision } from "./choose-engine.ts";
import { forwardingService } from "./desired-state.ts";
import { reportOf } from "./report.ts";
import type { Reporter } from "./report.ts";
import { serverId } from "./server-id.ts";
import { transitions } from "./transition.ts";
import type { Transition } from "./transition.ts";

/** What the table works with. */
export interface ServiceTableOptions {
  readonly clock: Clock;
  readonly engine: Engine;
  /** Services as configured now. */
  readonly services: () => readonly VirtualService[];
  readonly facts: FactSource;
  /** Says which engine is to carry a service. */
  readonly choose: EngineChooser;
  /** Addresses of virtual routers as configured now. @default none */
  readonly leased?: (() => ReadonlySet<string>) | undefined;
  readonly report: Reporter;
  /** Called for each change of a service, after it was told. */
  readonly onTransition: (service: VirtualService, transition: Transition) => void;
  /** Called when the engine has what this run wants. */
  readonly afterRun: () => void;
}

/** See the module's head. */
export interface ServiceTable extends ApplyLoop {
  /** The last judgement, in the order of the configuration. */
  assessments(): Iterable<ServiceAssessment>;
  /** Which engine carries each service since the last run, by its name. */
  decisions(): ReadonlyMap<string, EngineDecision>;
  /** What could not be done at the last run. */
  problems(): readonly ApplyProblem[];
  /** {@link serverId} of the servers of a service that have this address and port now. */
  idsAt(service: string, endpoint: string): readonly string[];
}

/** By the name of the service. */
type Assessments = ReadonlyMap<string, ServiceAssessment>;

/** Text by which a problem is told only once. */
function problemKey({ service, code, message }: ApplyProblem): string {
  return `${service}\n${code}\n${message}`;
}

/** Problems of one run that the other one does not have. */
function without(
  problems: readonly ApplyProblem[],
  others: readonly ApplyProblem[],
): readonly ApplyProblem[] {
  const known = new Set(others.map(problemKey));
  return problems.filter((problem) => !known.has(problemKey(problem)));
}

/** Tells of problems that are new, and of those that are gone. */
function tellProblems(
  report: Reporter,
  before: readonly ApplyProblem[],
  after: readonly ApplyProblem[],
): void {
  const told = { kind: "listener" } as const;
  for (const { service, message: reason } of without(after, before)) {
    const text = "Cannot serve";
    report({ ...told, level: "error", name: "listener-failed", service, text, reason });
  }
  for (const { service, message } of without(before, after)) {
    const [text, reason] = ["Serves again", `no longer: ${message}`];
    report({ ...told, level: "info", name: "listener-open", service, text, reason });
  }
}

/** Judges all services anew and tells what changed. */
function judge(
  { services, facts, report, onTransition }: ServiceTableOptions,
  before: Assessments,
): Assessments {
  const after = new Map<string, ServiceAssessment>();
  for (const service of services()) {
    after.set(service.name, assessService(service, facts, before.get(service.name)));
  }
  for (const assessment of after.values()) {
    const { service } = assessment;
    for (const change of transitions(before.get(service.name), assessment)) {
      const told = reportOf(change);
      if (told !== undefined) report(told);
      onTransition(service, change);
    }
  }
  return after;
}

/** Hands the desired state to the engine. @returns What could not be done. */
async function bring(
  { engine, leased }: Pick<ServiceTableOptions, "engine" | "leased">,
  assessments: Assessments,
  decisions: ReadonlyMap<string, EngineDecision>,
): Promise<readonly ApplyProblem[]> {
  const found: ApplyProblem[] = [];
  const wanted: ForwardingService[] = [];
  const addresses = leased?.();
  for (const [name, assessment] of assessments) {
    const decision = decisions.get(name)!;
    const refuse = (message: string): void =>
      void found.push({ service: name, code: "ENGINE_REFUSED", message });
    if ("refusal" in decision) {
      refuse(decision.refusal);
      continue;
    }
    const facts = { engine: decision.engine, leased: addresses };
    const forwarding = forwardingService(assessment, facts);
    const refusal = engine.refuse(forwarding);
    if (refusal === undefined) wanted.push(forwarding);
    else refuse(refusal);
  }
  try {
    found.push(...(await engine.apply(wanted)));
  } catch (error) {
    // Told as the problem of no single service; the next try may do better.
    found.push({ service: "", code: "ENGINE_FAILED", message: errorText(error) });
  }
  return found;
}

/** A table that has judged nothing yet; the first run is asked for with `request`. */
export function createServiceTable(options: ServiceTableOptions): ServiceTable {
  let assessments: Assessments = new Map();
  let decisions: ReadonlyMap<string, EngineDecision> = new Map();
  let problems: readonly ApplyProblem[] = [];

  const run = async (): Promise<boolean> => {
    assessments = judge(options, assessments);
    decisions = new Map(
      Array.from(assessments, ([name, { service }]) => [name, options.choose(service)]),
    );
    const found = await bring(options, assessments, decisions);
    tellProblems(options.report, problems, found);
    problems = found;
    options.afterRun();
    return found.length === 0;
  };

  return {
    ...createApplyLoop(options.clock, run),
    assessments: () => assessments.values(),
    decisions: () => decisions,
    problems: () => problems,
    idsAt(name, endpoint) {
      const ids: string[] = [];
      for (const { address, server, key } of assessments.get(name)?.servers ?? []) {
        if (address === undefined || formatEndpoint({ address, port: server.port }) !== endpoint) {
          continue;
        }
        ids.push(serverId({ service: name, server: key }));
      }
      return ids;
    },
  };
}
