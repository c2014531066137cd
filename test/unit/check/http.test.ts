/**
 * The HTTP check against scripted servers: what is up, what is down and why, what is sent.
 *
 * @module
 */
import { afterAll, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";

import { createConnector } from "../../../src/check/connector.ts";
import { createHttpCheck } from "../../../src/check/http.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { createTrustStore } from "../../../src/check/tls-trust.ts";
import { systemClock } from "../../../src/clock/index.ts";
import type { HttpCheckSpec } from "../../../src/model/index.ts";
import {
  checkTarget,
  closedPort,
  httpSpec,
  okAnswer,
  openDescriptors,
  startAnswering,
  startFullServer,
  startServer,
} from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

const pollLoop = createPollLoop(systemClock);
const connector = createConnector(systemClock, pollLoop);
const trustStore = createTrustStore();
afterAll(() => pollLoop.close());

function checkOf(spec: Partial<HttpCheckSpec>) {
  return createHttpCheck({ clock: systemClock, connector, trustStore, spec: httpSpec(spec) });
}

/** Outcome in short: `up`, or reason and detail. */
async function outcome(spec: Partial<HttpCheckSpec>, port: number, timeoutMs = 3000) {
  const result = await checkOf(spec).run(checkTarget(port), timeoutMs);
  return result.up ? "up" : `${result.reason}: ${result.detail}`;
}

describe("a page", () => {
  const page = { receive: "Test Page" };

  test.each<[string, Partial<HttpCheckSpec>, string, string]>([
    ["with a good status is up", {}, okAnswer("whatever"), "up"],
    ["with what is looked for is up", page, okAnswer("<h1>Test Page</h1>"), "up"],
    [
      "in chunks is up",
      page,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nTest \r\n4\r\nPage\r\n0\r\n\r\n",
      "up",
    ],
    ["up to the end of the connection is up", page, "HTTP/1.0 200 OK\r\n\r\nTest Page", "up"],
    [
      "cut off after the match is up",
      page,
      "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nTest Page",
      "up",
    ],
    [
      "with a status the user wants is up",
      {
        statuses: [
          [200, 299],
          [401, 401],
        ],
      },
      "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
      "up",
    ],
    [
      "without what is looked for is down",
      page,
      okAnswer("Maintenance"),
      "no-match: Test Page is not in the 11 bytes of the page",
    ],
    [
      "that is empty is down",
      page,
      okAnswer(""),
      "no-match: Test Page is not in the 0 bytes of the page",
    ],
    [
      "with a bad status is down",
      page,
      "HTTP/1.1 503 No\r\nContent-Length: 9\r\n\r\nTest Page",
      "bad-status: status 503, expected 200-299",
    ],
    [
      "with a status outside of several ranges is down",
      {
        statuses: [
          [200, 200],
          [301, 302],
        ],
      },
      "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
      "bad-status: status 404, expected 200, 301-302",
    ],
    [
      "that redirects is judged by its status",
      page,
      "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
      "bad-status: status 302 to /x, expected 200-299",
    ],
    [
      "cut off before a match is down",
      page,
      "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nTest",
      "closed: closed after 4 bytes",
    ],
    [
      "cut off in its head is down",
      page,
      "HTTP/1.1 200 OK\r\nContent-",
      "closed: closed before an answer",
    ],
    ["that never comes is down", page, "", "closed: closed before an answer"],
    [
      "that is none is down",
      page,
      "220 mail.example.org ESMTP\r\n\r\n",
      "bad-answer: no HTTP status line: 220 mail.example.org ESMTP",
    ],
    [
      "with a broken length is down",
      page,
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nTest Page",
      "bad-answer: bad Content-Length",
    ],
    [
      "with a head beyond the bound is down",
      page,
      `HTTP/1.1 200 OK\r\nX: ${"a".repeat(40_000)}\r\n\r\nTest Page`,
      "answer-too-long: the head exceeds 32768 bytes",
    ],
    [
      "that matches beyond the bound only is down",
      page,
      okAnswer(`${"a".repeat(70_000)}Test Page`),
      "answer-too-long: no match in the first 65536 bytes",
    ],
    [
      "that matches within the bound is up, however long it is",
      page,
      okAnswer(`Test Page${"a".repeat(70_000)}`),
      "up",
    ],
    ["beyond the bound is up if the status decides", {}, okAnswer("a".repeat(70_000)), "up"],
  ])("%s", async (_name, spec, answer, expected) => {
    await using server = await startAnswering(answer);
    expect(await outcome(spec, server.port)).toBe(expected);
  });

  test("asked for by HEAD is judged by its status", async () => {
    await using server = await startAnswering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    expect(await outcome({ method: "HEAD" }, server.port)).toBe("up");
  });

  test("of 1 GB is not read beyond the bound", async () => {
    const part = Buffer.alloc(64 * 1024, "a");
    let sentBytes = 0;
    await using server = await startServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      const send = (): void => {
        while (!socket.destroyed && socket.write(part)) sentBytes += part.length;
      };
      socket.on("drain", send);
      send();
    });
    const expected = "answer-too-long: no match in the first 65536 bytes";
    expect(await outcome(page, server.port)).toBe(expected);
    // What the sockets of both sides hold, and no more.
    expect(sentBytes).toBeLessThan(50_000_000);
  });

  test("that comes late is down at the deadline, and the connection is closed", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startServer((socket) => void socket.on("close", closed.resolve));
    const startedAtMs = performance.now();
    const expected = "timeout: no complete answer within 150 ms";
    expect(await outcome(page, server.port, 150)).toBe(expected);
    expect(performance.now() - startedAtMs).toBeLessThan(2000);
    await closed.promise;
  });

  test("that drips in is down at the deadline", async () => {
    await using server = await startServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      const timer = setInterval(() => void socket.write("a"), 5);
      socket.on("close", () => clearInterval(timer));
    });
    expect(await outcome(page, server.port, 200)).toBe("timeout: no complete answer within 200 ms");
  });

  test("whose connection is reset is down", async () => {
    await using server = await startServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      socket.once("data", () => socket.resetAndDestroy());
    });
    expect(await outcome(page, server.port)).toMatch(/^(?:reset|closed): /);
  });

  test("of a closed port is refused", async () => {
    expect(await outcome(page, await closedPort())).toBe("refused: connect: ECONNREFUSED");
  });

  test("of a port that drops handshakes is down at the deadline", async () => {
    await using server = await startFullServer();
    expect(await outcome(page, server.port, 120)).toBe("timeout: no connection within 120 ms");
  });

  test("looked for by a pattern that is none is down and says so", async () => {
    await using server = await startAnswering(okAnswer("x"));
    expect(await outcome({ receive: "(" }, server.port)).toBe("no-match: ( is no pattern of RE2");
  });
});

