/**
 * Virtual addresses on interfaces that are no plain Ethernet, and on one that goes and comes back:
 * fenced where the address is, and nowhere else. VLAN, bond and dummy are tried in a virtual
 * machine (fence-vm.test.ts).
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { plan, startNode } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("ping"), requireBpf());
const virtual = "10.99.0.100";

/** How an interface with an address of its own is made above eth0. */
const kinds: readonly (readonly [kind: string, commands: readonly string[]])[] = [
  [
    "bridge",
    [
      "link add lan0 type bridge",
      "link set eth0 master lan0",
      "addr flush dev eth0",
      "addr add OWN/24 dev lan0",
      "link set lan0 up",
    ],
  ],
  [
    "macvlan",
    [
      "link add lan0 link eth0 type macvlan mode bridge",
      "addr flush dev eth0",
      "addr add OWN/24 dev lan0",
      "link set lan0 up",
    ],
  ],
];

describe.skipIf(needs.skip)("a virtual address", () => {
  let lan: Lan<"client" | "one">;
  let stack: AsyncDisposableStack;
  let client: Host;
  let one: Host;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    lan = stack.use(await createLan(["client", "one"]));
    ({ client, one } = lan.hosts);
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 20_000);

  async function ip(host: Host, text: string): Promise<void> {
    const { status, stderr } = await host.run(["ip", ...text.split(" ")]);
    expect({ text, status, stderr }).toEqual({ text, status: 0, stderr: "" });
  }

  async function ping(address: string): Promise<boolean> {
    return (await client.run(["ping", "-c", "1", "-W", "0.5", address])).status === 0;
  }

  async function hasAddress(device: string, address: string): Promise<true | undefined> {
    const { stdout } = await one.run(["ip", "-o", "addr", "show", "dev", device]);
    return stdout.includes(` ${address}/`) ? true : undefined;
  }

  /** Nobody is left who could take the addresses off. */
  async function killWithGuard(node: FailoverNode): Promise<void> {
    const { stdout } = await one.run(["pgrep", "-P", String(await node.pid())]);
    node.process.kill("SIGSTOP");
    process.kill(Number(stdout.trim()), "SIGKILL");
    node.process.kill("SIGKILL");
    await node.process.exited;
  }

  /** The client knows the way, so that it need not ask. */
  async function keepNeighbour(address: string, device: string): Promise<void> {
    const { stdout } = await client.run(["ip", "neigh", "show", address, "dev", device]);
    const mac = /lladdr (\S+)/.exec(stdout)?.[1];
    await ip(client, `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`);
  }

  test.each(kinds)(
    "on a %s is answered for by lease only",
    async (_kind, commands) => {
      for (const text of commands) await ip(one, text.replace("OWN", one.address));
      const address = { address: virtual, prefixBits: 32, label: undefined, isAdvertised: true };
      const addresses = [{ ...address, interface: "lan0" }];
      const node = stack.use(await startNode(one, [plan({ interfaces: ["lan0"], addresses })]));
      await node.waitForState("active");
      await waitFor(async () => ((await ping(virtual)) ? true : undefined), { what: "an answer" });
      await keepNeighbour(virtual, "eth0");
      await killWithGuard(node);
      await waitFor(async () => ((await ping(virtual)) ? undefined : true), { what: "silence" });
      expect(await hasAddress("lan0", virtual)).toBe(true);
      expect(await ping(one.address)).toBe(true);
      expect(await ping(virtual)).toBe(false);
    },
    30_000,
  );

  test("comes back on an interface that was made anew, fenced", async () => {
    const inner = "10.98.0.100";
    const create = async (): Promise<void> => {
      await ip(one, `link add in0 type veth peer name in1 netns ${client.netns}`);
      await ip(one, "link set in0 up");
      await ip(client, "addr add 10.98.0.2/24 dev in1");
      await ip(client, "link set in1 up");
    };
    await create();
    const address = { prefixBits: 24, label: undefined, isAdvertised: true };
    const addresses = [
      { ...address, address: virtual, interface: "eth0" },
      { ...address, address: inner, interface: "in0" },
    ];
    const node = stack.use(await startNode(one, [plan({ addresses })]));
    await node.waitForState("active");
    for (let round = 0; round < 2; round++) {
      await ip(one, "link del in0");
      await create();
      await waitFor(() => hasAddress("in0", inner), { what: "the address to come back" });
      await waitFor(async () => ((await ping(inner)) ? true : undefined), { what: "an answer" });
    }
    expect(node.view()).toMatchObject({ state: "active", transitions: 2 });
    await keepNeighbour(inner, "in1");
    await killWithGuard(node);
    await waitFor(async () => ((await ping(inner)) ? undefined : true), { what: "silence" });
    expect(await hasAddress("in0", inner)).toBe(true);
    expect(await ping(inner)).toBe(false);
  }, 40_000);
});
