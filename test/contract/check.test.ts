/**
 * Promises that every check keeps, whatever the real server does (src/check/check.ts): it settles
 * by its deadline, gives a result and does not reject, closes what it opened.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createCheckFactory, failureReasons } from "../../src/check/index.ts";
import type { CheckResult } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import type { CheckSpec } from "../../src/model/index.ts";
import {
  checkSpec,
  checkTarget,
  closedPort,
  httpSpec,
  negotiateSpec,
  openDescriptors,
  serviceSpec,
  startAnswering,
  startFullServer,
  startServer,
} from "../helpers/check-fixture.ts";
import type { ScriptedServer } from "../helpers/check-fixture.ts";
import { waitFor } from "../helpers/wait.ts";

const timeoutMs = 250;
/** How late a result may be on a busy machine. */
const slackMs = 3000;

const page = { receive: "Test Page", redirectsMax: 3 };
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** A folder for the program of the external check; others cannot write it. */
let folder = "";
beforeAll(() => {
  folder = mkdtempSync("/tmp/appliance-contract-");
  chmodSync(folder, 0o755);
  // Talks to the real server as a user's own check would.
  const script = 'exec 3<>"/dev/tcp/$3/$4" && read -r line <&3 && test "$line" = "Test Page"';
  writeFileSync(join(folder, "check"), `#!/bin/bash\n${script}\n`);
  chmodSync(join(folder, "check"), 0o755);
  const perl = `use IO::Socket::INET; my $s = IO::Socket::INET->new(
    PeerAddr => "$ARGV[2]:$ARGV[3]") or exit 2; exit(<$s> eq "Test Page\\n" ? 0 : 1);`;
  writeFileSync(join(folder, "check.pl"), perl);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const nobody = { login: undefined, password: undefined };
const anyTls = { verify: false, caFile: undefined, serverName: undefined };
const receive = "Test Page";
const eve = { login: "eve", password: "x" };
const query = { database: undefined, request: "SELECT 1", receive };

const specs: readonly (readonly [string, () => CheckSpec])[] = [
  ["connect", () => checkSpec()],
  ["http", () => negotiateSpec(httpSpec(page))],
  ["https", () => negotiateSpec(httpSpec({ ...page, tls: true, verify: false }))],
  [
    "http_proxy",
    () =>
      checkSpec({
        type: "negotiate",
        service: "http_proxy",
        http: httpSpec({ request: "http://www.example.com/", receive }),
      }),
  ],
  ["N", () => negotiateSpec(httpSpec(page), { connectsPerNegotiate: 1 })],
  ["ping", () => checkSpec({ type: "ping" })],
  ["external", () => checkSpec({ type: "external", command: [join(folder, "check")] })],
  [
    "external-perl",
    () => checkSpec({ type: "external-perl", command: [join(folder, "check.pl")] }),
  ],
  ["smtp", () => serviceSpec({ service: "smtp" })],
  ["nntp", () => serviceSpec({ service: "nntp" })],
  ["pop", () => serviceSpec({ service: "pop", ...eve, tls: undefined })],
  ["imaps", () => serviceSpec({ service: "imaps", ...nobody, tls: anyTls })],
  [
    "ftp",
    () =>
      serviceSpec({ service: "ftp", login: "eve", password: "x", request: "/alive.txt", receive }),
  ],
  ["ldap", () => serviceSpec({ service: "ldap", ...eve, request: "", receive, tls: undefined })],
  ["ldaps", () => serviceSpec({ service: "ldaps", ...eve, request: "", receive, tls: anyTls })],
  ["radius", () => serviceSpec({ service: "radius", ...eve, secret: "x" })],
  ["mysql", () => serviceSpec({ service: "mysql", ...eve, ...query })],
  ["pgsql", () => serviceSpec({ service: "pgsql", ...eve, ...query })],
  ["oracle", () => serviceSpec({ service: "oracle" })],
  ["redis", () => serviceSpec({ service: "redis", ...nobody })],
  ["sip", () => serviceSpec({ service: "sip", login: undefined })],
  ["simpletcp", () => serviceSpec({ service: "simpletcp", request: "x", receive })],
  ["udp", () => serviceSpec({ service: "udp", request: "x", receive })],
  ["dns", () => serviceSpec({ service: "dns", request: "www.example.com", receive })],
  ["on", () => checkSpec({ type: "on" })],
  ["off", () => checkSpec({ type: "off" })],
];

/** Writes as fast as the client takes it. */
function floodWith(head: string, part: Buffer): () => Promise<ScriptedServer> {
  return () =>
    startServer((socket) => {
      const send = (): void => {
        while (!socket.destroyed && socket.write(part));
      };
      socket.on("drain", send);
      socket.write(head);
      send();
    });
}

const letters = Buffer.alloc(64 * 1024, "a");

const servers: readonly (readonly [string, () => Promise<ScriptedServer>])[] = [
  ["nobody", async () => ({ ...(await startFullServer()), port: await closedPort() })],
  ["one that drops handshakes", startFullServer],
  ["one that says nothing", () => startServer(() => undefined)],
  ["one that closes at once", () => startServer((socket) => void socket.end())],
  ["one that resets at once", () => startServer((socket) => void socket.resetAndDestroy())],
  [
    "one that resets in the midst of an answer",
    () =>
      startServer((socket) => {
        socket.once("data", () =>
          socket.write("HTTP/1.1 200 OK\r\n", () => socket.resetAndDestroy()),
        );
      }),
  ],
  [
    "one that sends noise",
    floodWith("", Buffer.from(crypto.getRandomValues(new Uint8Array(4096)))),
  ],
  ["one that sends zeros", floodWith("", Buffer.alloc(4096))],
  [
    "one that drips",
    () =>
      startServer((socket) => {
        const text = "HTTP/1.1 200 OK\r\nX: ";
        let sent = 0;
        const timer = setInterval(() => void socket.write(text[sent++] ?? "a"), 3);
        socket.on("close", () => clearInterval(timer));
      }),
  ],
  ["one with a header line without end", floodWith("HTTP/1.1 200 OK\r\nX: ", letters)],
  [
    "one with headers without end",
    floodWith("HTTP/1.1 200 OK\r\n", Buffer.from("X: y\r\n".repeat(1000))),
  ],
  [
    "one with interim answers without end",
    floodWith("", Buffer.from("HTTP/1.1 103 Early\r\n\r\n".repeat(100))),
  ],
  ["one with a body without end", floodWith("HTTP/1.1 200 OK\r\n\r\n", letters)],
  [
    "one with a page of 1 GB",
    floodWith("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", letters),
  ],
  ["one with a chunk of 1 TB", floodWith(`${chunked}e8d4a51000\r\n`, letters)],
  ["one with chunks of one byte", floodWith(chunked, Buffer.from("1\r\na\r\n".repeat(5000)))],
  ["one with a bad chunk size", () => startAnswering(`${chunked}zz\r\n`)],
  [
    "one with a negative length",
    () => startAnswering("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
  ],
  [
    "one that redirects in a circle",
    () => startAnswering("HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"),
  ],
  [
    "one that redirects nowhere",
    () => startAnswering("HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n"),
  ],
  ["one that speaks SSH", () => startAnswering("SSH-2.0-OpenSSH_9.2p1\r\n")],
  ["one that speaks TLS to everybody", () => startAnswering(Buffer.from("1503010002020a", "hex"))],
];

function isResult(result: CheckResult): boolean {
  return result.up || (failureReasons.includes(result.reason) && result.detail !== "");
}

describe.each(specs)("check %s", (_name, specOf) => {
  test.each(servers)("settles by its deadline against %s, and closes", async (_server, start) => {
    const factory = createCheckFactory(systemClock, "nobody");
    const before = openDescriptors();
    {
      await using server = await start();
      const check = factory.create(specOf(), "tcp");
      const startedAtMs = performance.now();
      const result = await check.run(checkTarget(server.port), timeoutMs);
      expect(performance.now() - startedAtMs).toBeLessThan(timeoutMs + slackMs);
      expect(isResult(result), JSON.stringify(result)).toBe(true);
      expect(result.tookMs).toBeGreaterThanOrEqual(0);
    }
    factory.close();
    await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
  });

  test("runs again and again and side by side", async () => {
    const factory = createCheckFactory(systemClock, "nobody");
    const before = openDescriptors();
    {
      await using server = await startServer((socket) => void socket.end("Test Page\n"));
      const check = factory.create(specOf(), "tcp");
      const runs = Array.from({ length: 8 }, () => check.run(checkTarget(server.port), 5000));
      const results = await Promise.all(runs);
      expect(results.every(isResult)).toBe(true);
      expect(new Set(results.map(({ up }) => up)).size).toBe(1);
    }
    factory.close();
    await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
  });

  test.each([["255.255.255.255"], ["224.0.0.1"], ["ff02::1"], ["100::1"]])(
    "takes the address %s, which is no server's",
    async (address) => {
      const factory = createCheckFactory(systemClock, "nobody");
      const result = await factory
        .create(specOf(), "tcp")
        .run(checkTarget(9, { address }), timeoutMs);
      expect(isResult(result), JSON.stringify(result)).toBe(true);
      factory.close();
    },
  );

  test("takes a deadline of 1 ms", async () => {
    const factory = createCheckFactory(systemClock, "nobody");
    await using server = await startServer(() => undefined);
    const result = await factory.create(specOf(), "tcp").run(checkTarget(server.port), 1);
    expect(isResult(result), JSON.stringify(result)).toBe(true);
    factory.close();
  });
});

test("a check without descriptors says that the director lacks them", async () => {
  const program = `
    import { openSync, writeSync } from "node:fs";
    import { createCheckFactory } from "./src/check/index.ts";
    import { systemClock } from "./src/clock/index.ts";
    import { checkSpec, checkTarget, httpSpec, negotiateSpec } from "./test/helpers/check-fixture.ts";
    const factory = createCheckFactory(systemClock, "nobody");
    const specs = [checkSpec(), negotiateSpec(httpSpec())];
    const checks = specs.map((spec) => factory.create(spec, "tcp"));
    try { for (;;) openSync("/dev/null", "r"); } catch {}
    for (const check of checks) {
      const result = await check.run(checkTarget(9), 500);
      writeSync(1, result.reason + ": " + result.detail + "\\n");
    }
    process.exit(0);
  `;
  const child = Bun.spawn(
    ["/bin/sh", "-c", 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, program],
    { cwd: new URL("../..", import.meta.url).pathname, stdout: "pipe", stderr: "pipe" },
  );
  const output = await new Response(child.stdout).text();
  expect(output, await new Response(child.stderr).text()).toBe(
    "no-resources: connect: EMFILE\nno-resources: connect: EMFILE\n",
  );
});
