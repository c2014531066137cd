/**
 * Health checks in networks of their own: other hosts, missing routes, missing privileges, ports
 * that are at hand by chance.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { requireAll, requireNetns, requirePeer } from "../helpers/require-peer.ts";

const netns = requireAll(requireNetns(), requirePeer("nft"));
const root = new URL("../..", import.meta.url).pathname;

/** Runs checks in a process of its own and prints a line for each result. */
const program = `
  import { createCheckFactory } from "./src/check/index.ts";
  import { systemClock } from "./src/clock/index.ts";
  import { checkSpec, checkTarget } from "./test/helpers/check-fixture.ts";
  const factory = createCheckFactory(systemClock, "nobody");
  for (const question of process.argv.slice(1)) {
    const [type, address, port] = question.split("|");
    const target = checkTarget(Number(port ?? 80), { address });
    const result = await factory.create(checkSpec({ type }), "tcp").run(target, 400);
    console.log(result.up ? "up" : result.reason + ": " + result.detail);
  }
  factory.close();
`;

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

describe.skipIf(netns.skip)("checks between hosts", () => {
  let lan: Lan<"director" | "web">;

  beforeAll(async () => {
    lan = await createLan(["director", "web"]);
  }, 20_000);
  afterAll(() => lan[Symbol.asyncDispose]());

  async function ask(questions: readonly string[], prefix: readonly string[] = []) {
    const command = [...prefix, process.execPath, "-e", program, ...questions];
    const { stdout, stderr } = await lan.hosts.director.run(command, { cwd: root });
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  }

  test("a ping reaches another host over IPv4 and IPv6", async () => {
    const { address, address6 } = lan.hosts.web;
    expect(await ask([`ping|${address}`, `ping|${address6}`])).toEqual(["up", "up"]);
  });

  test("a ping needs no privileges where the kernel lets groups ping", async () => {
    const { director, web } = lan.hosts;
    const questions = [`ping|${web.address}`, `ping|${web.address6}`];
    const set = (range: string) =>
      director.run(["sh", "-c", `echo ${range} > /proc/sys/net/ipv4/ping_group_range`]);
    await set("'1 0'");
    expect(await ask(questions, asNobody)).toEqual([
      "not-permitted: open ICMP socket: EPERM",
      "not-permitted: open ICMP socket: EPERM",
    ]);
    await set("'0 2147483647'");
    expect(await ask(questions, asNobody)).toEqual(["up", "up"]);
  });

  test("a host that is not there does not answer", async () => {
    const found = await ask(["connect|10.99.0.77", "ping|10.99.0.77"]);
    expect(found).toEqual([
      "timeout: no connection within 400 ms",
      "timeout: no reply within 400 ms",
    ]);
  });

  test("routes that refuse are told from servers that do", async () => {
    const { director, web } = lan.hosts;
    await director.run(["ip", "route", "add", "unreachable", "10.98.1.0/24"]);
    await director.run(["ip", "route", "add", "prohibit", "10.98.2.0/24"]);
    const questions = [
      `connect|${web.address}`,
      "connect|10.98.1.1",
      "connect|10.98.2.1",
      "connect|10.97.0.1",
    ];
    expect(await ask([...questions, "ping|10.98.1.1"])).toEqual([
      "refused: connect: ECONNREFUSED",
      "unreachable: connect: EHOSTUNREACH",
      "not-permitted: connect: EACCES",
      "unreachable: connect: ENETUNREACH",
      "unreachable: send: EHOSTUNREACH",
    ]);
  });

  test("a server whose packets are dropped times out", async () => {
    const { web } = lan.hosts;
    await web.run(["nft", "add table inet lossy"]);
    await web.run(["nft", "add chain inet lossy input { type filter hook input priority 0; }"]);
    const added = await web.run(["nft", "add rule inet lossy input tcp dport 81 drop"]);
    expect(added.stderr).toBe("");
    expect(await ask([`connect|${web.address}|81`])).toEqual([
      "timeout: no connection within 400 ms",
    ]);
  });

  test("a port that the kernel gives to the check itself is no server", async () => {
    const { director } = lan.hosts;
    // Two ports to choose from, and nobody listens on either: many connects meet themselves.
    const range = "echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range";
    await director.run(["sh", "-c", range]);
    const found = await ask(Array.from({ length: 40 }, () => "connect|127.0.0.1|40000"));
    expect(found.filter((line) => line === "up")).toEqual([]);
    expect(new Set(found.map((line) => line.split(":")[0]))).toEqual(new Set(["refused"]));
    // That it did happen: the reason is another one than the kernel's.
    expect(found).toContain("refused: connect: nobody listens");
  });
});
