/**
 * Negotiate checks beside HTTP against the programs that users run: each when it is well, with
 * wrong credentials, with a wrong answer, and when it is stopped.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import { createCheckFactory } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import type { ServiceCheckSpec } from "../../src/model/index.ts";
import { askOnce, askStopped } from "../helpers/check-asker.ts";
import { checkSpec, checkTarget, httpSpec, startServer } from "../helpers/check-fixture.ts";
import { startNginx } from "../helpers/nginx.ts";
import { requireAll, requirePeer, requireRoot } from "../helpers/require-peer.ts";
import {
  peerUser,
  startEcho,
  startRedis,
  startSipp,
  startTinyproxy,
  startUnbound,
  startVsftpd,
} from "../helpers/service-peer.ts";
import type { ServicePeer } from "../helpers/service-peer.ts";

// Real servers start slowly on a busy machine, and that counts as part of a hook.
setDefaultTimeout(60_000);

const wrong = { login: peerUser.login, password: "wrong" };

describe.skipIf(requirePeer("redis-server").skip)("redis-server", () => {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await startRedis();
  });
  afterAll(() => peer[Symbol.asyncDispose]());

  test.each([
    ["its password", { login: undefined, password: peerUser.password }, "up"],
    ["its user and password", { login: "default", password: peerUser.password }, "up"],
    [
      "a wrong password",
      { login: undefined, password: "wrong" },
      'bad-status: the login answered by "-WRONGPASS invalid username-password pair or user is disabled."',
    ],
    [
      "no password",
      { login: undefined, password: undefined },
      'bad-status: PING answered by "-NOAUTH Authentication required."',
    ],
  ])("with %s", async (_name, login, expected) => {
    expect(await askOnce({ service: "redis", ...login }, peer.ports[0]!)).toBe(expected);
  });

  test("that is stopped is down at the deadline", async () => {
    const spec: ServiceCheckSpec = { service: "redis", login: undefined, password: undefined };
    expect(await askStopped(peer, spec)).toBe("timeout: no complete answer within 200 ms");
  });

  test("that speaks to a mail check is no mail server", async () => {
    expect(await askOnce({ service: "smtp" }, peer.ports[0]!, { timeoutMs: 200 })).toStartWith(
      "timeout: ",
    );
  });
});

describe.skipIf(requirePeer("unbound").skip)("unbound", () => {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await startUnbound();
  });
  afterAll(() => peer[Symbol.asyncDispose]());

  describe.each(["udp", "tcp"] as const)("over %s", (protocol) => {
    test.each([
      ["www.example.com", undefined, "up"],
      ["www.example.com", "^192\\.0\\.2\\.7$", "up"],
      ["192.0.2.7", "^www\\.example\\.com$", "up"],
      ["www.example.com", "^10\\.", "no-match: 192.0.2.7 for www.example.com"],
      ["none.example.com", undefined, "bad-status: answered NXDOMAIN for none.example.com"],
    ])("asked for %s with %p", async (request, receive, expected) => {
      const spec = { service: "dns", request, receive } as const;
      expect(await askOnce(spec, peer.ports[0]!, { protocol })).toBe(expected);
    });

    test("that is stopped is down at the deadline", async () => {
      const spec = { service: "dns", request: "www.example.com", receive: undefined } as const;
      expect(await askStopped(peer, spec, { protocol })).toStartWith("timeout: ");
    });
  });
});

describe.skipIf(requireAll(requirePeer("vsftpd"), requireRoot()).skip)("vsftpd", () => {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await startVsftpd();
  });
  afterAll(() => peer[Symbol.asyncDispose]());

  const anonymous = { login: "anonymous", password: "appliance@" };
  test.each<[string, string | undefined, string | undefined, string]>([
    ["no file", undefined, undefined, "up"],
    ["a file", "/alive.txt", "Test Page", "up"],
    ["a file with a path that is relative", "alive.txt", "^a Test Page$", "up"],
    [
      "another file",
      "/alive.txt",
      "Maintenance",
      "no-match: Maintenance is not in the 12 bytes of the answer",
    ],
    [
      "no such file",
      "/none.txt",
      undefined,
      'bad-status: RETR /none.txt answered by "550 Failed to open file."',
    ],
  ])("with %s", async (_name, request, receive, expected) => {
    const spec = { service: "ftp", ...anonymous, request, receive } as const;
    expect(await askOnce(spec, peer.ports[0]!)).toBe(expected);
  });

  test("that is stopped is down at the deadline", async () => {
    const spec = { service: "ftp", ...anonymous, request: undefined, receive: undefined } as const;
    expect(await askStopped(peer, spec)).toStartWith("timeout: ");
  });

  test("refuses another user", async () => {
    const spec = { service: "ftp", ...wrong, request: undefined, receive: undefined } as const;
    expect(await askOnce(spec, peer.ports[0]!)).toMatch(/^bad-status: the login answered by "530 /);
  });
});

describe.skipIf(requirePeer("sipp").skip)("sipp", () => {
  const spec: ServiceCheckSpec = { service: "sip", login: "eve@example.org" };

  test.each([
    ["tcp", "t1", "200 OK", "up"],
    ["udp", "u1", "200 OK", "up"],
    ["udp", "u1", "503 Busy", 'bad-status: OPTIONS answered by "SIP/2.0 503 Busy"'],
  ] as const)("over %s (%s) with %s", async (protocol, transport, status, expected) => {
    await using peer = await startSipp(transport, status);
    expect(await askOnce(spec, peer.ports[0]!, { protocol })).toBe(expected);
  });
});

test.skipIf(requirePeer("sipp").skip)("sipp, stopped, is down at the deadline", async () => {
  await using peer = await startSipp("u1", "200 OK");
  const spec = { service: "sip", login: undefined } as const;
  expect(await askStopped(peer, spec, { protocol: "udp" })).toStartWith("timeout: ");
});

describe.skipIf(requirePeer("socat").skip)("socat, which echoes", () => {
  test.each<["simpletcp" | "udp", string, string | undefined, string]>([
    ["simpletcp", String.raw`/ping\npong`, "^pong$", "up"],
    ["simpletcp", "ping", undefined, "up"],
    ["simpletcp", "ping", "pong", "no-match: pong is not in the 4 bytes of the answer"],
    ["udp", "ping", "^ping$", "up"],
    ["udp", String.raw`\x00\xff`, undefined, "up"],
    ["udp", "ping", "pong", "no-match: pong is not in the 4 bytes of the answer"],
  ])("by %s what it is sent: %s, with %p", async (service, request, receive, expected) => {
    const protocol = service === "udp" ? "udp" : "tcp";
    await using peer = await startEcho(protocol);
    const spec = { service, request, receive };
    expect(await askOnce(spec, peer.ports[0]!, { protocol })).toBe(expected);
  });

  test.each(["simpletcp", "udp"] as const)("by %s, stopped", async (service) => {
    const protocol = service === "udp" ? "udp" : "tcp";
    await using peer = await startEcho(protocol);
    const spec = { service, request: "ping", receive: undefined };
    expect(await askStopped(peer, spec, { protocol })).toStartWith("timeout: ");
  });
});

/** Packet of TNS of this type, with this text. */
function tnsPacket(type: number, text: string): Buffer {
  const packet = Buffer.alloc(8 + text.length);
  packet.writeUInt16BE(packet.length, 0);
  packet[4] = type;
  packet.write(text, 8, "latin1");
  return packet;
}

