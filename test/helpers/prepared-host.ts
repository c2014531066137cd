/**
 * The built executable's `setup` and `doctor` on a machine of a test network, with folders of its
 * own for what they write.
 *
 * @module
 */
import { chmodSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./netns.ts";
import type { FinishedProcess } from "./process.ts";
import { executablePath } from "./require-peer.ts";
import { waitFor } from "./wait.ts";

/** A machine that is prepared and examined. */
export interface PreparedHost {
  readonly host: Host;
  /** Stands before /etc. */
  readonly root: string;
  readonly state: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Runs `appliance` with these arguments. */
  run(args: readonly string[], prefix?: readonly string[]): Promise<FinishedProcess>;
  /** Runs a line of shell; throws if it fails. @returns what it printed. */
  shell(line: string): Promise<string>;
  /** Addresses and settings as the kernel has them, and the files below `root`, as text. */
  picture(): Promise<string>;
  /** Hardware address of eth0. */
  hardwareAddress(): Promise<string>;
  /** Serves `text` over HTTP at all addresses, port 80; ends with the network. */
  serve(text: string): Promise<void>;
}

/**
 * Makes the folders and checks that the machine is not this one: what follows writes settings.
 *
 * @throws {Error} if the machine shares this process's network.
 */
export async function prepareHost(host: Host, folder: string): Promise<PreparedHost> {
  // Others run commands in it, too.
  chmodSync(folder, 0o755);
  const root = join(folder, host.name, "root");
  const state = join(folder, host.name, "state");
  // What tells that systemd starts this machine.
  mkdirSync(join(root, "run/systemd/system"), { recursive: true });
  const { stdout } = await host.run(["readlink", "/proc/self/ns/net"]);
  const own = readlinkSync("/proc/self/ns/net");
  if (stdout.trim() === own || !stdout.startsWith("net:[")) {
    throw new Error(`${host.name} has no network of its own`);
  }
  const environment = { APPLIANCE_ROOT_DIR: root, APPLIANCE_STATE_DIR: state };
  const shell = async (line: string): Promise<string> => {
    const result = await host.run(["sh", "-c", line]);
    if (result.status === 0) return result.stdout;
    throw new Error(`${line}: status ${result.status}\n${result.stderr}`);
  };
  return {
    host,
    root,
    state,
    environment,
    run: (args, prefix = []) =>
      host.run([...prefix, executablePath, ...args], { env: environment }),
    shell,
    picture: () =>
      shell(
        // The kernel makes link-local addresses when it likes to.
        "ip -o address show | grep -v ' fe80:'; " +
          "grep . /proc/sys/net/ipv4/conf/*/arp_ignore /proc/sys/net/ipv4/conf/*/arp_announce " +
          "/proc/sys/net/ipv4/conf/*/rp_filter /proc/sys/net/ipv4/ip_forward; " +
          `find ${root} ${state} -type f -o -type l 2>/dev/null | sort; true`,
      ),
    async hardwareAddress() {
      return /link\/ether (\S+)/.exec(await shell("ip -o link show eth0"))![1]!;
    },
    async serve(text) {
      const program = `
        Bun.serve({ hostname: "::", port: 80, fetch: () => new Response(${JSON.stringify(text)}) });
        console.log("ready");
      `;
      const server = host.spawn([process.execPath, "-e", program]);
      await server.waitForOutput(/ready/);
    },
  };
}

/** Text of a file below the root of a prepared host. */
export function readPrepared({ root }: PreparedHost, path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/**
 * Hardware address that a machine finds for another one's address, asked by its own kernel with
 * nothing remembered; empty if nobody answers.
 */
export async function findNeighbour(host: PreparedHost, address: string): Promise<string> {
  await host.shell("ip neigh flush all");
  await host.host.run(["ping", "-c1", "-W1", address]);
  // Up to the kernel's last attempt.
  return waitFor(
    async () => {
      const text = await host.shell(`ip neigh show to ${address}`);
      if (/INCOMPLETE|^$/.test(text.trim()) && !text.includes("FAILED")) return undefined;
      return { found: /lladdr (\S+)/.exec(text)?.[1] ?? "" };
    },
    { what: `answer for ${address}` },
  ).then(({ found }) => found);
}
