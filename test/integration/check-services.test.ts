/**
 * Negotiate checks beside HTTP against the programs that users run: each when it is well, with
 * wrong credentials, with a wrong answer, and when it is stopped.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { createCheckFactory } from "../../src/check/index.ts";
import type { CheckFactory, CheckTarget } from "../../src/check/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import type { ServiceCheckSpec } from "../../src/model/index.ts";
import { createAuthority } from "../helpers/certificates.ts";
import type { Authority } from "../helpers/certificates.ts";
import { checkSpec, checkTarget, httpSpec, serviceSpec } from "../helpers/check-fixture.ts";
import { startNginx } from "../helpers/nginx.ts";
import { requireAll, requirePeer, requireRoot } from "../helpers/require-peer.ts";
import {
  peerUser,
  startDovecot,
  startRedis,
  startSipp,
  startTinyproxy,
  startUnbound,
  startVsftpd,
} from "../helpers/service-peer.ts";
import type { ServicePeer } from "../helpers/service-peer.ts";

let factory: CheckFactory;
beforeAll(() => {
  factory = createCheckFactory(systemClock, "nobody");
});
afterAll(() => factory.close());

/** Generous: the machine may be busy. */
const timeoutMs = 8000;

async function outcome(
  spec: ServiceCheckSpec,
  port: number,
  changes: Partial<CheckTarget> = {},
  limitMs = timeoutMs,
): Promise<string> {
  const check = factory.create(serviceSpec(spec), changes.protocol ?? "tcp");
  const result = await check.run(checkTarget(port, changes), limitMs);
  return result.up ? "up" : `${result.reason}: ${result.detail}`;
}

/** The check of a program that is stopped, and then goes on. */
async function whileStopped(peer: ServicePeer, ask: () => Promise<string>): Promise<string> {
  peer.process.kill("SIGSTOP");
  try {
    return await ask();
  } finally {
    peer.process.kill("SIGCONT");
  }
}

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
    expect(await outcome({ service: "redis", ...login }, peer.ports[0]!)).toBe(expected);
  });

  test("that is stopped is down at the deadline", async () => {
    const spec: ServiceCheckSpec = { service: "redis", login: undefined, password: undefined };
    const found = await whileStopped(peer, () => outcome(spec, peer.ports[0]!, {}, 200));
    expect(found).toBe("timeout: no complete answer within 200 ms");
  });

  test("that speaks to a mail check is no mail server", async () => {
    expect(await outcome({ service: "smtp" }, peer.ports[0]!, {}, 200)).toStartWith("timeout: ");
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
      expect(await outcome(spec, peer.ports[0]!, { protocol })).toBe(expected);
    });

    test("that is stopped is down at the deadline", async () => {
      const spec = { service: "dns", request: "www.example.com", receive: undefined } as const;
      const ask = (): Promise<string> => outcome(spec, peer.ports[0]!, { protocol }, 200);
      expect(await whileStopped(peer, ask)).toStartWith("timeout: ");
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
    expect(await outcome(spec, peer.ports[0]!)).toBe(expected);
  });

  test("refuses another user", async () => {
    const spec = { service: "ftp", ...wrong, request: undefined, receive: undefined } as const;
    expect(await outcome(spec, peer.ports[0]!)).toMatch(/^bad-status: the login answered by "530 /);
  });
});

const dovecot = requireAll(
  requirePeer("dovecot", "/usr/lib/dovecot/imap-login", "/usr/lib/dovecot/pop3-login", "openssl"),
  requireRoot(),
);
describe.skipIf(dovecot.skip)("dovecot", () => {
  let authority: Authority;
  let peer: ServicePeer;
  beforeAll(async () => {
    authority = createAuthority();
    const good = authority.issue("good", "DNS:mail.example.org");
    const old = authority.issue("old", "DNS:other.example.org", { expired: true });
    peer = await startDovecot(good, old);
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
  });

  const services = [
    ["pop", 0],
    ["imap", 1],
    ["pops", 2],
    ["imaps", 3],
  ] as const;
  /** Login and TLS of a mailbox, verified by the authority. */
  function spec(
    service: "pop" | "imap" | "pops" | "imaps",
    login: { login: string | undefined; password: string | undefined },
    serverName = "mail.example.org",
  ): ServiceCheckSpec {
    const tls = { verify: true, caFile: authority.caFile, serverName };
    return { service, ...login, tls: service.endsWith("s") ? tls : undefined };
  }

  describe.each(services)("by %s", (service, index) => {
    test("greets", async () => {
      const nobody = { login: undefined, password: undefined };
      expect(await outcome(spec(service, nobody), peer.ports[index]!)).toBe("up");
    });

    test("lets its user in, and nobody with a wrong password", async () => {
      expect(await outcome(spec(service, peerUser), peer.ports[index]!)).toBe("up");
      expect(await outcome(spec(service, wrong), peer.ports[index]!)).toMatch(
        /^bad-status: the login answered by "(?:-ERR|a1 NO) .*\[?A/,
      );
    });
  });

  test("with another name, an expired certificate or an unknown authority is down", async () => {
    const port = peer.ports[3]!;
    expect(await outcome(spec("imaps", peerUser, "www.example.org"), port)).toMatch(/^tls: /);
    expect(await outcome(spec("imaps", peerUser, "other.example.org"), port)).toMatch(
      /^tls: CERT_HAS_EXPIRED/,
    );
    const tls = { verify: true, caFile: undefined, serverName: "mail.example.org" };
    expect(await outcome({ service: "pops", ...peerUser, tls }, peer.ports[2]!)).toMatch(/^tls: /);
  });

  test("without verification any certificate will do", async () => {
    const tls = { verify: false, caFile: undefined, serverName: undefined };
    expect(await outcome({ service: "pops", ...peerUser, tls }, peer.ports[2]!)).toBe("up");
  });

  test("by the wrong protocol is a bad answer", async () => {
    const nobody = { login: undefined, password: undefined };
    expect(await outcome(spec("imap", nobody), peer.ports[0]!)).toStartWith("bad-answer: not IMAP");
    expect(await outcome(spec("pop", nobody), peer.ports[1]!)).toStartWith("bad-answer: not POP3");
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
    expect(await outcome(spec, peer.ports[0]!, { protocol })).toBe(expected);
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
    const check = factory.create(spec, "tcp");
    expect(check.name).toBe("http_proxy");
    const result = await check.run(checkTarget(peer.ports[0]!), timeoutMs);
    expect(result.up ? "up" : result.reason).toBe(expected);
  });
});