describe("a listener of Oracle, imitated", () => {
  test.each([
    ["a refusal, as a ping gets", tnsPacket(4, "(DESCRIPTION=(ERR=0)(ALIAS=LISTENER))"), "up"],
    ["an acceptance", tnsPacket(2, "\u0001\u0036"), "up"],
    ["a redirection", tnsPacket(5, "(ADDRESS=…)"), "up"],
    ["the wish to hear it again", tnsPacket(11, ""), "up"],
    ["data", tnsPacket(6, "x"), "bad-answer: not TNS"],
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n"), 'bad-answer: not TNS: "HTTP/1.1"'],
    ["half a header", Buffer.from([0, 8, 0]), "closed: closed before an answer"],
  ])("that answers by %s", async (_name, answer, expected) => {
    const heard = Promise.withResolvers<Buffer>();
    await using server = await startServer((socket) => {
      socket.once("data", (bytes) => {
        heard.resolve(Buffer.from(bytes));
        socket.end(answer);
      });
    });
    expect(await askOnce({ service: "oracle" }, server.port)).toStartWith(expected);
    const request = await heard.promise;
    expect([request.readUInt16BE(0), request[4]]).toEqual([request.length, 1]);
    expect(request.subarray(request.readUInt16BE(26)).toString()).toBe(
      "(CONNECT_DATA=(COMMAND=ping))",
    );
  });

  test("that says nothing is down at the deadline", async () => {
    await using server = await startServer(() => undefined);
    expect(await askOnce({ service: "oracle" }, server.port, { timeoutMs: 200 })).toStartWith(
      "timeout: ",
    );
  });
});

describe.skipIf(requirePeer("tinyproxy", "nginx").skip)("tinyproxy before nginx", () => {
  test.each([
    ["alive.html", "Test Page", "up"],
    ["alive.html", "Maintenance", "no-match"],
    ["none.html", undefined, "bad-status"],
  ])("fetches %s with %p", async (page, receive, expected) => {
    await using nginx = await startNginx({ pages: { "alive.html": "Test Page\n" } });
    await using peer = await startTinyproxy();
    const request = `http://${nginx.address}/${page}`;
    const http = httpSpec({ request, receive });
    const spec = checkSpec({ type: "negotiate", service: "http_proxy", http });
    const factory = createCheckFactory(systemClock, "nobody");
    const check = factory.create(spec, "tcp");
    expect(check.name).toBe("http_proxy");
    const result = await check.run(checkTarget(peer.ports[0]!), 8000);
    expect(result.up ? "up" : result.reason).toBe(expected);
    factory.close();
  });
});
