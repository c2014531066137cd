/**
 * LDAP, RADIUS and TNS over real sockets, against servers of a few lines.
 *
 * @module
 */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";

import { askOnce } from "../../helpers/check-asker.ts";
import { startServer } from "../../helpers/check-fixture.ts";

const radius = { service: "radius", login: "eve", password: "x", secret: "secret" } as const;

/** A RADIUS server that accepts everybody; `secret` signs its answers. */
async function startRadius(secret: string) {
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(own, bytes, port, address) {
        const head = Buffer.from([2, bytes[1]!, 0, 20]);
        const authenticator = bytes.subarray(4, 20);
        const signature = createHash("md5").update(head).update(authenticator).update(secret);
        own.send(Buffer.concat([head, signature.digest()]), port, address);
      },
    },
  });
  return { port: socket.port, [Symbol.dispose]: () => socket.close() };
}

describe("radius", () => {
  test("is up when the login is accepted", async () => {
    using server = await startRadius("secret");
    expect(await askOnce(radius, server.port)).toBe("up");
    // The service of the director may speak TCP; RADIUS does not.
    expect(await askOnce(radius, server.port, { protocol: "tcp" })).toBe("up");
  });

  test("says that answers come from somebody with another secret", async () => {
    using server = await startRadius("another");
    expect(await askOnce(radius, server.port, { timeoutMs: 200 })).toBe(
      "bad-answer: answered, but by another secret",
    );
  });
});

/** What a server hears first from this check. */
async function firstWords(spec: Parameters<typeof askOnce>[0]): Promise<string> {
  const heard = Promise.withResolvers<string>();
  await using server = await startServer((socket) => {
    socket.once("data", (bytes) => {
      heard.resolve(bytes.toString("latin1"));
      socket.end();
    });
  });
  expect(await askOnce(spec, server.port, { sendProxy: "v1" })).toStartWith("closed: ");
  return heard.promise;
}

describe("over TCP, the PROXY header comes first", () => {
  test("of ldap", async () => {
    const spec = { service: "ldap", login: undefined, password: undefined, request: "" } as const;
    const words = await firstWords({ ...spec, receive: undefined, tls: undefined });
    expect(words).toStartWith("PROXY UNKNOWN\r\n0");
  });

  test("of oracle", async () => {
    expect(await firstWords({ service: "oracle" })).toStartWith("PROXY UNKNOWN\r\n\0W");
  });
});

test("ldaps with authorities that cannot be read is down without a connection", async () => {
  const tls = { verify: true, caFile: "/none.pem", serverName: undefined };
  const spec = { service: "ldaps", login: undefined, password: undefined, request: "" } as const;
  expect(await askOnce({ ...spec, receive: undefined, tls }, 9)).toStartWith(
    "tls: Cannot read /none.pem",
  );
});
