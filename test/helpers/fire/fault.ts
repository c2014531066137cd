/**
 * Faults that are done to one of two directors, and how each is undone.
 *
 * @module
 */
import { runCommand } from "../director-view.ts";
import { dropBetween, passBetween } from "../failover/loss.ts";
import type { Segment } from "../failover/loss.ts";
import type { NetnsDirector } from "../failover/netns-director.ts";
import { runProcess } from "../process.ts";
import { waitFor } from "../wait.ts";

/** What a fault is done to. */
export interface Victim {
  readonly director: NetnsDirector;
  readonly segment: Segment;
  /** Starts it again on the same folder. */
  restart(): Promise<void>;
}

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  /** How long it lasts, ms. */
  readonly lastsMs: number;
  /** While it lasts both may answer: they cannot know of each other. */
  readonly mayShare?: boolean;
  /** The old owner finishes its connections: it still takes IP packets that find it, and no ARP. */
  readonly isOnPurpose?: boolean;
  begin(victim: Victim): Promise<void>;
  end(victim: Victim): Promise<void>;
}

function signal(director: NetnsDirector, name: NodeJS.Signals, withGuard: boolean): void {
  const guard = withGuard ? director.guardPid() : undefined;
  // The guard first: it must not see its director stand still.
  if (guard !== undefined) process.kill(guard, name);
  director.process.kill(name);
}

async function setLink({ director }: Victim, state: "up" | "down"): Promise<void> {
  const { netns } = director.host;
  const { status, stderr } = await runProcess(["ip", "-n", netns, "link", "set", "eth0", state]);
  if (status !== 0) throw new Error(stderr);
}

const nothing = async (): Promise<void> => undefined;

/** Every kind, the worst last. */
export const faults: readonly Fault[] = [
  {
    name: "handed over by command",
    lastsMs: 500,
    isOnPurpose: true,
    async begin({ director }) {
      await runCommand(director, "standby");
    },
    end: nothing,
  },
  {
    name: "stopped with SIGTERM and started",
    lastsMs: 500,
    isOnPurpose: true,
    async begin({ director }) {
      director.process.kill("SIGTERM");
      await director.process.exited;
    },
    end: (victim) => victim.restart(),
  },
  {
    name: "killed with -9 and started",
    lastsMs: 500,
    async begin({ director }) {
      director.process.kill("SIGKILL");
      await director.process.exited;
    },
    end: (victim) => victim.restart(),
  },
  {
    name: "killed with -9 together with its guard",
    lastsMs: 1500,
    async begin({ director }) {
      signal(director, "SIGKILL", true);
      await director.process.exited;
    },
    end: (victim) => victim.restart(),
  },
  {
    name: "frozen, its guard not",
    lastsMs: 2000,
    begin: async ({ director }) => signal(director, "SIGSTOP", false),
    end: async ({ director }) => director.process.kill("SIGCONT"),
  },
  {
    name: "a paused guest: director and guard frozen",
    lastsMs: 2500,
    begin: async ({ director }) => signal(director, "SIGSTOP", true),
    async end({ director }) {
      const guard = director.guardPid();
      director.process.kill("SIGCONT");
      if (guard !== undefined) process.kill(guard, "SIGCONT");
    },
  },
  {
    name: "30 % of the packets between the directors lost",
    lastsMs: 2500,
    begin: ({ segment }) => dropBetween(segment, 30),
    end: ({ segment }) => passBetween(segment),
  },
  {
    name: "its link down and up",
    lastsMs: 2000,
    begin: (victim) => setLink(victim, "down"),
    end: (victim) => setLink(victim, "up"),
  },
  {
    name: "separated from the other and joined again",
    lastsMs: 2000,
    mayShare: true,
    begin: ({ segment }) => dropBetween(segment, 100),
    end: ({ segment }) => passBetween(segment),
  },
];

/** Waits until one of the two has the address and the other hears it. */
export async function waitForPair(directors: readonly NetnsDirector[]): Promise<void> {
  let last = "";
  const isWell = async (): Promise<boolean> => {
    try {
      const routers = await Promise.all(directors.map((director) => director.router()));
      last = JSON.stringify(routers);
      const backup = routers.find(({ state }) => state === "backup");
      const hasActive = routers.some(({ state }) => state === "active");
      return (
        hasActive && backup !== undefined && backup.heard !== null && backup.blockedBy === null
      );
    } catch {
      return false;
    }
  };
  try {
    await waitFor(isWell, { what: "one active director and one that hears it", timeoutMs: 20_000 });
  } catch (error) {
    const logs = directors.map(({ process: child }) => child.output().slice(-4000)).join("\n---\n");
    throw new Error(`${String(error)}\n${last}\n${logs}`, { cause: error });
  }
}
