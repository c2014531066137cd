/**
 * In one virtual router with the real keepalived: both take over from the other and give back.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import type { UnplacedPlan } from "../../src/failover/index.ts";
import { plan, startNode } from "../helpers/failover-node.ts";
import type { FailoverNode } from "../helpers/failover-node.ts";
import { createLan } from "../helpers/netns.ts";
import type { Host, Lan } from "../helpers/netns.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireNetns(), requirePeer("keepalived"), requireBpf());
const virtual = "10.99.0.100";

interface Variant {
  readonly name: string;
  readonly ours: Partial<UnplacedPlan> & { readonly address?: string };
  /** Lines of its vrrp_instance. */
  readonly theirs: readonly string[];
  readonly version: 2 | 3;
}

const second = { advertiseIntervalMs: 1000, downAfterMs: 3000 };
const tenth = { advertiseIntervalMs: 100, downAfterMs: 300 };

const variants: readonly Variant[] = [
  { name: "version 3, 1 s", ours: second, theirs: ["advert_int 1"], version: 3 },
  { name: "version 3, 100 ms", ours: tenth, theirs: ["advert_int 0.1"], version: 3 },
  {
    name: "version 3, 100 ms, unicast",
    ours: { ...tenth, peers: ["10.99.0.2"] },
    theirs: ["advert_int 0.1", "unicast_src_ip 10.99.0.2", "unicast_peer { 10.99.0.1 }"],
    version: 3,
  },
  {
    name: "version 2 with a password",
    ours: { ...second, version: 2, password: "s3cret" },
    theirs: ["advert_int 1", "authentication { auth_type PASS auth_pass s3cret }"],
    version: 2,
  },
  {
    name: "version 3, IPv6, 100 ms",
    ours: { ...tenth, address: "fd99::100" },
    theirs: ["advert_int 0.1"],
    version: 3,
  },
];

describe.skipIf(needs.skip)("beside keepalived", () => {
  let lan: Lan<"ours" | "theirs">;
  let folder: ReturnType<typeof createTempFolder>;
  const nodes: FailoverNode[] = [];

  beforeEach(async () => {
    lan = await createLan(["ours", "theirs"]);
    // keepalived does not wait for duplicate detection, and cannot send before.
    const list = ["ip", "-6", "-o", "addr", "show", "dev", "eth0", "tentative"];
    await waitFor(async () => (await lan.hosts.theirs.run(list)).stdout === "", {
      what: "the end of duplicate detection",
    });
    folder = createTempFolder();
  }, 20_000);
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node[Symbol.asyncDispose]()));
    await lan[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  function startKeepalived({ ours, theirs, version }: Variant, priority: number): StartedProcess {
    const { address = virtual } = ours;
    const path = join(folder.path, "keepalived.conf");
    // keepalived wants the blocks over several lines.
    const lines = theirs
      .join("\n")
      .replaceAll(/([{}])/g, "\n$1\n")
      .replaceAll(/ \n|\n /g, "\n");
    const text = `global_defs {
  vrrp_version ${version}
  vrrp_garp_master_delay 1
}
vrrp_instance web {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority ${priority}
${lines
  .replaceAll(/^\n\{/gm, "{")
  .replaceAll("\n{", " {")
  .replaceAll(/auth_type PASS auth_pass/g, "auth_type PASS\n auth_pass")}
  virtual_ipaddress {
    ${address}
  }
}
`;
    writeFileSync(path, text);
    const pids = ["-p", join(folder.path, "a.pid"), "-r", join(folder.path, "b.pid")];
    const command = ["keepalived", "--dont-fork", "--log-console", "--vrrp", "-f", path, ...pids];
    return lan.hosts.theirs.spawn(command);
  }

  async function startOurs(changes: Variant["ours"]): Promise<FailoverNode> {
    const node = await startNode(lan.hosts.ours, [plan({ preempt: true, ...changes })]);
    nodes.push(node);
    return node;
  }

  async function waitForOwner(owner: Host, other: Host, address: string): Promise<void> {
    const has = async (host: Host): Promise<boolean> =>
      (await host.run(["ip", "-o", "addr", "show", "dev", "eth0"])).stdout.includes(` ${address}/`);
    await waitFor(async () => (await has(owner)) && !(await has(other)), {
      what: `${owner.name} to have ${address}, and only that`,
      timeoutMs: 15_000,
    });
  }

  test.each(variants)(
    "$name: it yields to the better, and takes over when that stops",
    async (variant) => {
      const { ours, theirs } = lan.hosts;
      const { address = virtual } = variant.ours;
      const node = await startOurs({ ...variant.ours, priority: 100 });
      await waitForOwner(ours, theirs, address);
      const keepalived = startKeepalived(variant, 200);
      await waitForOwner(theirs, ours, address);
      await node.waitForState("backup");
      await waitFor(() => node.view()?.heard?.priority === 200, { what: "keepalived to be heard" });
      await keepalived.stop();
      await node.waitForState("active");
      await waitForOwner(ours, theirs, address);
      expect(node.view()!.advertisementsReceived).toMatchObject({ accepted: expect.any(Number) });
      expect(Object.keys(node.view()!.advertisementsReceived)).toEqual(["accepted"]);
    },
    60_000,
  );

  test.each(variants)(
    "$name: keepalived yields to us, and takes over when we stop",
    async (variant) => {
      const { ours, theirs } = lan.hosts;
      const { address = virtual } = variant.ours;
      await using keepalived = startKeepalived(variant, 100);
      await waitForOwner(theirs, ours, address);
      const node = await startOurs({ ...variant.ours, priority: 200 });
      await node.waitForState("active");
      await waitForOwner(ours, theirs, address);
      await node.process.stop();
      await waitForOwner(theirs, ours, address);
      expect(keepalived.output()).not.toMatch(/bad|invalid|mismatch|checksum/i);
    },
    60_000,
  );

  test("a password that differs is heard by neither", async () => {
    const variant = variants.find(({ version }) => version === 2)!;
    const node = await startOurs({ ...variant.ours, password: "other", priority: 100 });
    await node.waitForState("active");
    await using _ = startKeepalived(variant, 200);
    await waitFor(() => node.view()?.advertisementsReceived["bad-password"], {
      what: "a packet with a wrong password",
    });
    expect(node.view()!.state).toBe("active");
  }, 30_000);
});
