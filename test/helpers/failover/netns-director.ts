/**
 * The built executable as a director on a host of a test network, with its guard and its fence.
 *
 * @module
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { mountFileSystem } from "../../../ffi/mount.ts";
import type { VirtualRouterSnapshot } from "../../../src/status/index.ts";
import { readSnapshot } from "../director-view.ts";
import { startDirector } from "../director.ts";
import type { Director } from "../director.ts";
import type { Host } from "../netns.ts";
import { createTempFolder } from "../temp-folder.ts";
import { waitFor } from "../wait.ts";

/** A director on a host. */
export interface NetnsDirector extends Director {
  readonly host: Host;
  /** Its guard; undefined if it has none. */
  guardPid(): number | undefined;
  /** A virtual router; the first without a name. */
  router(name?: string): Promise<VirtualRouterSnapshot>;
  /** Settles when that virtual router is in a state. */
  waitForState(state: VirtualRouterSnapshot["state"], name?: string): Promise<void>;
}

/** What {@link startNetnsDirector} may be told. */
export interface NetnsDirectorOptions {
  /** Native configuration without `[status]`. */
  readonly config: string;
  /** Folder that outlives it, for one that is started again; else a temporary one. */
  readonly folder?: string;
  readonly executable?: string;
  /** Put before the executable, for example `["env", "NAME=value"]`. */
  readonly prefix?: readonly string[];
  /** The other director: a peer channel to it. */
  readonly peer?: { readonly address: string };
}

/** Both directors have it, in a file of their own. */
const peerKey = "0123456789abcdef".repeat(4);
const peerPort = 9781;

/** `[peer]`, with its key in the director's folder. */
function formatPeer({ address }: { readonly address: string }, folder: string): string {
  const keyFile = join(folder, "peer.key");
  writeFileSync(keyFile, `${peerKey}\n`, { mode: 0o600 });
  return `\n[peer]\naddress = "${address}:${peerPort}"\nkey_file = "${keyFile}"\n`;
}

/** Guards are children of any thread. */
function guardOf(pid: number): number | undefined {
  try {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "),
    );
    const isGuard = (child: string): boolean =>
      child !== "" && readFileSync(`/proc/${child}/comm`, "utf8").startsWith("appliance-guard");
    const found = children.find(isGuard);
    return found === undefined ? undefined : Number(found);
  } catch {
    // Threads and processes come and go.
    return undefined;
  }
}

/**
 * A folder for directors that are started again: with a place for the pins of the fence that
 * outlives `ip netns exec`.
 */
export function createDirectorFolder(): { readonly path: string; [Symbol.dispose](): void } {
  const folder = createTempFolder();
  const pins = join(folder.path, "run", "bpf");
  mkdirSync(pins, { recursive: true });
  // Mounted here: what a process mounts in `ip netns exec` goes with it, and with it the fence.
  mountFileSystem("bpf", pins);
  return {
    path: folder.path,
    [Symbol.dispose]() {
      Bun.spawnSync(["umount", "--lazy", pins]);
      folder[Symbol.dispose]();
    },
  };
}

/** Starts a director and waits until it is ready. */
export async function startNetnsDirector(
  host: Host,
  { config, folder: kept, executable, prefix: own = [], peer }: NetnsDirectorOptions,
): Promise<NetnsDirector> {
  const made = kept === undefined ? createDirectorFolder() : undefined;
  const folder = made?.path ?? kept!;
  const prefix = ["ip", "netns", "exec", host.netns, ...own];
  const which = executable === undefined ? {} : { executable };
  let director: Director;
  try {
    const whole = peer === undefined ? config : config + formatPeer(peer, folder);
    director = await startDirector({ config: whole, prefix, folder, ...which });
  } catch (error) {
    made?.[Symbol.dispose]();
    throw error;
  }
  const router = async (name?: string): Promise<VirtualRouterSnapshot> => {
    const { failover } = await readSnapshot(director);
    const found = failover?.routers.find((one) => name === undefined || one.name === name);
    if (found === undefined) throw new Error(`No virtual router ${name}`);
    return found;
  };
  return {
    ...director,
    host,
    guardPid: () => guardOf(director.process.pid),
    router,
    async waitForState(state, name) {
      const isThere = async (): Promise<boolean> => (await router(name)).state === state;
      try {
        await waitFor(isThere, { what: `${name ?? "virtual router"} ${state} on ${host.name}` });
      } catch (error) {
        const output = director.process.output();
        throw new Error(`${String(error)}\n${output}`, { cause: error });
      }
    },
    async [Symbol.asyncDispose]() {
      await director[Symbol.asyncDispose]();
      made?.[Symbol.dispose]();
    },
  };
}

/** The table of one virtual router; `settings` are further lines, undefined takes one out. */
export function formatRouter(
  settings: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
): string {
  const all = { interface: "eth0", auth: "none", ...settings };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return ["[[vrrp]]", ...lines, ""].join("\n");
}
