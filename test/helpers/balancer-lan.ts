/**
 * A client, a director with the bpf engine in a process of its own, and two real servers on one
 * bridge. Real servers are prepared for direct routing, and lead masq's answers to the director.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { mountFileSystem } from "../../ffi/mount.ts";
import type { ApplyProblem, ServiceCounters } from "../../src/datapath/index.ts";
import type { ForwardingServer, ForwardingService } from "../../src/model/index.ts";
import { formatEndpoint } from "../../src/net/address.ts";
import type { BalancerHostCommand } from "./balancer-host.ts";
import type { BalancerPeerMode } from "./balancer-peer.ts";
import { createLan } from "./netns.ts";
import type { Host } from "./netns.ts";
import type { StartedProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { serverAt, serviceWith } from "./traffic/forwarding.ts";
import { waitFor } from "./wait.ts";

const root = new URL("../..", import.meta.url).pathname;
const startTimeoutMs = 20_000;

/** Virtual addresses: of gate, of masq, a second one of masq, and those of IPv6. */
export const virtual = {
  gate: "10.99.0.100",
  masq: "10.99.0.101",
  masq2: "10.99.0.102",
  gate6: "fd99::100",
  masq6: "fd99::101",
} as const;

/** An active server, with what a test wants different. */
export function forwardingServer(
  address: string,
  port: number,
  changes: Partial<ForwardingServer> = {},
): ForwardingServer {
  return serverAt({ address, port }, changes);
}

/** A service by gate for the bpf engine, with what a test wants different. */
export function forwardingService(
  [address, port]: readonly [address: string, port: number],
  servers: readonly ForwardingServer[],
  changes: Partial<ForwardingService> = {},
): ForwardingService {
  return serviceWith({
    name: `${changes.protocol ?? "tcp"}-${formatEndpoint({ address, port })}`,
    listen: [{ address, portFirst: port, portLast: port }],
    forwarding: "gate",
    engine: "bpf",
    servers,
    ...changes,
  });
}

function peerCommand(mode: BalancerPeerMode, ...args: readonly string[]): string[] {
  return [process.execPath, join(root, "test/helpers/balancer-peer.ts"), mode, ...args];
}

/** The network, and what its tests do. */
export class BalancerLan implements AsyncDisposable {
  readonly client: Host;
  readonly director: Host;
  readonly reals: readonly [Host, Host];
  readonly #folder = createTempFolder();
  readonly #end: () => Promise<void>;
  #process: StartedProcess | undefined;

