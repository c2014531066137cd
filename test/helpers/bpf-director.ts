/**
 * A network for directors that forward in the kernel: a client, directors, and web servers that are
 * prepared as an operator prepares them, by `appliance setup realserver`.
 *
 * @module
 */
import { createDirectorFolder, startNetnsDirector } from "./failover/netns-director.ts";
import type { NetnsDirector, NetnsDirectorOptions } from "./failover/netns-director.ts";
import { createLan } from "./netns.ts";
import type { Host, Lan } from "./netns.ts";
import { startNginx } from "./nginx.ts";
import type { Nginx } from "./nginx.ts";
import { prepareHost } from "./prepared-host.ts";
import type { StartedProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

/** Hosts of the network. */
export type KernelHostName = "client" | "one" | "two" | "r1" | "r2";
/**
 * The virtual address of gate, which real servers have on `lo`, that of masq, and the gateway to which
 * masq's real servers send their answers where it moves between directors.
 */
export const virtualAddress = {
  gate: "10.99.0.100",
  masq: "10.99.0.101",
  gateway: "10.99.0.102",
} as const;

const bigBytes = 2_000_000;
const requestSeconds = 2;

/** The network; `await using` ends everything. */
export class KernelLan implements AsyncDisposable {
  readonly hosts: Readonly<Record<KernelHostName, Host>>;
  readonly bridge: string;
  readonly #stack: AsyncDisposableStack;
  readonly #web = new Map<string, Nginx>();

  private constructor(lan: Lan<KernelHostName>, stack: AsyncDisposableStack) {
    this.hosts = lan.hosts;
    this.bridge = lan.bridge;
    this.#stack = stack;
  }

  /** Makes it; real servers are prepared and serve. */
  static async create(): Promise<KernelLan> {
    await using stack = new AsyncDisposableStack();
    const lan = stack.use(await createLan(["client", "one", "two", "r1", "r2"]));
    const net = new KernelLan(lan, stack.move());
    try {
      for (const name of ["r1", "r2"] as const) {
        await net.prepare(name);
        await net.startWeb(name);
      }
      return net;
    } catch (error) {
      await net[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes a host a real server of the gate address. */
  async prepare(name: KernelHostName): Promise<void> {
    const folder = this.#stack.use(createTempFolder());
    const host = await prepareHost(this.hosts[name], folder.path);
    const { status, stderr } = await host.run([
      "setup",
      "realserver",
      "--vip",
      virtualAddress.gate,
    ]);
    if (status !== 0) throw new Error(`${name}: ${stderr}`);
  }

  /** Leads a real server's own answers to the client over a gateway, as masq wants it. */
  async leadBack(name: KernelHostName, gateway: string): Promise<void> {
    const real = this.hosts[name];
    await real.run(["ip", "rule", "add", "from", real.address, "lookup", "100"]);
    const way = ["via", gateway, "dev", "eth0", "table", "100"];
    await real.run(["ip", "route", "replace", `${this.hosts.client.address}/32`, ...way]);
  }

  /** A web server at every address of a host; its page is the host's name. */
  async startWeb(name: KernelHostName, text: string = name): Promise<Nginx> {
    const { netns } = this.hosts[name];
    const big = new Uint8Array(bigBytes);
    const url = `http://127.0.0.1/`;
    const isUp = async (): Promise<boolean> =>
      (await this.hosts[name].run(["curl", "-sS", "--max-time", "2", url])).stdout === `${text}\n`;
    const web = await startNginx({
      pages: { "index.html": `${text}\n`, "ldirector.html": "Test Page\n", big },
      host: "0.0.0.0",
      port: 80,
      prefix: ["ip", "netns", "exec", netns],
      accepts: () => waitFor(isUp, { what: `web server of ${name}` }),
    });
    this.#web.set(name, web);
    this.#stack.use(web);
    return web;
  }

  /** Ends the web server of a host. */
  async stopWeb(name: KernelHostName): Promise<void> {
    await this.#web.get(name)?.process.stop();
  }

  /** Gives a host a virtual address of its own, as one without VRRP has it. */
  async giveAddress(name: KernelHostName, address: string): Promise<void> {
    await this.hosts[name].run(["ip", "addr", "add", `${address}/32`, "dev", "eth0"]);
  }

  /** A folder for directors that are started again; what is pinned there outlives them. */
  createFolder(): string {
    const folder = createDirectorFolder();
    this.#stack.use(folder);
    return folder.path;
  }

  /** Starts a director and waits until it is ready; ends with the network. */
  async startDirector(name: KernelHostName, options: NetnsDirectorOptions): Promise<NetnsDirector> {
    return this.#stack.use(await startNetnsDirector(this.hosts[name], options));
  }

  /** What a client gets, one connection a request; the error text where it gets nothing. */
  async get(url: string, count = 1, from: KernelHostName = "client"): Promise<string[]> {
    const answers: string[] = [];
    for (let turn = 0; turn < count; turn++) {
      const { stdout, stderr } = await this.hosts[from].run([
        "curl",
        "-sS",
        "--max-time",
        String(requestSeconds),
        url,
      ]);
      answers.push((stdout === "" ? stderr : stdout).trim());
    }
    return answers;
  }

  /** Packets of a host that came in and went out, by its eth0. */
  async traffic(name: KernelHostName): Promise<{ readonly rx: number; readonly tx: number }> {
    const folder = "/sys/class/net/eth0/statistics";
    const files = [`${folder}/rx_bytes`, `${folder}/tx_bytes`];
    const { stdout } = await this.hosts[name].run(["cat", ...files]);
    const [rx, tx] = stdout.trim().split("\n").map(Number);
    return { rx: rx!, tx: tx! };
  }

  /** Bytes of a body that the client gets. */
  async download(url: string): Promise<number> {
    const format = "%{size_download}";
    const command = ["curl", "-sS", "--max-time", "10", "-o", "/dev/null", "-w", format, url];
    const { status, stdout, stderr } = await this.hosts.client.run(command);
    if (status !== 0) throw new Error(stderr);
    return Number(stdout);
  }

  /** Connections to a host's port 80 since it was made, whoever made them. */
  async requests(name: KernelHostName): Promise<number> {
    const { stdout } = await this.hosts[name].run(["cat", "/proc/net/snmp"]);
    const [names, values] = stdout.split("\n").filter((line) => line.startsWith("Tcp:"));
    const column = names!.split(" ").indexOf("PassiveOpens");
    return Number(values!.split(" ")[column]);
  }

  /**
   * Makes the client send to a host whatever it has for an address, as a neighbour does that hears
   * no announcement; undefined ends that.
   */
  async nail(address: string, name: KernelHostName | undefined): Promise<void> {
    const { client } = this.hosts;
    await client.run(["ip", "neigh", "del", address, "dev", "eth0"]);
    if (name === undefined) return;
    const { stdout } = await this.hosts[name].run(["cat", "/sys/class/net/eth0/address"]);
    const entry = [address, "lladdr", stdout.trim(), "dev", "eth0", "nud", "permanent"];
    const { status, stderr } = await client.run(["ip", "neigh", "replace", ...entry]);
    if (status !== 0) throw new Error(stderr);
  }

  /** Addresses of IPv4 on a host's eth0. */
  async addressesOf(name: KernelHostName): Promise<string[]> {
    const { stdout } = await this.hosts[name].run([
      "ip",
      "-o",
      "-4",
      "addr",
      "show",
      "dev",
      "eth0",
    ]);
    return [...stdout.matchAll(/ inet (\S+)\//g)].map(([, address]) => address!);
  }

  /**
   * Connections of the client that stay. In each round they ask again, and a line says who answered
   * how often: `7 {"r1":2,"r2":2}`.
   */
  hold(url: string, count: number): StartedProcess {
    const { hostname, port } = new URL(url);
    const script = new URL("held-requests.ts", import.meta.url).pathname;
    const place = [hostname, port === "" ? "80" : port, String(count)];
    return this.hosts.client.spawn([process.execPath, script, ...place]);
  }

  /** The running web server of a host. */
  web(name: KernelHostName): Nginx {
    return this.#web.get(name)!;
  }

  /** Programs at TC ingress of a host's eth0. */
  async programs(name: KernelHostName): Promise<number> {
    const { stdout } = await this.hosts[name].run(["cat", "/sys/class/net/eth0/ifindex"]);
    const script = new URL("tcx-count.ts", import.meta.url).pathname;
    const counted = await this.hosts[name].run([process.execPath, script, stdout.trim()]);
    if (counted.status !== 0) throw new Error(counted.stderr);
    return Number(counted.stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
