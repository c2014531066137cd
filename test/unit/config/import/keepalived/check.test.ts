/** What the checks of one real server become; the last of the lines given is the last of a check. */
import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import {
  alwaysUp,
  checkKeywords,
  translateChecks,
} from "../../../../../src/config/import/keepalived/check.ts";
import { importKeepalived } from "../../../../../src/config/import/keepalived/index.ts";
import {
  formatTiming,
  timingHandlers,
} from "../../../../../src/config/import/keepalived/timing.ts";
import { readTree } from "../../../../../src/config/import/keepalived/tree.ts";
import { createNotes } from "../../../../../src/config/import/notes.ts";

/** Translates checks of a server on port 80, checked each 10 s unless they say something else. */
function check(text: string) {
  const notes = createNotes();
  const context = { notes, timing: { intervalMs: 10_000 }, virtualHost: "vs", port: 80 };
  const table = translateChecks(readTree({ file: "a", text }, notes), context);
  const { warnings } = notes.finish("a");
  return {
    table: JSON.parse(JSON.stringify(table)) as object,
    notes: warnings.map(({ line, message }) => `${line}: ${message}`),
  };
}

const seldom = { interval: "10s", timeout: "5s", fall: 2, fast_interval: "1s" };
const often = { interval: "10s", timeout: "5s", fall: 4, fast_interval: "3s" };
const http = { type: "negotiate", service: "http", virtual_host: "vs", ...often };

