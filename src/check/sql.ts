/**
 * Checks of MySQL, MariaDB and PostgreSQL: login, one query, at least one row. The protocols are
 * Bun.SQL's; its connection goes through a relay of the check, as it has no deadline, bound or
 * PROXY header of its own. No TLS.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import { errorText } from "../errors/index.ts";
import type { SqlCheckSpec } from "../model/index.ts";
import type { Ask, ServiceCheckTools } from "./ask.ts";
import { remainingMs, timedOut } from "./connector.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { proxyHeader } from "./preface.ts";
import { openRelay } from "./relay.ts";
import type { Relay } from "./relay.ts";
import { gibberish, refusal } from "./script.ts";
import type { StreamEnd } from "./stream.ts";

/** Bytes of everything the real server says. A row of a check has a few. */
export const sqlBytesMax = 256 * 1024;

/** Ends a session: COM_QUIT of MySQL, Terminate of PostgreSQL. Otherwise their logs fill. */
const goodbyes = {
  mysql: Uint8Array.of(1, 0, 0, 0, 1),
  pgsql: Uint8Array.of(0x58, 0, 0, 0, 4),
} as const;

/** Values of the rows as text. */
export function rowTexts(result: unknown): readonly (readonly string[])[] {
  // Several statements give a result each.
  const rows: readonly unknown[] = Array.isArray(result) ? result.flat() : [];
  return rows.map((row) => {
    if (typeof row !== "object" || row === null) return [];
    return Object.values(row).map((value) =>
      value instanceof Date ? value.toISOString() : String(value),
    );
  });
}

/** Judges the rows; undefined: up. */
export function judgeRows(
  { request, receive }: Pick<SqlCheckSpec, "request" | "receive">,
  rows: readonly (readonly string[])[],
  pattern: RE2JS | undefined,
): Failure | undefined {
  if (rows.length === 0) return { reason: "no-match", detail: printable(`no row for ${request}`) };
  if (pattern === undefined || rows.some((row) => row.some((text) => pattern.test(text)))) {
    return undefined;
  }
  return { reason: "no-match", detail: printable(`${receive} is in none of ${rows.length} rows`) };
}

/** How a session ended: its rows, or what the library says went wrong. */
type Outcome = { readonly rows: readonly (readonly string[])[] } | { readonly error: unknown };

interface Session {
  readonly outcome: Promise<Outcome>;
  hasLogin(): boolean;
  close(): Promise<void>;
}

/** Starts login and query. Every setting is given: the library would look into its environment. */
function startSession(spec: SqlCheckSpec, { hostname, port }: Relay): Session {
  const failed = Promise.withResolvers<Outcome>();
  let hasLogin = false;
  const sql = new Bun.SQL({
    adapter: spec.service === "mysql" ? "mariadb" : "postgres",
    hostname,
    port,
    username: spec.login,
    password: spec.password,
    database: spec.database ?? (spec.service === "mysql" ? "" : spec.login),
    tls: false,
    max: 1,
    // The deadline is the check's.
    connectionTimeout: 0,
    idleTimeout: 0,
    onconnect: () => (hasLogin = true),
    // Comes before the library tries again.
    onclose: (error) => failed.resolve({ error }),
  });
  const asked = sql.unsafe(spec.request).then(
    (result: unknown) => ({ rows: rowTexts(result) }),
    (error: unknown) => ({ error }),
  );
  return {
    outcome: Promise.race([asked, failed.promise]),
    hasLogin: () => hasLogin,
    close: () => sql.close({ timeout: 0 }),
  };
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** What went wrong: the real server's words, else how its connection ended. */
function judgeError(
  error: unknown,
  end: StreamEnd | undefined,
  {
    service,
    password,
    what,
  }: Pick<SqlCheckSpec, "service" | "password"> & { readonly what: string },
): Failure {
  const text = errorText(error);
  if (codeOf(error).endsWith("_SERVER_ERROR")) return refusal(what, text, password);
  if (typeof end === "object") return end;
  if (end !== undefined) return { reason: "closed", detail: `closed before ${what} was over` };
  return gibberish(service, text, password);
}

/** Asks the real server behind an open relay. */
async function askThrough(
  relay: Relay,
  spec: SqlCheckSpec,
  pattern: RE2JS | undefined,
): Promise<Failure | undefined> {
  const session = startSession(spec, relay);
  let end: StreamEnd | undefined;
  const broken = relay.ended.then((found): Promise<Outcome> | Outcome => {
    end = found;
    // What a server said before it closed is still on its way through the library.
    return found === "closed" ? session.outcome : { error: new Error("no connection") };
  });
  const outcome = await Promise.race([session.outcome, broken]);
  const what = session.hasLogin() ? "the query" : "the login";
  if (session.hasLogin()) relay.sayLast(goodbyes[spec.service]);
  session.close().catch(() => undefined);
  if (relay.isCut()) {
    return { reason: "answer-too-long", detail: `an answer exceeds ${sqlBytesMax} bytes` };
  }
  if ("rows" in outcome) {
    // The real server hangs up after the good-bye; one that does not is no worse for it.
    await relay.ended;
    return judgeRows(spec, outcome.rows, pattern);
  }
  return judgeError(outcome.error, end, { ...spec, what });
}

/** Logs in and asks. */
export function askSql({ clock, connector }: ServiceCheckTools, spec: SqlCheckSpec): Ask {
  return async ({ target, destination, deadline, pattern }) => {
    const relay = await openRelay(clock, connector, {
      destination,
      deadline,
      preface: proxyHeader(target.sendProxy),
      answerBytesMax: sqlBytesMax,
    });
    if ("reason" in relay) return relay;
    const late = Promise.withResolvers<Failure>();
    const timer = clock.after(remainingMs(clock, deadline), () =>
      late.resolve(timedOut("no complete answer", deadline)),
    );
    try {
      return await Promise.race([askThrough(relay, spec, pattern), late.promise]);
    } finally {
      timer.cancel();
      relay.close();
    }
  };
}
