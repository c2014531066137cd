/**
 * `fallback_command`: a program that is told `start` when no real server of a service serves any
 * more, and `stop` when one does again, when the service goes, and when the director stops.
 *
 * It is told what holds once the first checks have ended, then each change once. ldirectord
 * tells `start` and `stop` while it is still finding out; only the last word of that is told here.
 *
 * @module
 */

import type { VirtualService } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type { ServiceAssessment } from "./assessment.ts";
import type { Hook } from "./hooks.ts";

/** What a command is told. */
type Word = "start" | "stop";

/** See the module's head. */
export interface FallbackCommands {
  /** Tells what has changed; `assessments` are all services. */
  follow(assessments: Iterable<ServiceAssessment>): void;
  /** Tells those that were told `start` that it is over. */
  stop(): void;
}

/** What it works with. */
export interface FallbackCommandOptions {
  readonly enqueue: (hook: Hook) => void;
  /** Login name the programs run as. */
  readonly user: () => string;
}

interface Told {
  readonly service: VirtualService;
  readonly word: Word;
}

/** `address:port` of a service, `[v6]:port` for IPv6. */
function whereOf({ listen: [first] }: VirtualService): string {
  if (first === undefined) return "";
  return formatEndpoint({ address: first.address, port: first.portFirst });
}

/** The program with all its arguments. Pure. */
export function fallbackCommandOf(service: VirtualService, word: Word): readonly string[] {
  return [...(service.fallbackCommand ?? []), word, whereOf(service), service.protocol];
}

/** What must be told of a service; undefined while it is not known. */
function wordOf({ liveWeight, isSettled }: ServiceAssessment): Word | undefined {
  if (liveWeight > 0) return "stop";
  return isSettled ? "start" : undefined;
}

/** True if both tell the same program of the same address. */
function isSameCommand(one: VirtualService, other: VirtualService): boolean {
  return Bun.deepEquals(fallbackCommandOf(one, "stop"), fallbackCommandOf(other, "stop"));
}

/** Commands that have been told nothing yet. */
export function createFallbackCommands(options: FallbackCommandOptions): FallbackCommands {
  const toldByName = new Map<string, Told>();

  const tell = (service: VirtualService, word: Word, reason: string): void => {
    options.enqueue({
      service: service.name,
      name: "fallback_command",
      command: fallbackCommandOf(service, word),
      user: options.user(),
      environment: {
        APPLIANCE_EVENT: `fallback_command ${word}`,
        APPLIANCE_SERVICE: service.name,
        APPLIANCE_PROTOCOL: service.protocol,
        APPLIANCE_LISTEN: whereOf(service),
        APPLIANCE_REASON: reason,
      },
    });
  };

  const end = ({ service, word }: Told, reason: string): void => {
    if (word === "start") tell(service, "stop", reason);
    toldByName.delete(service.name);
  };

  const followOne = (assessment: ServiceAssessment): void => {
    const { service, reason } = assessment;
    const before = toldByName.get(service.name);
    const isOther = before !== undefined && !isSameCommand(before.service, service);
    if (isOther) end(before, "the configuration has changed");
    const word = wordOf(assessment);
    if (service.fallbackCommand === undefined || word === undefined) return;
    if (!isOther && before?.word === word) return;
    toldByName.set(service.name, { service, word });
    tell(service, word, word === "start" ? reason : "a real server serves");
  };

  return {
    follow(assessments) {
      const gone = new Map(toldByName);
      for (const assessment of assessments) {
        const { name, fallbackCommand } = assessment.service;
        if (fallbackCommand === undefined && !gone.has(name)) continue;
        gone.delete(name);
        followOne(assessment);
      }
      for (const told of gone.values()) end(told, "the service is gone");
    },
    stop() {
      for (const told of toldByName.values()) end(told, "the director stops");
    },
  };
}
