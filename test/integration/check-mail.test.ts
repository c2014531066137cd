/**
 * The checks of mail and news: dovecot and exim as users run them, news by a server of a few lines,
 * as Debian's inn2 installs only where the host has a full domain name.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import type { ServiceCheckSpec } from "../../src/model/index.ts";
import { createAuthority } from "../helpers/certificates.ts";
import type { Authority } from "../helpers/certificates.ts";
import { askOnce, askStopped } from "../helpers/check-asker.ts";
import { closedPort, startServer } from "../helpers/check-fixture.ts";
import { requireAll, requirePeer, requireRoot } from "../helpers/require-peer.ts";
import { peerUser, startDovecot, startExim } from "../helpers/service-peer.ts";
import type { ServicePeer } from "../helpers/service-peer.ts";

// Real servers start slowly on a busy machine, and that counts as part of a hook.
setDefaultTimeout(60_000);

const wrong = { login: peerUser.login, password: "wrong" };

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
      expect(await askOnce(spec(service, nobody), peer.ports[index]!)).toBe("up");
    });

    test("lets its user in, and nobody with a wrong password", async () => {
      expect(await askOnce(spec(service, peerUser), peer.ports[index]!)).toBe("up");
      expect(await askOnce(spec(service, wrong), peer.ports[index]!)).toMatch(
        /^bad-status: the login answered by "(?:-ERR|a1 NO) .*\[?A/,
      );
    });
  });

  test("with another name, an expired certificate or an unknown authority is down", async () => {
    const port = peer.ports[3]!;
    expect(await askOnce(spec("imaps", peerUser, "www.example.org"), port)).toMatch(/^tls: /);
    expect(await askOnce(spec("imaps", peerUser, "other.example.org"), port)).toMatch(
      /^tls: CERT_HAS_EXPIRED/,
    );
    const tls = { verify: true, caFile: undefined, serverName: "mail.example.org" };
    expect(await askOnce({ service: "pops", ...peerUser, tls }, peer.ports[2]!)).toMatch(/^tls: /);
  });

  test("without verification any certificate will do", async () => {
    const tls = { verify: false, caFile: undefined, serverName: undefined };
    expect(await askOnce({ service: "pops", ...peerUser, tls }, peer.ports[2]!)).toBe("up");
  });

  test("by the wrong protocol is a bad answer", async () => {
    const nobody = { login: undefined, password: undefined };
    expect(await askOnce(spec("imap", nobody), peer.ports[0]!)).toStartWith("bad-answer: not IMAP");
    expect(await askOnce(spec("pop", nobody), peer.ports[1]!)).toStartWith("bad-answer: not POP3");
  });
});

describe.skipIf(requireAll(requirePeer("exim4"), requireRoot()).skip)("exim4", () => {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await startExim();
  });
  afterAll(() => peer[Symbol.asyncDispose]());

  test.each([
    ["smtp", 0, "up"],
    ["submission", 1, "up"],
    ["smtp", 2, 'bad-status: connection answered by "550 closed today"'],
    ["submission", 2, 'bad-status: connection answered by "550 closed today"'],
  ] as const)("asked by %s at its port %d is %s", async (service, index, expected) => {
    expect(await askOnce({ service }, peer.ports[index]!)).toBe(expected);
  });

  test("speaks no other protocol of mail", async () => {
    const spec = { service: "pop", login: undefined, password: undefined, tls: undefined } as const;
    expect(await askOnce(spec, peer.ports[0]!)).toStartWith("bad-answer: not POP3");
  });

  test("that is stopped is down at the deadline", async () => {
    expect(await askStopped(peer, { service: "smtp" })).toStartWith("timeout: ");
  });
});

describe("a news server", () => {
  const spec: ServiceCheckSpec = { service: "nntp" };

  test.each([
    ["200 news.example.org ready, posting allowed\r\n", "up"],
    ["201 news.example.org ready, no posting\r\n", "up"],
    ["400 closed today\r\n", 'bad-status: connection answered by "400 closed today"'],
    ["502 not you\r\n", 'bad-status: connection answered by "502 not you"'],
    ["2000 ready\r\n", 'bad-answer: not NNTP: "2000 ready"'],
    ["* OK IMAP\r\n", 'bad-answer: not NNTP: "* OK IMAP"'],
    ["2".repeat(9000), "answer-too-long: a line exceeds 8192 bytes"],
  ])("that greets by %j is %s", async (greeting, expected) => {
    await using server = await startServer((socket) => {
      socket.write(greeting);
      socket.once("data", () => socket.end("205 bye\r\n"));
    });
    expect(await askOnce(spec, server.port)).toBe(expected);
  });

  test("that says nothing is down at the deadline, one that nobody runs at once", async () => {
    await using server = await startServer(() => undefined);
    expect(await askOnce(spec, server.port, { timeoutMs: 200 })).toStartWith("timeout: ");
    expect(await askOnce(spec, await closedPort())).toStartWith("refused: ");
  });
});
