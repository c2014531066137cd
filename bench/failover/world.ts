/**
 * A network of one repetition: a client, a real server, and two directors of one party, of which
 * the first has the address.
 *
 * @module
 */
import type { Segment } from "../../test/helpers/failover/loss.ts";
import { createLan } from "../../test/helpers/netns.ts";
import type { Host } from "../../test/helpers/netns.ts";
import { waitFor } from "../../test/helpers/wait.ts";
import { secondDevice, virtual } from "./party.ts";
import type { Party, RunningNode } from "./party.ts";

/** The network at work. */
export interface World extends AsyncDisposable {
  readonly party: Party;
  readonly client: Host;
  readonly directors: readonly [Host, Host];
  /** What is between the directors. */
  readonly segment: Segment;
  /** The first director. */
  readonly active: RunningNode;
  readonly backup: RunningNode;
}

const pageServer = `
  const server = Bun.serve({ hostname: "0.0.0.0", port: 80, fetch: () => new Response("page") });
  console.log("serving");`;
const priorities = { active: 254, backup: 253 };

/** The second link. */
async function connect(one: Host, two: Host): Promise<void> {
  const pair = ["type", "veth", "peer", "name", secondDevice, "netns", two.netns];
  await one.run(["ip", "link", "add", secondDevice, ...pair]);
  for (const [index, host] of [one, two].entries()) {
    await host.run(["ip", "addr", "add", `10.98.0.${index + 1}/24`, "dev", secondDevice]);
    await host.run(["ip", "link", "set", secondDevice, "up"]);
  }
}

/** Builds it; settles when the address is reached through the first director. */
export async function createWorld(party: Party): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    const lan = stack.use(await createLan(["client", "one", "two", "server"]));
    const { client, one, two, server } = lan.hosts;
    const pages = server.spawn([process.execPath, "-e", pageServer]);
    await pages.waitForOutput(/serving/);
    const realServer = `${server.address}:80`;
    await connect(one, two);
    const { active: first, backup: other } = priorities;
    const active = stack.use(
      await party.start(one, { priority: first, realServer, peer: two, peerSecond: "10.98.0.2" }),
    );
    await active.waitFor("active");
    const backup = stack.use(
      await party.start(two, { priority: other, realServer, peer: one, peerSecond: "10.98.0.1" }),
    );
    await backup.waitFor("backup");
    const isReached = async (): Promise<boolean> => {
      const url = `http://${virtual}/`;
      return (await client.run(["curl", "-s", "-m", "1", url])).stdout === "page";
    };
    await waitFor(isReached, { what: "a page through the first director" });
    return {
      party,
      client,
      directors: [one, two],
      segment: { bridge: lan.bridge, ports: [one.port, two.port] },
      active,
      backup,
      async [Symbol.asyncDispose]() {
        await stack.disposeAsync();
      },
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
