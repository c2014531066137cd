/**
 * The test network itself: reachable, and gone afterwards.
 */
import { expect, test } from "bun:test";

import { createLan } from "../helpers/netns.ts";
import { runProcess } from "../helpers/process.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";

const needs = requireAll(requireNetns(), requirePeer("ping"));

test.skipIf(needs.skip)("hosts of a network reach each other over IPv4 and IPv6", async () => {
  await using lan = await createLan(["director", "realserver"]);
  const { director, realserver } = lan.hosts;
  for (const address of [realserver.address, realserver.address6]) {
    const ping = await director.run(["ping", "-c1", "-W2", address]);
    expect(ping).toMatchObject({ status: 0, stderr: "" });
  }
});

test.skipIf(needs.skip)("nothing is left of a network, also when the test fails", async () => {
  let netns = "";
  let pid = 0;
  const failing = async (): Promise<void> => {
    await using lan = await createLan(["one"]);
    netns = lan.hosts.one.netns;
    pid = lan.hosts.one.spawn(["sleep", "1000"]).pid;
    throw new Error("as a failing test does");
  };
  await expect(failing()).rejects.toThrow("as a failing test does");
  expect((await runProcess(["ip", "netns", "list"])).stdout).not.toContain(netns);
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
});
