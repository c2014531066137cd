/**
 * What clients see when a director fails, against keepalived.
 *
 * Run: `npm run bench -- failover`. Goals, with 20 ms and 300 ms: killed with a living guard 35 ms
 * (15 aimed at); host gone 315 ms and no more than keepalived at equal timing; stopped or handed
 * over: nothing fails, and never two answer ARP, though the old one serves for a while what still
 * comes to it; link down 35 ms with a second path; frozen: never two that answer; with 30 %
 * loss or load: nobody takes over.
 *
 * Each repetition is a network of its own. A client (test/helpers/failover/observer.ts) asks both
 * directors each millisecond at their MAC, sends an echo as any client would, and fetches a page
 * each 5 ms by a new connection. Parties take turns within a repetition; the long scenarios, where
 * nothing should happen, run side by side with a tenth of the questions.
 *
 * @module
 */
import {
  echoGaps,
  lastAnswerMs,
  longestGapMs,
  ownerChanges,
  pageGaps,
  sharedMs,
  startObserver,
} from "../../test/helpers/failover/observation.ts";
import { figure, formatTable, median } from "../harness/statistics.ts";
import { parties, virtual } from "./party.ts";
import type { Party } from "./party.ts";
import { holdMs, scenarios } from "./scenario.ts";
import type { Fault, Scenario } from "./scenario.ts";
import { createWorld } from "./world.ts";
import type { World } from "./world.ts";

/** What {@link benchFailover} is told. */
export interface FailoverBenchOptions {
  readonly rounds: number;
  /** Of the long scenarios. */
  readonly seconds: number;
  /** Names; undefined: all. */
  readonly scenarios: readonly string[] | undefined;
  readonly parties: readonly string[] | undefined;
}

const pageIntervalMs = 5;
/** Side by side, and for long: the client must not be the load. */
const longAskIntervalMs = 10;
const longPageIntervalMs = 100;
/** Watched before the fault, and after takeover or healing, ms. */
const leadMs = 500;
const watchMs = 1000;

/** What one repetition showed. All in ms unless it is a count. */
interface Outcome {
  readonly echoGapMs: number;
  readonly pageGapMs: number;
  /** Not there within 200 ms, or ended otherwise. */
  readonly failedPages: number;
  /** Of these: reset, refused, or cut short. */
  readonly brokenPages: number;
  readonly sharedMs: number;
  /** Time with two that answer ARP. */
  readonly sharedArpMs: number;
  /** Time with two that answer, after healing. */
  readonly sharedAfterMs: number;
  /** From the fault to the last answer of the director that had the address. */
  readonly lastAnswerMs: number;
  readonly ownerChanges: number;
  readonly promotions: number;
}

function watchSeconds({ isLong, isUndone }: Scenario, party: Party, seconds: number): number {
  if (isLong === true) return seconds + (leadMs + watchMs) / 1000;
  const { deadTimeMs } = party;
  // The phase of the fault, and the skew time of 1/256 of an interval.
  const slackMs = deadTimeMs / 3 + 100;
  const lastingMs = isUndone === true ? holdMs(deadTimeMs) : deadTimeMs;
  return (leadMs + slackMs + lastingMs + watchMs) / 1000;
}

async function play(
  world: World,
  scenario: Scenario,
  seconds: number,
): Promise<Outcome | undefined> {
  if (scenario.isPossible?.(world) === false) return undefined;
  const { client, directors, party } = world;
  const watched = watchSeconds(scenario, party, seconds);
  const { observation } = await startObserver({
    client,
    directors,
    virtual,
    seconds: watched,
    askIntervalMs: scenario.isLong === true ? longAskIntervalMs : 1,
    pageIntervalMs: scenario.isLong === true ? longPageIntervalMs : pageIntervalMs,
  });
  await Bun.sleep(leadMs + Math.random() * Math.min(1000, party.deadTimeMs / 3));
  const before = await world.backup.promotions();
  const fault = await scenario.run(world, seconds);
  const seen = await observation;
  const promotions = (await world.backup.promotions()) - before;
  return { ...evaluate(seen, fault), promotions };
}

type Seen = Awaited<Awaited<ReturnType<typeof startObserver>>["observation"]>;

