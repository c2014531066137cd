/**
 * FTP against a server of a few lines: login, file, and everything that may go wrong.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { passivePort } from "../../../src/check/ftp.ts";
import { createCheckFactory } from "../../../src/check/index.ts";
import type { CheckFactory } from "../../../src/check/index.ts";
import { systemClock } from "../../../src/clock/index.ts";
import type { FtpCheckSpec } from "../../../src/model/index.ts";
import {
  checkTarget,
  closedPort,
  openDescriptors,
  serviceSpec,
  startServer,
} from "../../helpers/check-fixture.ts";
import { waitFor } from "../../helpers/wait.ts";

test.each([
  ["227 Entering Passive Mode (127,0,0,1,156,64).", 40_000],
  ["227 =127,0,0,1,0,21", 21],
  ["229 Entering Extended Passive Mode (|||40000|)", 40_000],
  ["229 (!!!1!)", 1],
  ["227 (127,0,0,1,0,0)", undefined],
  ["227 (127,0,0,1,300,0)", undefined],
  ["229 (|||99999|)", undefined],
  ["227 sure", undefined],
  ["", undefined],
])("passivePort() of %j is %p", (line, port) => {
  expect(passivePort(line)).toBe(port as never);
});

/** How a server answers a command; undefined: not at all. */
type Answers = Readonly<Record<string, string | undefined>>;

/** Starts an FTP server whose data connections are handled by `onData`. */
async function startFtp(
  answers: Answers,
  onData: (socket: Socket, say: (line: string) => void) => void,
) {
  const sockets = new Set<Socket>();
  let client: Socket | undefined;
  const data = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    onData(socket, (line) => void client?.write(`${line}\r\n`));
  });
  const ready = Promise.withResolvers<void>();
  data.listen(0, "127.0.0.1", ready.resolve);
  await ready.promise;
  const { port } = data.address() as AddressInfo;
  const commands: string[] = [];
  const all: Answers = {
    USER: "331 who?",
    PASS: "230 in",
    CWD: "250 here",
    TYPE: "200 binary",
    // The address is a lie, as behind address translation.
    PASV: `227 (192,0,2,1,${port >> 8},${port & 255})`,
    RETR: "150 comes\r\n226 done",
    QUIT: "221 bye",
    ...answers,
  };
  const control = await startServer((socket) => {
    client = socket;
    socket.write("220-hello\r\n220 ready\r\n");
    let rest = "";
    socket.on("data", (bytes) => {
      const lines = (rest + bytes.toString()).split("\r\n");
      rest = lines.pop()!;
      for (const line of lines) {
        commands.push(line);
        const answer = all[line.split(" ")[0]!];
        if (answer !== undefined) socket.write(`${answer}\r\n`);
      }
    });
  });
  return {
    port: control.port,
    commands,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await control[Symbol.asyncDispose]();
      data.close();
    },
  };
}

describe("an ftp check", () => {
  let factory: CheckFactory;
  beforeAll(() => {
    factory = createCheckFactory(systemClock, "nobody");
  });
  afterAll(() => factory.close());

  const spec: FtpCheckSpec = {
    service: "ftp",
    login: "eve",
    password: "secret",
    request: "/alive.txt",
    receive: "Test Page",
  };
  async function outcome(port: number, changes: Partial<FtpCheckSpec> = {}, timeoutMs = 3000) {
    const check = factory.create(serviceSpec({ ...spec, ...changes }), "tcp");
    const result = await check.run(checkTarget(port), timeoutMs);
    return result.up ? "up" : `${result.reason}: ${result.detail}`;
  }
  const page = (socket: Socket): void => void socket.end("a Test Page\n");

  test("logs in, fetches from the server's own address and takes its leave", async () => {
    await using server = await startFtp({}, page);
    expect(await outcome(server.port)).toBe("up");
    expect(server.commands).toEqual([
      "USER eve",
      "PASS secret",
      "CWD /",
      "TYPE I",
      "PASV",
      "RETR /alive.txt",
      "QUIT",
    ]);
  });

  test("needs no file", async () => {
    await using server = await startFtp({ CWD: "550 none of your business" }, page);
    expect(await outcome(server.port, { request: undefined, receive: undefined })).toBe("up");
    expect(server.commands).toEqual(["USER eve", "PASS secret", "QUIT"]);
  });

  test("is content with an empty file when nothing is looked for", async () => {
    await using server = await startFtp({}, (socket) => void socket.end());
    expect(await outcome(server.port, { receive: undefined })).toBe("up");
    expect(await outcome(server.port)).toBe("closed: closed before an answer");
  });

  test.each<[string, Answers, string]>([
    [
      "a wrong password",
      { PASS: "530 secret is wrong" },
      'bad-status: the login answered by "530 ******** is wrong"',
    ],
    [
      "no such file",
      { RETR: "550 no file" },
      'bad-status: RETR /alive.txt answered by "550 no file"',
    ],
    [
      "a broken transfer",
      { RETR: "150 -\r\n451 disk" },
      'bad-status: RETR /alive.txt answered by "451 disk"',
    ],
    ["no port", { PASV: "227 sure" }, 'bad-answer: not an answer to PASV: "227 sure"'],
    ["nonsense", { USER: "hello" }, 'bad-answer: not FTP: "an unnumbered reply"'],
  ])("is down with %s", async (_name, answers, expected) => {
    await using server = await startFtp(answers, (socket) => void socket.end("Maintenance"));
    expect(await outcome(server.port)).toBe(expected);
  });

  test("is down with another file", async () => {
    await using server = await startFtp({}, (socket) => void socket.end("Maintenance"));
    expect(await outcome(server.port)).toBe(
      "no-match: Test Page is not in the 11 bytes of the answer",
    );
  });

  test("reads no more than its bound of a file without end, and forgives the complaint", async () => {
    const answers = { RETR: "150 comes" };
    await using server = await startFtp(answers, (socket, say) => {
      socket.on("close", () => say("426 you hung up"));
      const part = Buffer.alloc(65_536, "a");
      const send = (): void => {
        while (!socket.destroyed && socket.write(part));
      };
      socket.on("drain", send);
      send();
    });
    expect(await outcome(server.port)).toBe("answer-too-long: no match in the first 65536 bytes");
  });

  test.each<[string, Answers]>([
    ["after the login", { PASS: undefined }],
    ["after the file", { RETR: "150 comes" }],
  ])(
    "a server that hangs %s is down at the deadline, and nothing stays open",
    async (_n, answers) => {
      // The first check of a process opens what all checks share.
      await outcome(await closedPort());
      const before = openDescriptors();
      {
        await using server = await startFtp(answers, () => undefined);
        expect(await outcome(server.port, {}, 100)).toBe(
          "timeout: no complete answer within 100 ms",
        );
      }
      await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
    },
  );

  test("a data port that refuses is the server's fault", async () => {
    const port = await closedPort();
    const answers = { PASV: `229 (|||${port}|)`, RETR: "150 -\r\n226 done" };
    await using server = await startFtp(answers, page);
    expect(await outcome(server.port)).toBe("refused: connect: ECONNREFUSED");
  });
});
