/**
 * Negotiate checks beside HTTP, over real sockets, against servers of a few lines.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import * as codec from "dns-packet";

import { frameDns } from "../../../src/check/dns.ts";
import { createCheckFactory } from "../../../src/check/index.ts";
import type { CheckFactory } from "../../../src/check/index.ts";
import { systemClock } from "../../../src/clock/index.ts";
import type { ServiceCheckSpec } from "../../../src/model/index.ts";
import {
  checkTarget,
  closedPort,
  openDescriptors,
  serviceSpec,
  startAnswering,
  startServer,
} from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

type Target = Parameters<typeof checkTarget>[1];

let factory: CheckFactory;
beforeAll(() => {
  factory = createCheckFactory(systemClock, "nobody");
});
afterAll(() => factory.close());

async function outcome(
  spec: ServiceCheckSpec,
  port: number,
  target: Target = {},
  timeoutMs = 3000,
): Promise<string> {
  const protocol = target?.protocol ?? "tcp";
  const check = factory.create(serviceSpec(spec), protocol);
  const result = await check.run(checkTarget(port, target), timeoutMs);
  return result.up ? "up" : `${result.reason}: ${result.detail}`;
}

/** A server that greets and answers each line by its first word, or by `else`. */
function startSpeaking(greeting: string, answers: Readonly<Record<string, string>>) {
  return startServer((socket) => {
    if (greeting !== "") socket.write(`${greeting}\r\n`);
    let rest = "";
    socket.on("data", (bytes) => {
      const lines = (rest + bytes.toString()).split("\r\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const answer = answers[line.split(" ")[0]!] ?? answers["else"];
        if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  });
}

const tls = undefined;
const eve = { login: "eve", password: "secret" };
const smtp: ServiceCheckSpec = { service: "smtp" };
const redis: ServiceCheckSpec = { service: "redis", ...eve };
const sip: ServiceCheckSpec = { service: "sip", login: undefined };

describe("a line dialogue", () => {
  test.each<[ServiceCheckSpec, string, Readonly<Record<string, string>>, string]>([
    [smtp, "220 mx", { EHLO: "250-mx\r\n250 ok", QUIT: "221 bye" }, "up"],
    [{ service: "submission" }, "220 mx", { else: "250 ok" }, "up"],
    [{ service: "nntp" }, "200 news", { QUIT: "205 bye" }, "up"],
    [{ service: "pop", ...eve, tls }, "+OK", { else: "+OK" }, "up"],
    [
      { service: "pop", ...eve, tls },
      "+OK",
      { USER: "+OK", PASS: "-ERR secret?" },
      'bad-status: the login answered by "-ERR ********?"',
    ],
    [{ service: "imap", ...eve, tls }, "* OK", { a1: "a1 OK", a2: "* BYE" }, "up"],
    [
      { service: "imap", ...eve, tls },
      "* OK",
      { a1: "a1 NO" },
      'bad-status: the login answered by "a1 NO"',
    ],
    [redis, "", { AUTH: "+OK", PING: "+PONG", QUIT: "+OK" }, "up"],
    [redis, "", { AUTH: "-WRONGPASS" }, 'bad-status: the login answered by "-WRONGPASS"'],
    [sip, "", { OPTIONS: "SIP/2.0 100 Trying\r\n\r\nSIP/2.0 200 OK\r\n" }, "up"],
  ])("of %j after %j with %j", async (spec, greeting, answers, expected) => {
    await using server = await startSpeaking(greeting, answers);
    expect(await outcome(spec, server.port)).toBe(expected);
  });

  test("begins with the PROXY header of the service", async () => {
    const first = Promise.withResolvers<string>();
    await using server = await startServer((socket) => {
      socket.once("data", (bytes: Buffer) => {
        first.resolve(bytes.toString());
        socket.end("200 news\r\n");
      });
    });
    expect(await outcome({ service: "nntp" }, server.port, { sendProxy: "v1" })).toBe("up");
    expect(await first.promise).toBe("PROXY UNKNOWN\r\n");
  });

  test.each([
    ["pops", "* OK"],
    ["imaps", "+OK"],
  ] as const)("of %s with a server without TLS is down", async (service, greeting) => {
    await using server = await startSpeaking(greeting, {});
    const own = { verify: false, caFile: undefined, serverName: undefined };
    const spec: ServiceCheckSpec = { service, login: undefined, password: undefined, tls: own };
    expect(await outcome(spec, server.port)).toMatch(/^(tls|closed|reset): /);
  });
});

describe("simpletcp", () => {
  const spec = { service: "simpletcp", request: "/hello\\n", receive: "^OK$" } as const;

  test.each([
    ["hello\nOK\nmore", "up"],
    ["not OK\n", "no-match: ^OK$ is not in the 7 bytes of the answer"],
    ["", "closed: closed before an answer"],
  ])("with the answer %j is %j", async (answer, expected) => {
    await using server = await startServer((socket) => {
      let asked = "";
      socket.on("data", (bytes) => (asked += bytes.toString()));
      // Answers only once the writing side is closed, as inetd's programs do.
      socket.on("end", () => socket.end(asked === "hello\n" ? answer : `got ${asked}`));
    });
    expect(await outcome(spec, server.port)).toBe(expected);
  });
});

/** A server of datagrams that answers each with what `answer` makes of it. */
function startDatagrams(answer: (bytes: Buffer, count: number) => Uint8Array | string | undefined) {
  let count = 0;
  return Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      // Whoever has gone away refuses what still comes.
      error: () => undefined,
      data(socket, bytes, port, address) {
        const reply = answer(Buffer.from(bytes), count++);
        if (reply !== undefined) socket.send(reply, port, address);
      },
    },
  });
}

