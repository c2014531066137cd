/**
 * Directors of a failover test: `failover-host.ts` on a host of a test network.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { mountFileSystem } from "../../ffi/mount.ts";
import type {
  InstanceView,
  PeerChannelView,
  PeerPlan,
  RealtimeEvent,
  RealtimeView,
  UnplacedPlan,
} from "../../src/failover/index.ts";
import type { Host } from "./netns.ts";
import type { StartedProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

const script = new URL("failover-host.ts", import.meta.url).pathname;
const root = new URL("../..", import.meta.url).pathname;

/** A virtual router of 20 ms and 300 ms with one address, changed as the test wants. */
export function plan(changes: Partial<UnplacedPlan> & { readonly address?: string }): UnplacedPlan {
  const { address = "10.99.0.100", ...rest } = changes;
  const family = address.includes(":") ? 6 : 4;
  const prefixBits = family === 4 ? 32 : 128;
  return {
    name: "web",
    vrid: 51,
    version: 3,
    family,
    priority: 100,
    interfaces: ["eth0"],
    addresses: [{ address, prefixBits, interface: "eth0", label: undefined, isAdvertised: true }],
    peers: undefined,
    password: undefined,
    keys: undefined,
    advertiseIntervalMs: 20,
    downAfterMs: 300,
    preempt: false,
    preemptDelayMs: 0,
    startDelayMs: 0,
    tracked: [],
    witness: "prefer",
    announces: true,
    group: undefined,
    drainMs: 0,
    ...rest,
  };
}

/** The peer channel to a host, with one key and a digest of its own. */
export function peerPlan(
  host: { readonly address: string },
  changes: Partial<PeerPlan> & { readonly isComplete?: false } = {},
): PeerPlan {
  const keys = [{ id: "test", secret: "6b".repeat(32) }];
  return { address: host.address, port: 9781, keys, digest: "00000000000000aa", ...changes };
}

/** A running director. */
export interface FailoverNode extends AsyncDisposable {
  readonly host: Host;
  readonly process: StartedProcess;
  /** Process of the director itself; its guard is a child of it. */
  pid(): Promise<number>;
  /** Everything it told so far, with its time on the monotonic clock. */
  events(): readonly (RealtimeEvent & { readonly atMs: number })[];
  /** The last state it printed, at most 200 ms old. */
  view(): InstanceView | undefined;
  /** The last state of the peer channel and of the thread it printed. */
  channel(): (RealtimeView & { readonly peer: PeerChannelView }) | undefined;
  waitForState(state: InstanceView["state"]): Promise<void>;
}

/** What makes a process that may not load bpf programs nor mount their file system. */
export const withoutBpf = ["setpriv", "--bounding-set", "-bpf,-sys_admin,-perfmon"];

/** A line of failover-host.ts; the first that was kept of a long output may be cut. */
function parseLine(line: string, index: number): { readonly type: string }[] {
  try {
    return [JSON.parse(line)];
  } catch (error) {
    if (index === 0) return [];
    throw error;
  }
}

/** A director's surroundings. */
export interface NodeOptions {
  readonly peer?: PeerPlan | undefined;
  /** False: the host permits no bpf. @default true */
  readonly hasBpf?: boolean;
  /** It makes garbage, and collects it by force twice a second. @default false */
  readonly isCollecting?: boolean;
}

/** Starts a director on a host. Its fence outlives it, until it is disposed of. */
export async function startNode(
  host: Host,
  plans: readonly UnplacedPlan[],
  peer?: PeerPlan,
): Promise<FailoverNode> {
  return startNodeIn(host, plans, { peer });
}

/** As {@link startNode}, in other surroundings. */
export async function startNodeIn(
  host: Host,
  plans: readonly UnplacedPlan[],
  { peer, hasBpf = true, isCollecting = false }: NodeOptions,
): Promise<FailoverNode> {
  const folder = createTempFolder();
  // Mounted here: what a process mounts in `ip netns exec` goes with it, and with it the fence.
  const own = join(folder.path, "bpf");
  mkdirSync(own);
  mountFileSystem("bpf", own);
  const peers = peer === undefined ? [] : [JSON.stringify(peer)];
  const prefix = hasBpf ? [] : withoutBpf;
  const program = [process.execPath, script, folder.path, JSON.stringify(plans), ...peers];
  const command = [...prefix, ...program];
  const env = isCollecting ? { FAILOVER_HOST_COLLECTS: "1" } : {};
  const started = host.spawn(command, { cwd: root, env });
  const lines = (): { readonly type: string }[] =>
    started
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{") && line.endsWith("}"))
      .flatMap(parseLine);
  const states = (): InstanceView[] =>
    lines().flatMap((line) => (line.type === "view" ? Reflect.get(line, "instances") : []));
  await started.waitForOutput(/"ready"/);
  return {
    host,
    process: started,
    async pid() {
      // `ip netns exec` becomes the program.
      return started.pid;
    },
    events: () =>
      lines().filter(({ type }) => type !== "view") as (RealtimeEvent & { atMs: number })[],
    view: () => states().at(-1),
    channel() {
      const last = lines().findLast(({ type }) => type === "view");
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- failover-host.ts wrote it.
      return last as unknown as (RealtimeView & { readonly peer: PeerChannelView }) | undefined;
    },
    async waitForState(state) {
      await waitFor(() => (states().at(-1)?.state === state ? true : undefined), {
        what: `${host.name} ${state}\n${started.output().slice(-2000)}`,
      });
    },
    async [Symbol.asyncDispose]() {
      await started.stop();
      Bun.spawnSync(["umount", own]);
      folder[Symbol.dispose]();
    },
  };
}
