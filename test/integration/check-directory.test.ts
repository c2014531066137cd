/**
 * The checks ldap, ldaps and radius against slapd and freeradius.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import type { LdapCheckSpec, RadiusCheckSpec } from "../../src/model/index.ts";
import { createAuthority } from "../helpers/certificates.ts";
import type { Authority } from "../helpers/certificates.ts";
import { askOnce, askStopped } from "../helpers/check-asker.ts";
import { closedPort } from "../helpers/check-fixture.ts";
import {
  directoryNames,
  radiusSecret,
  startFreeradius,
  startSlapd,
} from "../helpers/directory-peer.ts";
import { requireAll, requirePeer } from "../helpers/require-peer.ts";
import { peerUser } from "../helpers/service-peer.ts";
import type { ServicePeer } from "../helpers/service-peer.ts";

// Real servers start slowly on a busy machine, and that counts as part of a hook.
setDefaultTimeout(60_000);

const anonymous = { login: undefined, password: undefined };
const user = { login: directoryNames.user, password: peerUser.password };

function ldap(changes: Partial<LdapCheckSpec> = {}): LdapCheckSpec {
  const tls = undefined;
  return { service: "ldap", ...anonymous, request: "", receive: undefined, tls, ...changes };
}

describe.skipIf(requireAll(requirePeer("slapd", "openssl")).skip)("slapd", () => {
  let authority: Authority;
  let peer: ServicePeer;
  let other: ServicePeer;
  beforeAll(async () => {
    authority = createAuthority();
    peer = await startSlapd(authority.issue("good", "DNS:ldap.example.org"));
    const expired = authority.issue("old", "DNS:ldap.example.org", { expired: true });
    other = await startSlapd(expired, true);
  });
  afterAll(async () => {
    await peer[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    authority[Symbol.dispose]();
  });

  test.each<[string, Partial<LdapCheckSpec>, string]>([
    ["its root", {}, "up"],
    ["an entry", { request: directoryNames.base }, "up"],
    ["an entry and its name", { request: directoryNames.base, receive: "^dc=example," }, "up"],
    [
      "an entry with another name",
      { request: directoryNames.base, receive: "^dc=other," },
      'no-match: ^dc=other, is not in "dc=example,dc=org"',
    ],
    [
      "no such entry",
      { request: "cn=none,dc=example,dc=org" },
      'bad-status: the search answered by "noSuchObject"',
    ],
    [
      "what is no name",
      { request: "none" },
      'bad-status: the search answered by "invalidDNSyntax: invalid DN"',
    ],
    ["its user", { ...user, request: directoryNames.user }, "up"],
    [
      "a wrong password",
      { ...user, password: "wrong" },
      'bad-status: the bind answered by "invalidCredentials"',
    ],
    [
      "an unknown user",
      { ...user, login: "cn=none,dc=example,dc=org" },
      'bad-status: the bind answered by "invalidCredentials"',
    ],
  ])("asked for %s", async (_name, changes, expected) => {
    expect(await askOnce(ldap(changes), peer.ports[0]!)).toBe(expected);
  });

  test("that wants a login lets nobody in without", async () => {
    expect(await askOnce(ldap(), other.ports[0]!)).toStartWith(
      'bad-status: the bind answered by "inappropriateAuthentication',
    );
    expect(await askOnce(ldap(user), other.ports[0]!)).toBe("up");
  });

  test("over TLS, with another name, an expired certificate or an unknown authority", async () => {
    const tls = { verify: true, caFile: authority.caFile, serverName: "ldap.example.org" };
    const ask = (changes: Partial<typeof tls> & { caFile?: string | undefined }, port: number) =>
      askOnce(ldap({ service: "ldaps", tls: { ...tls, ...changes } }), port);
    expect(await ask({}, peer.ports[1]!)).toBe("up");
    expect(await ask({ serverName: "www.example.org" }, peer.ports[1]!)).toStartWith(
      "tls: ERR_TLS_CERT_ALTNAME_INVALID",
    );
    expect(await ask({}, other.ports[1]!)).toStartWith("tls: CERT_HAS_EXPIRED");
    const unknown = { ...tls, caFile: undefined };
    expect(await askOnce(ldap({ service: "ldaps", tls: unknown }), peer.ports[1]!)).toStartWith(
      "tls: ",
    );
    const any = { verify: false, caFile: undefined, serverName: undefined };
    expect(await askOnce(ldap({ ...user, service: "ldaps", tls: any }), other.ports[1]!)).toBe(
      "up",
    );
  });

  test("without TLS where TLS is wanted is down", async () => {
    const tls = { verify: false, caFile: undefined, serverName: undefined };
    const options = { timeoutMs: 1000 };
    const outcome = await askOnce(ldap({ service: "ldaps", tls }), peer.ports[0]!, options);
    expect(outcome).toMatch(/^(?:tls|closed|reset): /);
  });

  test("that is stopped is down at the deadline", async () => {
    expect(await askStopped(peer, ldap())).toBe("timeout: no complete answer within 200 ms");
  });

  test("that nobody runs is refused", async () => {
    expect(await askOnce(ldap(), await closedPort())).toBe("refused: connect: ECONNREFUSED");
  });
});

describe.skipIf(requirePeer("freeradius").skip)("freeradius", () => {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await startFreeradius();
  });
  afterAll(() => peer[Symbol.asyncDispose]());

  const radius: RadiusCheckSpec = { service: "radius", ...peerUser, secret: radiusSecret };

  test.each<[string, Partial<RadiusCheckSpec>, string]>([
    ["its user", {}, "up"],
    [
      "a wrong password",
      { password: "wrong" },
      'bad-status: the login answered by "Access-Reject"',
    ],
    [
      "a password of several blocks",
      { password: "w".repeat(128) },
      'bad-status: the login answered by "Access-Reject"',
    ],
    ["no password", { password: "" }, 'bad-status: the login answered by "Access-Reject"'],
    ["an unknown user", { login: "mallory" }, 'bad-status: the login answered by "Access-Reject"'],
  ])("asked for %s", async (_name, changes, expected) => {
    expect(await askOnce({ ...radius, ...changes }, peer.ports[0]!)).toBe(expected);
  });

  test("does not answer who has another secret", async () => {
    const spec = { ...radius, secret: "another" };
    expect(await askOnce(spec, peer.ports[0]!, { timeoutMs: 300 })).toBe(
      "timeout: no answer within 300 ms",
    );
  });

  test("that is stopped is down at the deadline", async () => {
    expect(await askStopped(peer, radius)).toBe("timeout: no answer within 200 ms");
  });

  test("that nobody runs is refused", async () => {
    expect(await askOnce(radius, await closedPort())).toStartWith("refused: ");
  });
});