function evaluate(seen: Seen, { beganMs, healedMs }: Fault): Omit<Outcome, "promotions"> {
  const since = (fromMs: number): Seen => {
    const from = seen.askedAtMs.findIndex((atMs) => atMs >= fromMs);
    const start = from === -1 ? seen.askedAtMs.length : from;
    return {
      ...seen,
      askedAtMs: seen.askedAtMs.slice(start),
      answers: seen.answers.slice(start),
    };
  };
  const after = since(beganMs);
  return {
    echoGapMs: longestGapMs(echoGaps(seen), beganMs),
    pageGapMs: longestGapMs(pageGaps(seen), beganMs),
    failedPages: seen.pages.filter(([, , outcome]) => outcome !== "ok").length,
    brokenPages: seen.pages.filter(([, , outcome]) => !["ok", "timeout"].includes(outcome)).length,
    sharedMs: sharedMs(after, 2),
    sharedArpMs: sharedMs(after, 2, "arp"),
    sharedAfterMs: healedMs === undefined ? 0 : sharedMs(since(healedMs), 2),
    lastAnswerMs: Math.max(0, (lastAnswerMs(seen, 0) ?? 0) - beganMs),
    ownerChanges: ownerChanges(seen, 2),
  };
}

async function playAlone(
  party: Party,
  scenario: Scenario,
  seconds: number,
): Promise<Outcome | undefined> {
  await using world = await createWorld(party);
  return await play(world, scenario, seconds);
}

/** Round after round, the parties in turn; long ones side by side. */
async function playAll(
  scenario: Scenario,
  chosen: readonly Party[],
  { rounds, seconds }: FailoverBenchOptions,
): Promise<(readonly Outcome[])[]> {
  const all: Outcome[][] = chosen.map(() => []);
  const keep = (index: number, outcome: Outcome | undefined): void => {
    if (outcome === undefined) return;
    all[index]!.push(outcome);
    process.stderr.write(`${scenario.name} ${chosen[index]!.name} ${JSON.stringify(outcome)}\n`);
  };
  for (let round = 0; round < rounds; round++) {
    if (scenario.isLong === true) {
      const outcomes = await Promise.all(
        chosen.map((party) => playAlone(party, scenario, seconds)),
      );
      for (const [index, outcome] of outcomes.entries()) keep(index, outcome);
      continue;
    }
    for (const [index, party] of chosen.entries()) {
      keep(index, await playAlone(party, scenario, seconds));
    }
  }
  return all;
}

const forever = "for ever";

/** Median and worst; a time that did not end is told so. */
function range(values: readonly number[], digits = 0): string {
  if (values.length === 0) return "–";
  const worst = Math.max(...values);
  const text = (value: number): string => (value === Infinity ? forever : figure(value, digits));
  return `${text(median(values))} / ${text(worst)}`;
}

function sum(outcomes: readonly Outcome[], key: keyof Outcome): string {
  return String(outcomes.reduce((total, outcome) => total + outcome[key], 0));
}

function rowOf(scenario: Scenario, party: Party, outcomes: readonly Outcome[]): string[] {
  const values = (key: keyof Outcome): number[] => outcomes.map((outcome) => outcome[key]);
  return [
    scenario.name,
    party.name,
    String(outcomes.length),
    range(values("echoGapMs"), 1),
    range(values("pageGapMs"), 1),
    range(values("failedPages")),
    range(values("brokenPages")),
    range(values("sharedArpMs")),
    range(values("sharedMs")),
    range(values("sharedAfterMs")),
    range(values("lastAnswerMs")),
    sum(outcomes, "promotions"),
  ];
}

/** Measures and returns the table. */
export async function benchFailover(options: FailoverBenchOptions): Promise<string> {
  const chosen = parties.filter(({ name }) => options.parties?.includes(name) ?? true);
  const wanted = scenarios.filter(({ name }) => options.scenarios?.includes(name) ?? true);
  const rows: string[][] = [];
  for (const scenario of wanted) {
    const outcomes = await playAll(scenario, chosen, options);
    for (const [index, party] of chosen.entries()) {
      if (outcomes[index]!.length > 0) rows.push(rowOf(scenario, party, outcomes[index]!));
    }
  }
  const head = [
    "fault",
    "party",
    "runs",
    "outage echo ms",
    "outage page ms",
    "failed pages",
    "of them broken",
    "two answer ARP ms",
    "two answer at all ms",
    "of it after healing",
    "old one's last answer after ms",
    "takeovers in all",
  ];
  const described = wanted.map(({ name, description }) => `_${name}_: ${description}`).join("; ");
  return `${formatTable([head, ...rows])}\n\nMedian / worst. ${described}.`;
}
