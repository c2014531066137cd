/**
 * Conversations over TCP and TLS: how they end, and that nothing stays open.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:tls";

import { createConnector, prepareDestination } from "../../../src/check/connector.ts";
import { createPollLoop } from "../../../src/check/poll-loop.ts";
import { converse } from "../../../src/check/stream.ts";
import type { StreamRequest, StreamTls } from "../../../src/check/stream.ts";
import { systemClock } from "../../../src/clock/index.ts";
import { createAuthority } from "../../helpers/certificates.ts";
import type { Authority, Certificate } from "../../helpers/certificates.ts";
import { openDescriptors, startServer } from "../../helpers/check-fixture.ts";
import { requirePeer } from "../../helpers/require-peer.ts";
import { waitFor } from "../../helpers/wait.ts";

const pollLoop = createPollLoop(systemClock);
const connector = createConnector(systemClock, pollLoop);
afterAll(() => pollLoop.close());

const ping = new TextEncoder().encode("ping\n");

/** Talks to a server until it has said `pong`. */
function talk(port: number, changes: Partial<StreamRequest> = {}, timeoutMs = 3000) {
  let heard = "";
  return converse(systemClock, connector, {
    destination: prepareDestination("127.0.0.1", port),
    deadline: { atMs: systemClock.nowMs() + timeoutMs, limitMs: timeoutMs },
    preface: undefined,
    tls: undefined,
    request: ping,
    onData(bytes) {
      heard += new TextDecoder().decode(bytes);
      return heard.includes("pong");
    },
    ...changes,
  });
}

describe("converse over TCP", () => {
  test("ends when enough was heard, however many parts it came in", async () => {
    await using server = await startServer((socket) => {
      socket.once("data", () => {
        socket.write("po");
        setImmediate(() => socket.write("ng"));
      });
    });
    expect(await talk(server.port)).toBe("enough");
  });

  test("sends the preface before the request", async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await startServer((socket) => {
      let text = "";
      socket.on("data", (bytes: Buffer) => {
        text += bytes.toString();
        if (text.endsWith("\n")) {
          heard.resolve(text);
          socket.end("pong");
        }
      });
    });
    expect(await talk(server.port, { preface: new TextEncoder().encode("PREFACE ") })).toBe(
      "enough",
    );
    expect(await heard.promise).toBe("PREFACE ping\n");
  });

  test("sends a request that is larger than the socket's buffers", async () => {
    const request = new Uint8Array(8 * 1024 * 1024);
    await using server = await startServer((socket) => {
      let bytes = 0;
      socket.on("data", (part: Buffer) => {
        bytes += part.length;
        if (bytes === request.length) socket.end("pong");
      });
    });
    expect(await talk(server.port, { request }, 10_000)).toBe("enough");
  });

  test("ends when the server closes", async () => {
    await using server = await startServer((socket) => void socket.end("po"));
    expect(await talk(server.port)).toBe("closed");
  });

  test("tells of a reset", async () => {
    await using server = await startServer((socket) => {
      socket.once("data", () => {
        socket.write("po", () => socket.resetAndDestroy());
      });
    });
    const end = await talk(server.port);
    expect(end === "closed" ? end : (end as { reason: string }).reason).toMatch(
      /^(?:reset|closed)$/,
    );
  });

  test("ends at the deadline and closes", async () => {
    const closed = Promise.withResolvers<void>();
    await using server = await startServer((socket) => void socket.on("close", closed.resolve));
    expect(await talk(server.port, {}, 100)).toEqual({
      reason: "timeout",
      detail: "no complete answer within 100 ms",
    });
    await closed.promise;
  });

  test("closes also what the runtime adopts after the deadline", async () => {
    await using server = await startServer(() => undefined);
    const before = openDescriptors();
    await Promise.all(Array.from({ length: 20 }, () => talk(server.port, {}, 1)));
    await waitFor(() => openDescriptors() <= before + 1, { what: "descriptors to be closed" });
  });
});

const peer = requirePeer("openssl");

describe.skipIf(peer.skip)("converse over TLS", () => {
  let authority: Authority;
  let good: Certificate;
  let expired: Certificate;

  beforeAll(() => {
    authority = createAuthority();
    good = authority.issue("good", "DNS:www.example.org,IP:127.0.0.1");
    expired = authority.issue("expired", "DNS:www.example.org", { expired: true });
  });
  afterAll(() => authority[Symbol.dispose]());

  async function startTls({ cert, key }: Certificate) {
    const names: (string | false | null)[] = [];
    const server = createServer({ cert, key }, (socket) => {
      names.push(socket.servername);
      socket.on("error", () => undefined);
      socket.once("data", () => void socket.end("pong"));
    });
    const listening = Promise.withResolvers<void>();
    server.listen(0, "127.0.0.1", () => listening.resolve());
    await listening.promise;
    return {
      port: (server.address() as AddressInfo).port,
      names,
      [Symbol.dispose]: () => void server.close(),
    };
  }

  const tls = (changes: Partial<StreamTls> = {}): StreamTls => ({
    serverName: "www.example.org",
    verify: true,
    ca: readFileSync(authority.caFile, "utf8"),
    ...changes,
  });

  test("takes a certificate of the authority, and sends the name", async () => {
    using server = await startTls(good);
    expect(await talk(server.port, { tls: tls() })).toBe("enough");
    expect(server.names).toEqual(["www.example.org"]);
  });

  test("takes a certificate for an address", async () => {
    using server = await startTls(good);
    expect(await talk(server.port, { tls: tls({ serverName: "127.0.0.1" }) })).toBe("enough");
  });

  test.each<[string, () => Certificate, () => Partial<StreamTls>, RegExp]>([
    [
      "for another name",
      () => good,
      () => ({ serverName: "other.example.org" }),
      /^ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ["that has expired", () => expired, () => ({}), /^CERT_HAS_EXPIRED/],
    ["of another authority", () => good, () => ({ ca: undefined }), /^UNABLE_TO_/],
  ])(
    "refuses a certificate %s, and takes it without verification",
    async (_name, cert, changes, detail) => {
      using server = await startTls(cert());
      expect(await talk(server.port, { tls: tls(changes()) })).toEqual({
        reason: "tls",
        detail: expect.stringMatching(detail),
      });
      expect(await talk(server.port, { tls: tls({ ...changes(), verify: false }) })).toBe("enough");
    },
  );

  test.each([true, false])("refuses a server that speaks no TLS, verify %p", async (verify) => {
    await using server = await startServer(
      (socket) => void socket.write("HTTP/1.1 400 Bad\r\n\r\n"),
    );
    const end = await talk(server.port, { tls: tls({ verify }) });
    expect(end).toMatchObject({ reason: "tls" });
  });

  test("ends at the deadline within the handshake", async () => {
    await using server = await startServer(() => undefined);
    expect(await talk(server.port, { tls: tls() }, 100)).toMatchObject({ reason: "timeout" });
  });

  test("tells of a file of authorities that holds none, and closes", async () => {
    await using server = await startServer(() => undefined);
    const before = openDescriptors();
    expect(await talk(server.port, { tls: tls({ ca: "no certificate" }) })).toEqual({
      reason: "tls",
      detail: "Invalid CA",
    });
    // The server's end of the connection closes a moment later.
    await waitFor(() => openDescriptors() <= before + 1, { what: "the descriptor to be closed" });
  });
});
