/**
 * What happens to the director that has the address.
 *
 * @module
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { startBusyMachine } from "../../test/helpers/failover/busy-machine.ts";
import { dropBetween, passBetween } from "../../test/helpers/failover/loss.ts";
import { runProcess } from "../../test/helpers/process.ts";
import type { World } from "./world.ts";

/** When it happened, and when it was undone; ms of the monotonic clock. */
export interface Fault {
  readonly beganMs: number;
  readonly healedMs: number | undefined;
}

/** A fault. */
export interface Scenario {
  readonly name: string;
  /** What a reader wants to know of it. */
  readonly description: string;
  /** It lasts so long and nobody should take over; undefined: it is over at once. */
  readonly isLong?: true;
  /** It is undone after a while. */
  readonly isUndone?: true;
  /** False: not for this party. */
  readonly isPossible?: (world: World) => boolean;
  run(world: World, seconds: number): Promise<Fault>;
}

/** How long a fault lasts that is undone: both sides have acted, whatever the phase. */
export function holdMs(deadTimeMs: number): number {
  return deadTimeMs * 1.5 + 500;
}

function signal(pids: readonly number[], name: NodeJS.Signals): Fault {
  const beganMs = monotonicMs();
  for (const pid of pids) process.kill(pid, name);
  return { beganMs, healedMs: undefined };
}

async function separate(world: World): Promise<Fault> {
  await dropBetween(world.segment, 100);
  const beganMs = monotonicMs();
  await Bun.sleep(holdMs(world.party.deadTimeMs));
  await passBetween(world.segment);
  return { beganMs, healedMs: monotonicMs() };
}

async function freeze(world: World, pids: readonly number[]): Promise<Fault> {
  const { beganMs } = signal(pids, "SIGSTOP");
  await Bun.sleep(holdMs(world.party.deadTimeMs));
  return { beganMs, healedMs: signal(pids, "SIGCONT").beganMs };
}

async function last(seconds: number): Promise<Fault> {
  const beganMs = monotonicMs();
  await Bun.sleep(seconds * 1000);
  return { beganMs, healedMs: monotonicMs() };
}

/** All of them, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  {
    name: "stopped",
    description: "SIGTERM",
    run: async ({ active }) => signal([active.mainPid], "SIGTERM"),
  },
  {
    name: "standby",
    description: "handed over by command",
    isPossible: ({ active }) => active.standby !== undefined,
    async run({ active }) {
      const beganMs = monotonicMs();
      await active.standby!();
      return { beganMs, healedMs: undefined };
    },
  },
  {
    name: "killed",
    description: "SIGKILL of the program; a guard lives",
    run: async ({ active }) => signal(active.ownPids, "SIGKILL"),
  },
  {
    name: "gone",
    description: "SIGKILL of everything",
    run: async ({ active }) => signal(active.allPids, "SIGKILL"),
  },
  {
    name: "frozen",
    isUndone: true,
    description: "SIGSTOP of the program, SIGCONT later; a guard lives",
    run: (world) => freeze(world, world.active.ownPids),
  },
  {
    name: "stalled",
    isUndone: true,
    description: "SIGSTOP of everything, SIGCONT later",
    run: (world) => freeze(world, world.active.allPids),
  },
  {
    name: "unplugged",
    description: "the link goes down",
    async run(world) {
      const beganMs = monotonicMs();
      await runProcess([
        "ip",
        "-n",
        world.segment.bridge,
        "link",
        "set",
        world.segment.ports[0],
        "down",
      ]);
      return { beganMs, healedMs: undefined };
    },
  },
  {
    name: "separated",
    isUndone: true,
    description: "nothing passes between the directors for a while; both reach the client",
    run: separate,
  },
  {
    name: "lossy",
    description: "30 % random loss between the directors",
    isLong: true,
    async run(world, seconds) {
      await dropBetween(world.segment, 30);
      const fault = await last(seconds);
      await passBetween(world.segment);
      return fault;
    },
  },
  {
    name: "loaded",
    description: "all cores busy, clients asking",
    isLong: true,
    async run(_world, seconds) {
      await using _ = startBusyMachine();
      return await last(seconds);
    },
  },
  { name: "idle", description: "nothing", isLong: true, run: (_world, seconds) => last(seconds) },
];
