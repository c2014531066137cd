/**
 * Throw-away networks for integration tests: namespaces on one bridge, gone when the test ends.
 *
 * Needs the right to make namespaces (`requireNetns()` of require-peer.ts). Names carry the process
 * id and a number, so that tests and test files may run side by side.
 *
 * @module
 */
import { runProcess, startProcess } from "./process.ts";
import type { FinishedProcess, ProcessOptions, StartedProcess } from "./process.ts";

/** One machine of the test network, with `lo` and `eth0`. */
export interface Host {
  readonly name: string;
  /** Name of its namespace, for `ip netns exec`. */
  readonly netns: string;
  /** The other end of its `eth0`, on the bridge. */
  readonly port: string;
  /** IPv4 address on the bridge, a /24. */
  readonly address: string;
  /** IPv6 address on the bridge, a /64. */
  readonly address6: string;
  /** Starts a program inside the namespace; it ends with the network. */
  spawn(command: readonly string[], options?: ProcessOptions): StartedProcess;
  /** Runs a program inside the namespace to its end. */
  run(command: readonly string[], options?: ProcessOptions): Promise<FinishedProcess>;
}

/** Machines on one bridge. `await using` ends their programs and removes the namespaces. */
export interface Lan<Name extends string> extends AsyncDisposable {
  readonly hosts: Readonly<Record<Name, Host>>;
  /** Name of the namespace of the bridge `br0`. */
  readonly bridge: string;
}

let lanCount = 0;

async function ip(...args: readonly string[]): Promise<void> {
  const { status, stderr } = await runProcess(["ip", ...args]);
  if (status !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
}

/** Hosts 10.99.0.1, 10.99.0.2, … (fd99::1, fd99::2, …) in the order of `names`. */
export async function createLan<const Name extends string>(
  names: readonly Name[],
): Promise<Lan<Name>> {
  const prefix = `e${process.pid}-${lanCount++}`;
  const bridge = `${prefix}-lan`;
  const made: string[] = [];
  const children: StartedProcess[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(children.map((child) => child.stop()));
    for (const netns of made.toReversed()) await runProcess(["ip", "netns", "del", netns]);
  };

  const createHost = async (name: string, number: number): Promise<Host> => {
    const netns = `${prefix}-${name}`;
    const port = `p${number}`;
    const [address, address6] = [`10.99.0.${number}`, `fd99::${number.toString(16)}`];
    await ip("netns", "add", netns);
    made.push(netns);
    await ip("-n", bridge, "link", "add", port, "type", "veth", "peer", "eth0", "netns", netns);
    await ip("-n", bridge, "link", "set", port, "master", "br0", "up");
    await ip("-n", netns, "addr", "add", `${address}/24`, "dev", "eth0");
    // Duplicate address detection would keep the address unusable for a second.
    await ip("-n", netns, "addr", "add", `${address6}/64`, "dev", "eth0", "nodad");
    await ip("-n", netns, "link", "set", "eth0", "up");
    await ip("-n", netns, "link", "set", "lo", "up");
    const enter = ["ip", "netns", "exec", netns];
    return {
      name,
      netns,
      port,
      address,
      address6,
      spawn(command, options) {
        const child = startProcess([...enter, ...command], options);
        children.push(child);
        return child;
      },
      run: (command, options) => runProcess([...enter, ...command], options),
    };
  };

  try {
    await ip("netns", "add", bridge);
    made.push(bridge);
    await ip("-n", bridge, "link", "add", "br0", "type", "bridge");
    await ip("-n", bridge, "link", "set", "br0", "up");
    const hosts: Partial<Record<Name, Host>> = {};
    for (const [index, name] of names.entries()) hosts[name] = await createHost(name, index + 1);
    return { hosts: hosts as Record<Name, Host>, bridge, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}
