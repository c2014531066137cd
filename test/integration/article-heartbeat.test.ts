/**
 * The second article, sections 4 to 7, as one story: two directors from Heartbeat's files, two web
 * servers prepared by one command, what the commands of the article answer on either director, and
 * what clients get while web servers and a director come and go.
 *
 * The files are those of the article with shorter times, so that the story takes seconds, and with
 * `persistent`, as its first comment wants.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";

import {
  articleConfig as config,
  articleFiles,
  articleVirtual as virtual,
} from "../helpers/article-files.ts";
import type { ArticleHost } from "../helpers/article-files.ts";
import { withoutBpf } from "../helpers/failover-node.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { startNginx } from "../helpers/nginx.ts";
import type { Nginx } from "../helpers/nginx.ts";
import { createOldHost } from "../helpers/old-host.ts";
import type { OldHost } from "../helpers/old-host.ts";
import { prepareHost } from "../helpers/prepared-host.ts";
import type { StartedProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireNftFence } from "../helpers/require-fence.ts";
import {
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(
  requireRoot(),
  requireNetns(),
  requireBpf(),
  requireNftFence(),
  requireExecutable(),
  requirePeer("nginx", "curl", "ip", "unshare", "setpriv"),
);

/** Forwarding methods that the story is told with. */
interface Forwarding {
  /** As ldirectord.cf and haresources' article have it. */
  readonly method: "gate" | "masq";
  /** The words of the listing for a web server, and for the fallback on the director itself. */
  readonly listed: readonly [server: string, fallback: string];
  /** Where the fallback's own web server listens on a director. */
  readonly fallbackHost: string;
  /** Put before the director. */
  readonly limit: readonly string[];
}

const forwardings: readonly Forwarding[] = [
  // As the article has it; a local fallback gets packets to the virtual address.
  { method: "gate", listed: ["Route", "Local"], fallbackHost: "0.0.0.0", limit: [] },
  // On the proxy, which carries masq where neither IPVS nor bpf may be used.
  { method: "masq", listed: ["Masq", "Masq"], fallbackHost: "127.0.0.1", limit: withoutBpf },
];

const storyMs = 240_000;
/** Takeovers of the story may wait for dead times. */
const waitMs = 60_000;
const clients = [1, 2, 3, 4, 5, 6].map((number) => `10.99.0.20${number}`);
const fallbackPage = "Please come back later\n";

