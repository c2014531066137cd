/**
 * The checks mysql and pgsql against MariaDB and PostgreSQL, and against servers that break off.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";

import type { SqlCheckSpec } from "../../src/model/index.ts";
import { askOnce, askStopped } from "../helpers/check-asker.ts";
import { closedPort, openDescriptors, startServer } from "../helpers/check-fixture.ts";
import { peerDatabase, startMariadb, startPostgres } from "../helpers/database-peer.ts";
import { requireAll, requirePeer, requireRoot } from "../helpers/require-peer.ts";
import { peerUser } from "../helpers/service-peer.ts";
import type { ServicePeer } from "../helpers/service-peer.ts";
import { waitFor } from "../helpers/wait.ts";

// Real servers start slowly on a busy machine, and that counts as part of a hook.
setDefaultTimeout(60_000);

function specOf(service: "mysql" | "pgsql", changes: Partial<SqlCheckSpec> = {}): SqlCheckSpec {
  const request = "SELECT * FROM alive";
  return { service, ...peerUser, database: peerDatabase, request, receive: undefined, ...changes };
}

const answers: readonly (readonly [string, Partial<SqlCheckSpec>, string])[] = [
  ["a row", {}, "up"],
  ["a row that matches", { receive: "^Test Page$" }, "up"],
  ["a row with a number that matches", { receive: "^7$" }, "up"],
  [
    "a row that does not match",
    { receive: "Maintenance" },
    "no-match: Maintenance is in none of 1 rows",
  ],
  ["no row", { request: "SELECT * FROM empty" }, "no-match: no row for SELECT * FROM empty"],
  [
    "a row larger than its bound",
    { request: "SELECT REPEAT('a', 3000000)" },
    "answer-too-long: an answer exceeds 262144 bytes",
  ],
];

/** What every database is asked. `sleep` is its query that lasts. */
function describeDatabase(
  service: "mysql" | "pgsql",
  start: () => Promise<ServicePeer>,
  expected: { readonly table: string; readonly login: string; readonly sleep: string },
): void {
  let peer: ServicePeer;
  beforeAll(async () => {
    peer = await start();
  });
  afterAll(() => peer[Symbol.asyncDispose]());
  const ask = (changes: Partial<SqlCheckSpec> = {}): Promise<string> =>
    askOnce(specOf(service, changes), peer.ports[0]!);

  test.each(answers)("with %s", async (_name, changes, outcome) => {
    expect(await ask(changes)).toBe(outcome);
  });

  test("refuses a query, a password and a database in its own words", async () => {
    const query = { request: "SELECT * FROM none" };
    expect(await ask(query)).toBe(`bad-status: the query answered by "${expected.table}"`);
    const login = `bad-status: the login answered by "${expected.login}"`;
    expect(await ask({ password: "wrong" })).toBe(login);
    expect(await ask({ database: "none" })).toStartWith("bad-status: the login answered by ");
  });

  test("that thinks for too long is down at the deadline", async () => {
    const spec = specOf(service, { request: expected.sleep });
    expect(await askOnce(spec, peer.ports[0]!, { timeoutMs: 300 })).toBe(
      "timeout: no complete answer within 300 ms",
    );
  });

  test("that is stopped is down at the deadline", async () => {
    expect(await askStopped(peer, specOf(service))).toStartWith("timeout: ");
  });

  test("sees each session end in order", async () => {
    // One of its own: in the other, broken sessions may end just now.
    await using quiet = await start();
    const before = quiet.process.output().length;
    for (let count = 0; count < 5; count++) {
      expect(await askOnce(specOf(service), quiet.ports[0]!)).toBe("up");
    }
    await quiet[Symbol.asyncDispose]();
    const written = quiet.process.output().slice(before);
    expect(written).toMatch(/shut ?down/i);
    expect(written).not.toMatch(/Aborted connection|unexpected EOF|could not receive/);
  });

  test("gets one connection a check, and has none left", async () => {
    const before = openDescriptors();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => ask()));
    expect(new Set(outcomes)).toEqual(new Set(["up"]));
    await waitFor(() => openDescriptors() <= before, { what: "descriptors to be closed" });
  });
}

const mariadb = requireAll(requirePeer("mariadbd"), requireRoot());
describe.skipIf(mariadb.skip)("mariadbd", () => {
  describeDatabase("mysql", startMariadb, {
    table: "Table 'app.none' doesn't exist",
    login: "Access denied for user 'eve'@'127.0.0.1' (using password: YES)",
    sleep: "SELECT SLEEP(5)",
  });
});

const postgres = requireAll(requirePeer("pg_ctlcluster", "setpriv"), requireRoot());
describe.skipIf(postgres.skip)("postgres", () => {
  describeDatabase("pgsql", startPostgres, {
    table: 'relation "none" does not exist',
    login: 'password authentication failed for user "eve"',
    sleep: "SELECT pg_sleep(5)",
  });
});

describe.each(["mysql", "pgsql"] as const)("%s of a server", (service) => {
  test("that nobody runs is refused", async () => {
    const outcome = await askOnce(specOf(service), await closedPort());
    expect(outcome).toBe("refused: connect: ECONNREFUSED");
  });

  test("that hangs up is asked once", async () => {
    await using server = await startServer((socket) => void socket.end());
    expect(await askOnce(specOf(service), server.port)).toStartWith("closed: ");
    expect(server.accepted()).toBe(1);
  });

  test("that sends without end is cut off", async () => {
    await using server = await startServer((socket) => {
      const part = Buffer.alloc(64 * 1024, "N");
      const send = (): void => {
        while (!socket.destroyed && socket.write(part));
      };
      socket.on("drain", send);
      send();
    });
    expect(await askOnce(specOf(service), server.port)).toBe(
      "answer-too-long: an answer exceeds 262144 bytes",
    );
  });

  test("that speaks HTTP is no database", async () => {
    await using server = await startServer((socket) => {
      socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const outcome = await askOnce(specOf(service), server.port, { timeoutMs: 300 });
    expect(outcome).toMatch(/^(?:timeout|bad-answer|closed): /);
  });

  test("gets the PROXY header first", async () => {
    const heard = Promise.withResolvers<string>();
    await using server = await startServer((socket) => {
      socket.once("data", (bytes) => {
        heard.resolve(bytes.toString("latin1"));
        socket.end();
      });
    });
    await askOnce(specOf(service), server.port, { sendProxy: "v1" });
    expect(await heard.promise).toStartWith("PROXY UNKNOWN\r\n");
  });
});