describe("the request", () => {
  /** Head of the request that a check sends, with what came before it. */
  async function sent(
    spec: Partial<HttpCheckSpec>,
    target: Parameters<typeof checkTarget>[1] = {},
  ): Promise<string> {
    const heard = Promise.withResolvers<string>();
    await using server = await startServer((socket: Socket) => {
      socket.once("data", (bytes: Buffer) => {
        heard.resolve(bytes.toString("latin1"));
        socket.end(okAnswer(""));
      });
    }, target.address);
    const result = await checkOf(spec).run(checkTarget(server.port, target), 3000);
    expect(result.up).toBe(true);
    return (await heard.promise).replaceAll(String(server.port), "PORT");
  }

  const rest = "\r\nUser-Agent: appliance\r\nAccept: */*\r\nConnection: close\r\n\r\n";

  test.each<[string, Partial<HttpCheckSpec>, Parameters<typeof checkTarget>[1], string]>([
    ["names the address and port", {}, {}, `GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT${rest}`],
    [
      "brackets an IPv6 address",
      {},
      { address: "::1" },
      `GET / HTTP/1.1\r\nHost: [::1]:PORT${rest}`,
    ],
    [
      "names the configured host",
      {},
      { host: "web1.example.org" },
      `GET / HTTP/1.1\r\nHost: web1.example.org:PORT${rest}`,
    ],
    [
      "names the virtual host as it is",
      { virtualHost: "www.example.org" },
      {},
      `GET / HTTP/1.1\r\nHost: www.example.org${rest}`,
    ],
    [
      "has path and method",
      { request: "/up?x=1", method: "HEAD" },
      {},
      `HEAD /up?x=1 HTTP/1.1\r\nHost: 127.0.0.1:PORT${rest}`,
    ],
    [
      "follows the PROXY header of version 1",
      {},
      { sendProxy: "v1" },
      `PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1:PORT${rest}`,
    ],
    [
      "follows the PROXY header of version 2, which is LOCAL",
      {},
      { sendProxy: "v2" },
      `\r\n\r\n\0\r\nQUIT\n\x20\0\0\0GET / HTTP/1.1\r\nHost: 127.0.0.1:PORT${rest}`,
    ],
  ])("%s", async (_name, spec, target, expected) => {
    expect(await sent(spec, target)).toBe(expected);
  });
});

