/**
 * The network of docs/scaling-out.md: clients behind a router, four directors that announce their
 * address to it by BIRD, and three real servers.
 *
 * @module
 */
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { startDirector } from "../director.ts";
import type { Director } from "../director.ts";
import { createDirectorFolder } from "../failover/netns-director.ts";
import { createLan } from "../netns.ts";
import type { Host } from "../netns.ts";
import { runProcess } from "../process.ts";
import type { StartedProcess } from "../process.ts";
import { createTempFolder } from "../temp-folder.ts";
import { waitFor } from "../wait.ts";
import type { ClientFlow, ClientSettings } from "./clients.ts";
import { readScaleOutFiles } from "./configuration.ts";

/** The address that all directors have on `lo`, and the port of the service. */
export const virtualAddress = "192.0.2.100";
const servicePort = 80;
/** Of the real servers; with `gate` it is that of the service. */
const proxiedPort = 8080;
const clientNetwork = "198.51.100";
const clientCount = 48;
const connectionsPerClient = 6;
/** Of the resilient group: many more than connections, so that few share one. */
const bucketCount = 2048;
const groupId = 100;

/** One director of the set. */
export interface Edge {
  readonly name: string;
  readonly host: Host;
  director: Director;
  /** What systemd would run when the director has ended. */
  stopPost(): Promise<void>;
  /** Starts the director again. */
  start(): Promise<void>;
  /** A command of birdc. */
  birdc(...args: readonly string[]): Promise<string>;
}

/** The whole. */
export interface ScaleOutNetwork extends AsyncDisposable {
  readonly edges: readonly Edge[];
  readonly servers: readonly StartedProcess[];
  /** Addresses of directors that the router's BIRD has a path to, sorted. */
  paths(): Promise<readonly string[]>;
  /** Waits until the router uses these, and has told its kernel. */
  waitForPaths(edges: readonly Edge[]): Promise<void>;
  /** What the clients see; `reconnect` makes connections anew that have ended. */
  flows(command?: "report" | "reconnect"): Promise<readonly ClientFlow[]>;
}

