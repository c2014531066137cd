/**
 * Real servers that answer their checks in every wrong way: each has a reason and a bound, and
 * another service does not notice.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { residentKib } from "../../bench/harness/cpu.ts";
import type { Snapshot } from "../../src/status/index.ts";
import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import { readMetric, readService, runCommand } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startNginx } from "../helpers/nginx.ts";
import { countPages } from "../helpers/page.ts";
import { freePorts } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import { openTcpServer } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx"));

/** A page of 1 GB. */
const hugeBytes = 1_000_000_000;
/** What the checks below may cost the director in memory; the page alone has thirty times it. */
const grownKibMax = 32 * 1024;
/** Checks of each bad server that must have gone by. */
const failuresWanted = 5;

const head = "HTTP/1.1 200 OK\r\n";

/** More than a check reads of a head or of a body. */
const flood = `X: ${"a".repeat(4096)}\r\n`.repeat(64);

/** What a server does with a request, and the reason that a check finds. */
const misdeeds: readonly (readonly [string, (peer: TcpPeer) => void, string])[] = [
  ["silent", () => undefined, "timeout: no complete answer within 200 ms"],
  ["resetting", (peer) => peer.reset(), "reset: connection reset by the real server"],
  ["closing", (peer) => peer.shutdown(), "closed: closed before an answer"],
  [
    "half-answer",
    (peer) => peer.send(`${head}Content-Length: 100\r\n\r\nhalf`),
    "timeout: no complete answer within 200 ms",
  ],
  [
    "endless-head",
    (peer) => peer.send(head + flood),
    "answer-too-long: the head exceeds 32768 bytes",
  ],
  [
    "endless-body",
    (peer) => peer.send(`${head}\r\n${flood}`),
    "answer-too-long: no match in the first 65536 bytes",
  ],
  [
    "no-http",
    (peer) => peer.send("SSH-2.0-OpenSSH_9.2\r\n"),
    "bad-answer: no HTTP status line: SSH-2.0-OpenSSH_9.2",
  ],
  [
    "control-bytes",
    (peer) => peer.send("\u001b[31m\u0000\u0007\r\n"),
    "bad-answer: no HTTP status line:  [31m",
  ],
  [
    // A backtracking matcher would take for ever here.
    "evil-body",
    (peer) => peer.send(`${head}Content-Length: 60001\r\n\r\n${"a".repeat(60_000)}!`),
    "no-match: (a+)+$ is not in the 60001 bytes of the page",
  ],
];

/** The page of 1 GB is no other misdeed than the body without an end. */
const hugeReason = "answer-too-long: no match in the first 65536 bytes";

describe.skipIf(needs.skip)("checks of bad servers", () => {
  const stack = new AsyncDisposableStack();
  let director: Director;
  let goodUrl: string;
  let startKib: number;

  beforeAll(async () => {
    const nginx = stack.use(await startNginx({ pages: { "index.html": "good\n" } }));
    const path = join(nginx.root, "huge.bin");
    writeFileSync(path, "");
    truncateSync(path, hugeBytes);
    const ports = await freePorts(misdeeds.length + 2);
    const listen = (): string => `127.0.0.1:${ports.pop()}`;
    const check = (request: string): string =>
      `check = { type = "negotiate", service = "http", request = "${request}", ` +
      `receive = '(a+)+$', interval = "100ms", timeout = "200ms", fast_interval = "20ms" }`;
    const services = misdeeds.map(([name, misdeed]) => {
      const server = stack.use(openTcpServer((peer) => void peer.react(() => misdeed(peer))));
      const servers = [`127.0.0.1:${server.port}`];
      return formatService({ name, listen: listen(), servers, settings: [check("/")] });
    });
    const good = listen();
    goodUrl = `http://${good}/`;
    const config = [
      ...services,
      formatService({
        name: "huge",
        listen: listen(),
        servers: [nginx.address],
        settings: [check("/huge.bin")],
      }),
      formatService({
        name: "good",
        listen: good,
        servers: [nginx.address],
        settings: [quickHttpCheck],
      }),
    ].join("\n");
    director = stack.use(await startDirector({ config }));
    startKib = residentKib(director.process.pid);
  }, 20_000);
  afterAll(() => stack.disposeAsync());

  /** The only server of a service, after some checks. */
  const serverOf = async (name: string) => {
    const find = async () => {
      const [server] = (await readService(director, name)).realServers;
      return server!.check.failures >= failuresWanted ? server : undefined;
    };
    return waitFor(find, { what: `${failuresWanted} failed checks of ${name}` });
  };

  const reasons: readonly (readonly [string, string])[] = [
    ...misdeeds.map(([name, , reason]) => [name, reason] as const),
    ["huge", hugeReason],
  ];

  test.each(reasons)("a server that is %s is down, with the reason", async (name, reason) => {
    const server = await serverOf(name);
    expect([server.health, server.reason, server.check.ok]).toEqual(["down", reason, false]);
  });

  test("status --json has the reason of every one", async () => {
    for (const [name] of reasons) await serverOf(name);
    const { status, stdout } = await runCommand(director, "status", "--json");
    expect(status).toBe(0);
    const { services } = JSON.parse(stdout) as Snapshot;
    const found = services.map(({ name, realServers }) => [name, realServers[0]!.reason]);
    expect(Object.fromEntries(found)).toEqual({
      ...Object.fromEntries(reasons),
      good: "the check passed",
    });
    const failures = 'appliance_check_failures_total{reason="timeout"}';
    expect(await readMetric(director, failures)).toBeGreaterThanOrEqual(failuresWanted);
  });

  test("the good service has not noticed, and memory has not either", async () => {
    for (const [name] of reasons) await serverOf(name);
    expect(await countPages(goodUrl, 50)).toEqual({ good: 50 });
    const { state, realServers } = await readService(director, "good");
    expect([state, realServers[0]!.check.failures]).toEqual(["up", 0]);
    const output = director.process.output();
    expect(output.match(/server-up service=good/g)).toHaveLength(1);
    expect(output).not.toContain("server-down service=good");
    expect(residentKib(director.process.pid) - startKib).toBeLessThan(grownKibMax);
  });
});
