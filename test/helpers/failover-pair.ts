/**
 * Whole directors with virtual routers, on hosts of a test network: the built executable with a
 * configuration, looked at by its control socket.
 *
 * @module
 */
import type { VirtualRouterSnapshot } from "../../src/status/index.ts";
import { readSnapshot } from "./director-view.ts";
import type { DirectorPlace } from "./director-view.ts";
import { startDirector } from "./director.ts";
import type { Director } from "./director.ts";
import type { Host } from "./netns.ts";
import { waitFor } from "./wait.ts";

/** What a test says of one virtual router; the rest is 20 ms, 300 ms and 10.99.0.100. */
export interface RouterText {
  readonly priority: number;
  /** Further lines of `[[vrrp]]`. */
  readonly lines?: string;
  /** Further tables. */
  readonly tables?: string;
}

/** A configuration with one virtual router named `web`. */
export function routerText({ priority, lines = "", tables = "" }: RouterText): string {
  return `
[director]
script_user = "nobody"

[[vrrp]]
name = "web"
interface = "eth0"
vrid = 51
priority = ${priority}
addresses = ["10.99.0.100"]
advertise_interval = "20ms"
down_after = "300ms"
${/^(?:key_file|auth)/m.test(lines) ? "" : 'auth = "none"'}
${lines}

${tables}
`;
}

/** Starts a director on a host and waits until it is ready. The caller ends it. */
export function startOn(host: Host, config: string): Promise<Director> {
  return startDirector({ config, prefix: ["ip", "netns", "exec", host.netns] });
}

/** The virtual router `web` of a director. */
export async function readRouter(director: DirectorPlace): Promise<VirtualRouterSnapshot> {
  const { failover } = await readSnapshot(director);
  const router = failover?.routers.find(({ name }) => name === "web");
  if (router === undefined) throw new Error("There is no virtual router yet");
  return router;
}

/** Waits until the virtual router is as wanted; its state then. */
export async function waitForRouter(
  director: Director,
  isMeant: (router: VirtualRouterSnapshot) => boolean,
): Promise<VirtualRouterSnapshot> {
  let last: VirtualRouterSnapshot | undefined;
  const find = async (): Promise<VirtualRouterSnapshot | undefined> => {
    last = await readRouter(director).catch(() => undefined);
    return last !== undefined && isMeant(last) ? last : undefined;
  };
  try {
    return await waitFor(find, { what: `virtual router: ${String(isMeant)}` });
  } catch (error) {
    const log = director.process.output().slice(-3000);
    throw new Error(`${String(error)}\n${JSON.stringify(last)}\n${log}`, { cause: error });
  }
}

/** Waits until the virtual router has this state. */
export function waitForRole(
  director: Director,
  state: VirtualRouterSnapshot["state"],
): Promise<VirtualRouterSnapshot> {
  return waitForRouter(director, (router) => router.state === state);
}