  private constructor(
    hosts: Readonly<Record<"client" | "director" | "r1" | "r2", Host>>,
    end: () => Promise<void>,
  ) {
    this.client = hosts.client;
    this.director = hosts.director;
    this.reals = [hosts.r1, hosts.r2];
    this.#end = end;
    // Mounted out here: what a process mounts in `ip netns exec` is gone with it.
    const mount = join(this.#folder.path, "bpf");
    mkdirSync(mount);
    mountFileSystem("bpf", mount);
  }

  /** Makes it and starts everything. */
  static async create(): Promise<BalancerLan> {
    const lan = await createLan(["client", "director", "r1", "r2"]);
    const net = new BalancerLan(lan.hosts, async () => lan[Symbol.asyncDispose]());
    try {
      await net.#prepareDirector();
      await Promise.all(net.reals.map((real) => net.#prepareReal(real)));
      await net.startEngine();
      await waitFor(() => net.#hasLinkAddress(), { what: "a link-local address at the director" });
      return net;
    } catch (error) {
      await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts the process with the engine; it takes over what is pinned. */
  async startEngine(): Promise<void> {
    const script = join(root, "test/helpers/balancer-host.ts");
    const command = [process.execPath, script, this.#folder.path];
    this.#process = this.director.spawn(command, { cwd: root });
    await this.#process.waitForOutput(/balancing/, startTimeoutMs);
  }

  /** Ends that process with SIGKILL. */
  async killEngine(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Asks the process. @throws {Error} with its error. */
  async call(name: BalancerHostCommand, ...args: readonly unknown[]): Promise<unknown> {
    const unix = join(this.#folder.path, "balancer.sock");
    const body = JSON.stringify(args);
    const answer = await fetch(`http://engine/${name}`, { unix, method: "POST", body });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  /** Lets real servers take off what ipip puts in front. */
  async decapsulate(): Promise<void> {
    const script = new URL("decapsulator-host.ts", import.meta.url).pathname;
    const command = [process.execPath, script, "eth0"];
    const ends = this.reals.map((real) => real.spawn(command, { cwd: root }));
    await Promise.all(ends.map((end) => end.waitForOutput(/decapsulating/, startTimeoutMs)));
  }

  /** A second way between client and director, of links with a smaller MTU, on which VIPs are. */
  async addNarrowWay(mtu: number): Promise<void> {
    const { client, director } = this;
    const run = async (host: Host, ...command: readonly string[]): Promise<void> => {
      const { status, stderr } = await host.run(command);
      if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}`);
    };
    const peer = ["peer", "name", "narrow", "netns", client.netns];
    await run(director, "ip", "link", "add", "narrow", "type", "veth", ...peer);
    for (const [host, address] of [
      [director, "10.98.0.2/24"],
      [client, "10.98.0.1/24"],
    ] as const) {
      await run(host, "ip", "addr", "add", address, "dev", "narrow");
      await run(host, "ip", "link", "set", "narrow", "mtu", String(mtu), "up");
    }
    await run(client, "ip", "route", "add", `${virtual.masq}/32`, "via", "10.98.0.2");
    for (const real of this.reals) {
      const way = ["via", director.address, "dev", "eth0", "table", "100"];
      await run(real, "ip", "route", "add", "10.98.0.0/24", ...way);
    }
  }

  /** Makes these the whole state. */
  async apply(...services: readonly ForwardingService[]): Promise<readonly ApplyProblem[]> {
    return (await this.call("apply", services)) as readonly ApplyProblem[];
  }

  /** Counters of one service. */
  async counters(name: string): Promise<ServiceCounters> {
    const all = (await this.call("counters")) as readonly ServiceCounters[];
    return all.find((one) => one.name === name)!;
  }

  /** Both real servers at a port. */
  servers(port: number, rest?: Partial<ForwardingServer>): ForwardingServer[] {
    return this.reals.map(({ address }) => forwardingServer(address, port, rest));
  }

  /** Bodies of some requests of the client, sorted. */
  async get(url: string, count: number): Promise<string[]> {
    return (await this.#run(this.client, "get", url, String(count))).toSorted();
  }

  /** As {@link get}, asked by the director itself. */
  async getFromDirector(url: string): Promise<string[]> {
    return this.#run(this.director, "get", url, "1");
  }

  /** Answers to datagrams of these sizes: `r1 1000`. */
  async echo(host: string, port: number, ...sizes: readonly number[]): Promise<string[]> {
    return this.#run(this.client, "echo", host, String(port), ...sizes.map(String));
  }

  /** Connections of the client that stay; what they hear is in its output. */
  hold(host: string, count: number): StartedProcess {
    return this.client.spawn(peerCommand("hold", host, String(count)), { cwd: root });
  }

  /** Bytes that came in and went out at the director. */
  async directorBytes(): Promise<number> {
    const folder = "/sys/class/net/eth0/statistics";
    const { stdout } = await this.director.run(["cat", `${folder}/rx_bytes`, `${folder}/tx_bytes`]);
    return stdout
      .trim()
      .split("\n")
      .reduce((sum, text) => sum + Number(text), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    Bun.spawnSync(["umount", join(this.#folder.path, "bpf")]);
    this.#folder[Symbol.dispose]();
  }

  async #run(host: Host, mode: BalancerPeerMode, ...args: readonly string[]): Promise<string[]> {
    const { status, stdout, stderr } = await host.run(peerCommand(mode, ...args), { cwd: root });
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as string[];
  }

  /** Neighbours of IPv6 are asked with an address that has passed duplicate address detection. */
  async #hasLinkAddress(): Promise<boolean> {
    const { stdout } = await this.director.run(["cat", "/proc/net/if_inet6"]);
    // Address, interface, prefix bits, scope (20: link), flags (80: permanent, 40: tentative).
    return stdout.split("\n").some((line) => /^fe80\S+ \S+ 40 20 80 +eth0$/.test(line));
  }

  async #prepareDirector(): Promise<void> {
    const { director } = this;
    for (const address of Object.values(virtual)) {
      const isSix = address.includes(":");
      const bits = isSix ? 128 : 32;
      const rest = isSix ? ["nodad"] : [];
      await director.run(["ip", "addr", "add", `${address}/${bits}`, "dev", "eth0", ...rest]);
    }
  }

  async #prepareReal(real: Host): Promise<void> {
    const { client, director } = this;
    await real.run(["sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1"]);
    await real.run(["sysctl", "-qw", "net.ipv4.conf.all.arp_announce=2"]);
    await real.run(["ip", "addr", "add", `${virtual.gate}/32`, "dev", "lo"]);
    await real.run(["ip", "addr", "add", `${virtual.gate6}/128`, "dev", "lo", "nodad"]);
    // Answers of masq carry its own address, those of gate the virtual one.
    await real.run(["ip", "rule", "add", "from", real.address, "lookup", "100"]);
    const way = ["via", director.address, "dev", "eth0", "table", "100"];
    await real.run(["ip", "route", "add", `${client.address}/32`, ...way]);
    await real.run(["ip", "-6", "rule", "add", "from", real.address6, "lookup", "100"]);
    const way6 = ["via", director.address6, "dev", "eth0", "table", "100"];
    await real.run(["ip", "-6", "route", "add", `${client.address6}/128`, ...way6]);
    const command = peerCommand("serve", real.name, real.address, virtual.gate);
    const server = real.spawn(command, { cwd: root });
    await server.waitForOutput(/serving/, startTimeoutMs);
  }
}