async function must(host: Host, ...command: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await host.run(command);
  if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

/** BIRD on a host; `birdc` talks to it. */
async function startBird(host: Host, folder: string, configuration: string) {
  const path = join(folder, `${host.name}.conf`);
  const socket = join(folder, `${host.name}.ctl`);
  writeFileSync(path, configuration);
  const pid = join(folder, `${host.name}.pid`);
  // Its answers say that the host lives: other work of this machine must not keep it from them.
  const first = ["nice", "-n", "-19"];
  const bird = host.spawn([...first, "bird", "-f", "-c", path, "-s", socket, "-P", pid]);
  const birdc = async (...args: readonly string[]): Promise<string> =>
    (await runProcess(["birdc", "-s", socket, ...args])).stdout;
  await waitFor(async () => (await birdc("show", "status")).includes("up and running"), {
    what: `BIRD on ${host.name}`,
  });
  return { bird, socket, birdc };
}

/** Uid and gid that Debian's package gives BIRD. */
async function birdAccount(): Promise<readonly [number, number]> {
  const ids = await Promise.all(["-u", "-g"].map((flag) => runProcess(["id", flag, "bird"])));
  const [uid, gid] = ids.map(({ stdout }) => Number(stdout));
  return [uid!, gid!];
}

/** How it is built. */
export interface ScaleOutOptions {
  /**
   * `resilient`: the router moves only flows of paths that went away. `plain`: what Linux and BIRD
   * do by themselves.
   */
  readonly hashing: "resilient" | "plain";
  readonly forwarding: "proxy" | "gate";
}

interface EdgePlace {
  /** For what all directors have. */
  readonly folder: string;
  /** For this director: what it pins outlives it, as on a host of its own. */
  readonly own: string;
  readonly forwarding: ScaleOutOptions["forwarding"];
}

async function startEdge(host: Host, { folder, own, forwarding }: EdgePlace): Promise<Edge> {
  const { name } = host;
  const files = readScaleOutFiles();
  await must(host, "ip", "address", "add", `${virtualAddress}/32`, "dev", "lo");
  await must(host, "ip", "route", "add", "default", "via", routerAddress);
  const { socket, birdc } = await startBird(host, folder, files.birdOf(host.address));
  chownSync(socket, ...(await birdAccount()));
  // One BIRD a machine has its socket where birdc looks; here are five.
  const withSocket = (text: string): string =>
    text.replaceAll("/usr/sbin/birdc", `/usr/sbin/birdc -s ${socket}`);
  const hook = join(folder, `${name}-vip-route`);
  writeFileSync(hook, withSocket(files.hook));
  chmodSync(hook, 0o755);
  const config = files.director[forwarding].replaceAll("/usr/local/sbin/vip-route", hook);
  const prefix = ["ip", "netns", "exec", host.netns];
  const edge: Edge = {
    name,
    host,
    director: await startDirector({ config, prefix, folder: own }),
    birdc,
    async stopPost() {
      await runProcess(withSocket(files.stopPost).split(" "));
    },
    async start() {
      await edge.director[Symbol.asyncDispose]();
      edge.director = await startDirector({ config, prefix, folder: own });
    },
  };
  return edge;
}

/** Second in the LAN, as the page has it. */
const routerAddress = "10.99.0.2";

/**
 * The router's kernel: a resilient group of the paths that its BIRD has, as hardware does it; or
 * what BIRD itself tells the kernel.
 */
async function followPaths(
  router: Host,
  paths: () => Promise<readonly string[]>,
): Promise<{ readonly applied: () => readonly string[]; stop(): Promise<void> }> {
  let applied: readonly string[] = [];
  const over = new AbortController();
  const idOf = (address: string): number => Number(address.split(".")[3]);
  const follow = async (): Promise<void> => {
    const wanted = await paths();
    if (wanted.join(" ") === applied.join(" ")) return;
    for (const address of wanted) {
      const id = String(idOf(address));
      await must(router, "ip", "nexthop", "replace", "id", id, "via", address, "dev", "eth0");
    }
    const group = ["id", String(groupId), "group", wanted.map(idOf).join("/")];
    const type = ["type", "resilient", "buckets", String(bucketCount), "idle_timer", "120"];
    if (wanted.length === 0) {
      await must(router, "ip", "nexthop", "del", "id", String(groupId));
    } else {
      await must(router, "ip", "nexthop", "replace", ...group, ...type);
      const nexthop = ["nhid", String(groupId)];
      await must(router, "ip", "route", "replace", `${virtualAddress}/32`, ...nexthop);
    }
    applied = wanted;
  };
  const loop = (async () => {
    while (!over.signal.aborted) {
      await follow();
      await Bun.sleep(20);
    }
  })();
  return {
    applied: () => applied,
    async stop() {
      over.abort();
      await loop;
    },
  };
}

/** Gateways of the routes that the kernel of a host has to the virtual address, sorted. */
async function kernelPaths(router: Host): Promise<readonly string[]> {
  const routes = await must(router, "ip", "route", "show", `${virtualAddress}/32`);
  return [...routes.matchAll(/via (\S+)/g)].map(([, address]) => address!).toSorted();
}

/** A client network of its own behind the router. */
async function joinClients(client: Host, router: Host): Promise<readonly string[]> {
  const enter = ["ip", "-n", client.netns];
  await must(client, "ip", "link", "set", "eth0", "down");
  await must(client, ..."ip link add up0 type veth peer name down0 netns".split(" "), router.netns);
  await must(router, "ip", "address", "add", `${clientNetwork}.1/24`, "dev", "down0");
  await must(router, "ip", "link", "set", "down0", "up");
  await must(client, "ip", "link", "set", "up0", "up");
  const sources = Array.from(
    { length: clientCount },
    (_, index) => `${clientNetwork}.${index + 2}`,
  );
  for (const source of sources) {
    await runProcess([...enter, "address", "add", `${source}/24`, "dev", "up0"]);
  }
  await must(client, "ip", "route", "add", "default", "via", `${clientNetwork}.1`);
  for (const setting of ["ip_forward=1", "fib_multipath_hash_policy=1"]) {
    await must(router, "sysctl", "-qw", `net.ipv4.${setting}`);
  }
  return sources;
}

/** Real servers; with `gate` they have the virtual address and answer by the router. */
async function startServers(
  hosts: readonly Host[],
  forwarding: ScaleOutOptions["forwarding"],
): Promise<readonly StartedProcess[]> {
  const script = new URL("server.ts", import.meta.url).pathname;
  const port = forwarding === "gate" ? servicePort : proxiedPort;
  const servers: StartedProcess[] = [];
  for (const host of hosts) {
    if (forwarding === "gate") {
      for (const setting of ["arp_ignore=1", "arp_announce=2"]) {
        await must(host, "sysctl", "-qw", `net.ipv4.conf.all.${setting}`);
      }
      await must(host, "ip", "address", "add", `${virtualAddress}/32`, "dev", "lo");
      await must(host, "ip", "route", "add", "default", "via", routerAddress);
    }
    servers.push(host.spawn([process.execPath, script, host.address, String(port)]));
  }
  for (const server of servers) await server.waitForOutput(/listening/);
  return servers;
}

/** Builds it and waits until all four directors serve. */
export async function startScaleOut({
  hashing,
  forwarding,
}: ScaleOutOptions): Promise<ScaleOutNetwork> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(createTempFolder());
  // The hooks run as a user who must get here.
  chmodSync(folder.path, 0o755);
  const names = ["client", "router", "d1", "d2", "d3", "d4", "s1", "s2", "s3"] as const;
  const lan = stack.use(await createLan(names));
  const { client, router, d1, d2, d3, d4, s1, s2, s3 } = lan.hosts;
  const sources = await joinClients(client, router);

  const servers = await startServers([s1, s2, s3], forwarding);

  const { routerBird } = readScaleOutFiles();
  const bird = /^protocol kernel \{[\s\S]*?^\}$/m;
  const routerText = hashing === "plain" ? routerBird : routerBird.replace(bird, "");
  const { birdc } = await startBird(router, folder.path, routerText);
  const edges: Edge[] = [];
  for (const host of [d1, d2, d3, d4]) {
    const own = stack.use(createDirectorFolder()).path;
    // One after the other: four starts at once on a busy machine take longer than is waited for.
    const edge = await startEdge(host, { folder: folder.path, own, forwarding });
    edges.push(edge);
    // Before its folder goes.
    stack.defer(() => edge.director[Symbol.asyncDispose]());
  }

  const paths = async (): Promise<readonly string[]> => {
    const routes = await birdc("show", "route", "for", virtualAddress);
    return [...routes.matchAll(/via (\S+)/g)].map(([, address]) => address!).toSorted();
  };
  const follower = hashing === "plain" ? undefined : await followPaths(router, paths);
  stack.defer(() => follower?.stop());
  const waitForPaths = async (wanted: readonly Edge[]): Promise<void> => {
    const expected = wanted
      .map(({ host }) => host.address)
      .toSorted()
      .join(" ");
    let last: readonly string[] = [];
    const isThere = async (): Promise<boolean> => {
      last = follower === undefined ? await kernelPaths(router) : follower.applied();
      return last.join(" ") === expected;
    };
    try {
      await waitFor(isThere, { what: `paths ${expected}`, timeoutMs: 30_000 });
    } catch (error) {
      const told = edges.map(({ director }) => director.process.output()).join("\n");
      throw new Error(`${String(error)}, last ${last.join(" ")}\n${told}`, { cause: error });
    }
  };
  await waitForPaths(edges);

  const settings: ClientSettings = {
    control: join(folder.path, "clients.sock"),
    host: virtualAddress,
    port: servicePort,
    sources,
    connections: connectionsPerClient,
  };
  const clientScript = new URL("clients.ts", import.meta.url).pathname;
  const clients = client.spawn([process.execPath, clientScript, JSON.stringify(settings)]);
  await clients.waitForOutput(/listening/);
  const kept = stack.move();
  return {
    edges,
    servers,
    paths,
    waitForPaths,
    async flows(command = "report") {
      const answer = await fetch(`http://localhost/${command}`, { unix: settings.control });
      return (await answer.json()) as readonly ClientFlow[];
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