const header = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
`;

/** A listing with no connections: how many there still are is another matter. */
function withoutCounts(listing: string): string {
  return listing.replaceAll(/(\d+) +\d+ +\d+( +)$/gm, (_, weight: string) => {
    return `${weight.padEnd(6)} 0          0         `;
  });
}

type Name = ArticleHost | "client";

/** A director that runs, as `/etc/init.d/heartbeat start` leaves it. */
interface Director {
  readonly at: OldHost;
  readonly process: StartedProcess;
}

describe.skipIf(needs.skip)("the second article", () => {
  let lan: Lan<Name>;
  let stack: AsyncDisposableStack;
  let folder: string;

  beforeEach(async () => {
    stack = new AsyncDisposableStack();
    const temporary = createTempFolder();
    folder = temporary.path;
    stack.defer(() => rmSync(folder, { recursive: true, force: true }));
    lan = stack.use(await createLan(["client", "loadb1", "loadb2", "web1", "web2"]));
    for (const address of clients) {
      await lan.hosts.client.run(["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
    }
  }, 20_000);
  afterEach(async () => {
    await stack.disposeAsync();
  }, 60_000);

  async function startWeb(name: "web1" | "web2"): Promise<Nginx> {
    const { address, netns } = lan.hosts[name];
    const page = `http://${address}/ldirector.html`;
    const isUp = async () => (await curl("-m", "2", page)).includes("Test Page");
    return stack.use(
      await startNginx({
        pages: { "ldirector.html": "Test Page\n", "index.html": `${name}\n` },
        host: "0.0.0.0",
        port: 80,
        prefix: ["ip", "netns", "exec", netns],
        accepts: () => waitFor(isUp, { what: `web server of ${name}` }),
      }),
    );
  }

  async function startFallback(at: OldHost, host: string): Promise<void> {
    const isUp = async () => (await at.run(`curl -s http://127.0.0.1/`)).stdout === fallbackPage;
    stack.use(
      await startNginx({
        pages: { "index.html": fallbackPage },
        host,
        port: 80,
        prefix: at.prefix,
        accepts: () => waitFor(isUp, { what: `fallback of ${at.host.name}` }),
      }),
    );
  }

  async function curl(...args: readonly string[]): Promise<string> {
    return (await lan.hosts.client.run(["curl", "-s", ...args])).stdout;
  }

  function get(client = clients[0]!): Promise<string> {
    return curl("-m", "20", "--interface", client, `http://${virtual}/`);
  }

  async function startHeartbeat(at: OldHost, { limit }: Forwarding): Promise<Director> {
    const child = stack.use(at.start(...limit, "appliance", "run"));
    await child.waitForOutput(/ ready/, waitMs);
    return { at, process: child };
  }

  async function waitForOutput(at: OldHost, line: string, expected: RegExp): Promise<void> {
    const isThere = async () => expected.test((await at.run(line)).stdout);
    const what = `${expected} of ${line} on ${at.host.name}`;
    try {
      await waitFor(isThere, { what, timeoutMs: waitMs });
    } catch (error) {
      const { stdout, stderr } = await at.run("appliance status");
      throw new Error(`${String(error)}\n${stdout}${stderr}`, { cause: error });
    }
  }

  const waitUntilActive = (at: OldHost) => waitForOutput(at, "cl_status rscstatus", /^all$/m);

  /** Section 5, on the director that has the address. */
  async function expectActive({ at, process: { pid } }: Director, listing: string): Promise<void> {
    const address = await at.run("ip addr sh eth0");
    expect(address.stdout).toMatch(
      new RegExp(String.raw`inet ${virtual}/24 (?:brd \S+ )?scope global secondary eth0`),
    );
    expect(await at.run("ldirectord ldirectord.cf status")).toEqual({
      status: 0,
      stdout: "",
      stderr: `ldirectord for ${config} is running with pid: ${pid}\n`,
    });
    let seen = "";
    const isListed = async (): Promise<boolean> => {
      seen = withoutCounts((await at.run("ipvsadm -L -n")).stdout);
      return seen === listing;
    };
    try {
      await waitFor(isListed, { what: `listing of ${at.host.name}`, timeoutMs: waitMs });
    } catch {
      expect(seen).toBe(listing);
    }
    const swap = await at.run("/etc/ha.d/resource.d/LVSSyncDaemonSwap master status");
    expect(swap).toMatchObject({ status: 0, stdout: expect.stringMatching(/^master running\n/) });
  }

  /** Section 5, on the hot-standby. */
  async function expectBackup({ at }: Director): Promise<void> {
    // It keeps the address while it finishes connections.
    const hasLeft = async (): Promise<boolean> =>
      !(await at.run("ip addr sh eth0")).stdout.includes(virtual);
    await waitFor(hasLeft, { what: "the address to go" });
    expect(await at.run("ldirectord ldirectord.cf status")).toEqual({
      status: 3,
      stdout: `ldirectord is stopped for ${config}\n`,
      stderr: "",
    });
    for (const command of ["ipvsadm -L -n", "appliance list -n"]) {
      expect(await at.run(command)).toEqual({ status: 0, stdout: header, stderr: "" });
    }
    const swap = await at.run("/etc/ha.d/resource.d/LVSSyncDaemonSwap master status");
    expect(swap).toMatchObject({ status: 3, stdout: "master stopped\n" });
    // What is ready all the same.
    const { stdout } = await at.run("appliance status");
    expect(stdout).toMatch(/served where loadb1 is active$/m);
    expect(stdout).toContain(`${lan.hosts.web1.address}:80`);
  }

  function listingOf({ listed: [word, local] }: Forwarding, weights: readonly number[]): string {
    const { web1, web2 } = lan.hosts;
    const row = (address: string, how: string, weight: number): string =>
      `  -> ${`${address}:80`.padEnd(28)} ${how.padEnd(7)} ${String(weight).padEnd(6)} 0          0         \n`;
    const rows = [web1, web2].map(({ address }, index) => row(address, word, weights[index]!));
    const fallback = weights.some((weight) => weight > 0) ? "" : row("127.0.0.1", local, 1);
    return `${header}TCP  ${virtual}:80 rr persistent 600\n${rows.join("")}${fallback}`;
  }

  test.each(forwardings)(
    "with $method",
    async (forwarding) => {
      const files = articleFiles(lan.hosts, forwarding.method);
      // 4: the same files on both; Heartbeat is started.
      const loadb1 = await createOldHost(lan.hosts.loadb1, folder, files);
      const loadb2 = await createOldHost(lan.hosts.loadb2, folder, files);
      for (const at of [loadb1, loadb2]) await startFallback(at, forwarding.fallbackHost);
      let one = await startHeartbeat(loadb1, forwarding);
      await waitUntilActive(loadb1);
      const two = await startHeartbeat(loadb2, forwarding);
      await waitForOutput(loadb2, "appliance status", /copy complete/);

      for (const [question, answer] of [
        ["hbstatus", /^Heartbeat is running on this machine\.\n$/],
        ["listnodes", /^loadb1\nloadb2\n$/],
        // Each director hears the other one for itself.
        ["nodestatus loadb2", /^active\n$/],
        ["hblinkstatus loadb2 eth0", /^up\n$/],
        ["hbparameter -p auto_failback", /^off\n$/],
      ] as const) {
        await waitForOutput(loadb1, `cl_status ${question}`, answer);
      }

      // 5: there are no web servers yet, so the fallback serves.
      await expectActive(one, listingOf(forwarding, [0, 0]));
      await expectBackup(two);

      // 6: the web servers get the address, too, and answer no question for it.
      for (const name of ["web1", "web2"] as const) {
        const web = await prepareHost(lan.hosts[name], folder);
        const { status, stderr } = await web.run(["setup", "realserver", "--vip", virtual]);
        expect([status, stderr]).toEqual([0, ""]);
      }
      let web1 = await startWeb("web1");
      let web2 = await startWeb("web2");

      // 7: each client has its web server.
      await expectActive(one, listingOf(forwarding, [1, 1]));
      const assigned = new Map<string, string>();
      for (const client of clients) assigned.set(client, await get(client));
      expect(new Set(assigned.values())).toEqual(new Set(["web1\n", "web2\n"]));

      // One stops: the other serves all. Both stop: the fallback does.
      await web1[Symbol.asyncDispose]();
      await expectActive(one, listingOf(forwarding, [0, 1]));
      for (const client of clients) expect(await get(client)).toBe("web2\n");
      await web2[Symbol.asyncDispose]();
      await expectActive(one, listingOf(forwarding, [0, 0]));
      for (const client of clients) expect(await get(client)).toBe(fallbackPage);
      web1 = await startWeb("web1");
      web2 = await startWeb("web2");
      await expectActive(one, listingOf(forwarding, [1, 1]));
      for (const client of clients) assigned.set(client, await get(client));
      expect(new Set(assigned.values())).toEqual(new Set(["web1\n", "web2\n"]));

      // The active director stops: the other has the address, and each client its web server.
      one.process.kill("SIGTERM");
      expect(await one.process.exited).toBe(0);
      await waitUntilActive(loadb2);
      for (const client of clients.toReversed()) {
        expect([client, await get(client)]).toEqual([client, assigned.get(client)!]);
      }

      // It starts again, and stays the standby: the inverse of before.
      one = await startHeartbeat(loadb1, forwarding);
      await waitForOutput(loadb1, "appliance status", /copy complete/);
      await expectActive(two, listingOf(forwarding, [1, 1]));
      await expectBackup(one);
      // Who answers for the address is the active director, and no stranger.
      expect((await loadb1.run("appliance status")).stdout).not.toContain("advertises nothing");
      expect((await loadb1.run("cl_status rscstatus")).stdout).toBe("none\n");

      // By command, back to where the story began.
      expect((await loadb2.run("hb_standby all")).status).toBe(0);
      await waitUntilActive(loadb1);
      for (const client of clients.toReversed()) {
        expect([client, await get(client)]).toEqual([client, assigned.get(client)!]);
      }
      await expectBackup(two);
      await expectActive(one, listingOf(forwarding, [1, 1]));
    },
    storyMs,
  );
});