describe("over UDP", () => {
  const udp = { service: "udp", request: "ping\\x00", receive: "^pong" } as const;

  test.each([
    ["pong", "up"],
    ["gong", "no-match: ^pong is not in the 4 bytes of the answer"],
    ["x".repeat(60_000), "no-match: ^pong is not in the 60000 bytes of the answer"],
  ])("udp judges the first answer (%#)", async (reply, expected) => {
    const server = await startDatagrams((bytes) => (bytes.toString() === "ping\0" ? reply : "?"));
    expect(await outcome(udp, server.port)).toBe(expected);
    server.close();
  });

  test("asks a second time, as datagrams get lost", async () => {
    const server = await startDatagrams((_bytes, count) => (count === 0 ? undefined : "pong"));
    expect(await outcome(udp, server.port, {}, 200)).toBe("up");
    server.close();
  });

  test("nobody is refused, silence is a timeout, and nothing stays open", async () => {
    const server = await startDatagrams(() => undefined);
    const before = openDescriptors();
    expect(await outcome(udp, server.port, {}, 50)).toBe("timeout: no answer within 50 ms");
    const { port } = server;
    server.close();
    await waitFor(async () => (await outcome(udp, port)) === "refused: receive: ECONNREFUSED", {
      what: "refusal",
    });
    expect(openDescriptors()).toBeLessThanOrEqual(before);
  });

  test("sip goes past a provisional answer", async () => {
    const server = await startDatagrams((bytes) => {
      const isAsked =
        /^OPTIONS sip:127\.0\.0\.1:\d+ SIP\/2\.0\r\nVia: SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;/;
      return isAsked.test(bytes.toString()) ? "SIP/2.0 200 OK\r\n\r\n" : "SIP/2.0 400 Bad\r\n";
    });
    expect(await outcome(sip, server.port, { protocol: "udp" })).toBe("up");
    server.close();
  });
});

describe("dns", () => {
  const spec = { service: "dns", request: "www.example.com", receive: "^192\\.0\\.2\\." } as const;
  function resolve(bytes: Uint8Array, data: string): Uint8Array {
    const { id, questions } = codec.decode(Buffer.from(bytes));
    const answers = [{ type: "A", name: "www.example.com", data } as const];
    return codec.encode({ type: "response", id: id!, questions: questions ?? [], answers });
  }

  test.each([
    ["192.0.2.7", "up"],
    ["10.0.0.1", "no-match: 10.0.0.1 for www.example.com"],
  ])("with the address %s, over UDP and TCP", async (data, expected) => {
    const datagrams = await startDatagrams((bytes) => resolve(bytes, data));
    expect(await outcome(spec, datagrams.port, { protocol: "udp" })).toBe(expected);
    datagrams.close();
    await using stream = await startServer((socket) => {
      socket.once(
        "data",
        (bytes: Buffer) => void socket.write(frameDns(resolve(bytes.subarray(2), data))),
      );
    });
    expect(await outcome(spec, stream.port)).toBe(expected);
  });

  test("waits for its own answer over UDP, and has only one over TCP", async () => {
    const stranger = codec.encode({ type: "response", id: 0, questions: [] });
    const other = (bytes: Buffer): Uint8Array => {
      stranger.writeUInt16BE(bytes.readUInt16BE(0) ^ 1, 0);
      return stranger;
    };
    const datagrams = await startDatagrams(other);
    const found = await outcome(spec, datagrams.port, { protocol: "udp" }, 50);
    expect(found).toBe("timeout: no answer within 50 ms");
    datagrams.close();
    await using stream = await startServer((socket) => {
      socket.once("data", (bytes: Buffer) => void socket.write(frameDns(other(bytes.subarray(2)))));
    });
    expect(await outcome(spec, stream.port)).toBe("bad-answer: answer to no question");
  });

  test("is down when the server closes, or sends noise", async () => {
    await using closing = await startServer((socket) => void socket.end("\0"));
    expect(await outcome(spec, closing.port)).toBe("closed: closed before an answer");
    const noisy = await startDatagrams(() => "no DNS");
    expect(await outcome(spec, noisy.port, { protocol: "udp" })).toBe("bad-answer: not DNS");
    noisy.close();
  });
});

describe("services that ask little", () => {
  test("none is always up, oracle needs a listener that answers", async () => {
    const port = await closedPort();
    expect(await outcome({ service: "none" }, port)).toBe("up");
    expect(await outcome({ service: "oracle" }, port)).toBe("refused: connect: ECONNREFUSED");
    await using server = await startAnswering(Uint8Array.of(0, 8, 0, 0, 4, 0, 0, 0));
    expect(await outcome({ service: "oracle" }, server.port)).toBe("up");
  });
});

test("a pattern that is none is said to be", async () => {
  const spec = { service: "udp", request: "x", receive: "(" } as const;
  expect(await outcome(spec, 9)).toBe("no-match: ( is no pattern of RE2");
});