describe("translateChecks()", () => {
  test.each<[string, object]>([
    ["", alwaysUp],
    ["TCP_CHECK {\n}", { type: "connect", ...seldom }],
    ["TCP_CHECK {\nconnect_port 80\n}", { type: "connect", ...seldom }],
    ["TCP_CHECK {\nconnect_port 81\n}", { type: "connect", port: 81, ...seldom }],
    [
      "TCP_CHECK {\nconnect_timeout 0.5\nretry 0\ndelay_loop 2\n}",
      { type: "connect", interval: "2s", timeout: "500ms", fall: 1, fast_interval: "1s" },
    ],
    [
      "TCP_CHECK {\nnb_get_retry 4\ndelay_before_retry 2\nalpha\n}",
      { type: "connect", ...seldom, fall: 5, fast_interval: "2s" },
    ],
    ["PING_CHECK {\n}", { type: "ping", ...seldom }],
    [
      "SMTP_CHECK {\nhost {\nconnect_port 25\n}\n}",
      { type: "negotiate", service: "smtp", port: 25, ...seldom },
    ],
    ["UDP_CHECK {\n}", { type: "negotiate", service: "udp", ...seldom }],
    [
      "DNS_CHECK {\nname example.com\n}",
      { type: "negotiate", service: "dns", request: "example.com", ...seldom, fall: 4 },
    ],
    ["HTTP_GET {\nurl {\npath /a?b=1\n}\n}", { ...http, request: "/a?b=1" }],
    ["HTTP_GET {\nvirtualhost own\n}", { ...http, virtual_host: "own" }],
    [
      "SSL_GET {\nenable_sni\nurl {\npath /\nstatus_code 200\nvirtualhost url\n}\n}",
      { ...http, service: "https", request: "/", statuses: [200], virtual_host: "url" },
    ],
    [
      "HTTP_GET {\nurl {\nstatus_code 200-299 301\nregex ok+\n}\n}",
      { ...http, statuses: ["200-299", 301], receive: "ok+" },
    ],
    [
      "MISC_CHECK {\nmisc_path \"/bin/ok 'a b'\"\n}",
      {
        type: "external",
        command: ["/bin/sh", "-c", "exec /bin/ok 'a b'"],
        interval: "10s",
        timeout: "10s",
        fall: 1,
        fast_interval: "1s",
      },
    ],
    [
      "MISC_CHECK {\nmisc_path /bin/ok\nmisc_timeout 3\n}",
      {
        type: "external",
        command: ["/bin/sh", "-c", "exec /bin/ok"],
        interval: "10s",
        timeout: "3s",
        fall: 1,
        fast_interval: "1s",
      },
    ],
  ])("translates %p without a word", (text, table) => {
    expect(check(text)).toEqual({ table, notes: [] });
  });

  test.each<[string, object, string]>([
    [
      "HTTP_GET {\nurl {\npath /\ndigest 00\n}\n}",
      { request: "/" },
      '4: "digest" of url is left out: pages are compared with a pattern; use receive',
    ],
    [
      "HTTP_GET {\nurl {\npath /a\n}\nurl {\npath /b\n}\n}",
      { request: "/a" },
      "5: url is left out: a check asks for one page here",
    ],
    ["HTTP_GET {\nurl {\npath x\n}\n}", http, '3: path is left out: "x" is no path'],
    [
      "HTTP_GET {\nurl {\nstatus_code 2xx\n}\n}",
      http,
      '3: status_code "2xx" is left out: it is no status',
    ],
    [
      "HTTP_GET {\nurl {\nregex (?=a)\n}\n}",
      http,
      "3: regex is left out: look-around is not possible in linear time",
    ],
    [
      "TCP_CHECK {\ndelay_before_retry 60\n}",
      { fast_interval: "10s" },
      "1: delay_before_retry of 1m is longer than delay_loop: failures are followed up after 10s",
    ],
    [
      "TCP_CHECK {\nwarmup 1\n}",
      seldom,
      '2: "warmup" of TCP_CHECK is left out: checks are spread over their interval by themselves',
    ],
    [
      "MISC_CHECK {\n}",
      { type: "connect" },
      "1: MISC_CHECK has no program: the check is a connect instead",
    ],
    [
      "BFD_CHECK {\n}",
      { type: "connect" },
      "1: BFD_CHECK has no equal here: the check is a connect instead",
    ],
    [
      "DNS_CHECK {\ntype MX\n}",
      { service: "dns" },
      '2: "type" of DNS_CHECK is left out: it is unknown or has no equal here',
    ],
    [
      "TCP_CHECK {\n}\nHTTP_GET {\n}",
      http,
      "1: TCP_CHECK is left out: a real server has one check here, and it is the HTTP_GET of line 3",
    ],
  ])("warns of %p", (text, table, note) => {
    const found = check(text);
    expect(found.table).toMatchObject(table);
    expect(found.notes).toEqual([note]);
  });

  test.each([...checkKeywords])("%s is a check of a real server", (keyword) => {
    const text = `virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n${keyword} {\n}\n}\n}`;
    const { virtual_service: [service] = [] } = parse(importKeepalived(text, "a").toml) as {
      virtual_service?: { check: { type: string } }[];
    };
    expect(service?.check.type).not.toBe("on");
  });
});

describe("timing", () => {
  test("of the virtual server holds for servers and checks, the nearest one wins", () => {
    const text =
      "virtual_server 192.0.2.1 80 {\ndelay_loop 6\nretry 9\n" +
      "real_server 192.0.2.2 80 {\nretry 7\nTCP_CHECK {\ndelay_before_retry 2\n}\n}\n}";
    expect(importKeepalived(text, "a").toml).toContain(
      '{ type = "connect", interval = "6s", timeout = "5s", fall = 8, fast_interval = "2s" }',
    );
  });

  test("formatTiming() checks each minute, as keepalived, if nothing is written", () => {
    const warn = (message: string): never => {
      throw new Error(message);
    };
    expect(formatTiming({}, undefined, { retries: 1, retryDelayMs: 1000, warn })).toEqual({
      interval: "1m",
      timeout: "1m",
      fall: 2,
      fast_interval: "1s",
    });
  });

  test("timingHandlers() keeps what it has after a fault", () => {
    const notes = createNotes();
    const timing = { intervalMs: 5000 };
    const line = { file: "a", line: 1, words: ["delay_loop", "x"], block: undefined };
    timingHandlers(timing, notes)["delay_loop"]?.(line);
    expect(timing).toEqual({ intervalMs: 5000 });
    expect(notes.finish("a").warnings).toHaveLength(1);
  });
});