describe("redirects", () => {
  /** Answers each path by this table; notes the Host and path of each request. */
  async function startSite(answers: Readonly<Record<string, string>>) {
    const asked: string[] = [];
    const server = await startServer((socket) => {
      socket.once("data", (bytes: Buffer) => {
        const [, path, host] = /^GET (\S+) HTTP\/1\.1\r\nHost: (\S+)/.exec(bytes.toString())!;
        asked.push(`${host}${path}`);
        socket.end(answers[path!] ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
      });
    });
    return { server, asked };
  }

  const to = (location: string): string =>
    `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
  const site = { virtualHost: "www.example.org", redirectsMax: 2, receive: "Test Page" };

  test("are followed on the same server", async () => {
    const { server, asked } = await startSite({
      "/": to("/login"),
      "/login": to("http://other.example.org/page"),
      "/page": okAnswer("Test Page"),
    });
    await using _ = server;
    expect(await outcome(site, server.port)).toBe("up");
    expect(asked).toEqual(["www.example.org/", "www.example.org/login", "other.example.org/page"]);
  });

  test("beyond the number that the user wants are judged by their status", async () => {
    const { server, asked } = await startSite({ "/": to("/") });
    await using _ = server;
    expect(await outcome(site, server.port)).toBe("bad-status: status 302 to /, expected 200-299");
    expect(asked).toHaveLength(3);
  });

  test("to no page are down", async () => {
    const { server } = await startSite({ "/": to("mailto:root@example.org") });
    await using _ = server;
    const expected = "bad-status: redirect to mailto:root@example.org leads to no page";
    expect(await outcome(site, server.port)).toBe(expected);
  });

  test("share one deadline", async () => {
    await using server = await startServer((socket) => {
      socket.once("data", () => {
        const timer = setTimeout(() => socket.end(to("/again")), 60);
        socket.on("close", () => clearTimeout(timer));
      });
    });
    const startedAtMs = performance.now();
    const spec = { ...site, redirectsMax: 1000 };
    const expected = /^timeout: no (?:complete answer|connection) within 200 ms$/;
    expect(await outcome(spec, server.port, 200)).toMatch(expected);
    expect(performance.now() - startedAtMs).toBeLessThan(2000);
  });
});

test("checks leave no descriptor behind", async () => {
  await using server = await startAnswering(okAnswer("Test Page"));
  const check = checkOf({ receive: "Test Page" });
  const target = checkTarget(server.port);
  await check.run(target, 3000);
  const before = openDescriptors();
  for (let round = 0; round < 50; round++) await check.run(target, 3000);
  await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
});
