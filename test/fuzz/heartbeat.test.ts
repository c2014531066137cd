/** importHeartbeat(), whatever is in the files: it ends, throws nothing, and writes TOML. */
import { expect, test } from "bun:test";

import * as fc from "fast-check";
import { parse } from "smol-toml";

import { importHeartbeat } from "../../src/config/import/heartbeat/index.ts";
import type { HeartbeatHost } from "../../src/config/import/heartbeat/index.ts";
import { keyTextOfAuthkeys } from "../../src/peer/authkeys.ts";
import { parseKeys } from "../../src/peer/index.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

interface Texts {
  readonly haCf: string;
  readonly haresources: string;
  readonly authkeys: string;
}

const host: HeartbeatHost = {
  nodeName: "lb1",
  hosts: "192.0.2.2 lb2\n",
  networks: [{ interface: "eth0", address: "192.0.2.1", prefixBits: 24 }],
};

function translate({ haCf, haresources, authkeys }: Texts, more: Partial<HeartbeatHost> = {}) {
  return importHeartbeat(
    {
      haCf: { file: "ha.cf", text: haCf },
      haresources: { file: "haresources", text: haresources },
      authkeys: { file: "authkeys", text: authkeys, mode: 0o600 },
    },
    { ...host, ...more },
  );
}

function check(texts: Texts, more?: Partial<HeartbeatHost>): void {
  const { toml, keyText, warnings, problems } = translate(texts, more);
  parse(toml);
  if (keyText !== undefined) expect(parseKeys(keyText).ok).toBe(true);
  const lines = Object.values(texts).map((text) => text.split("\n").length);
  for (const { file, line, message } of [...warnings, ...problems]) {
    expect(file).toBeOneOf(["ha.cf", "haresources", "authkeys", "any.cf"]);
    expect(line).toBeWithin(0, Math.max(...lines) + 2);
    expect(message).not.toBe("");
    expect(message).not.toMatch(/[\n\r]/);
  }
  expect(warnings.length).toBeLessThanOrEqual(2001);
}

/** Bytes as the reader of files decodes what is no UTF-8. */
const bytes = fc.uint8Array({ maxLength: 300 }).map((one) => new TextDecoder("latin1").decode(one));
const anything = fc.oneof(bytes, fc.string({ unit: "binary", maxLength: 300 }));

test("importHeartbeat() takes any bytes", () => {
  const texts = fc.record({ haCf: anything, haresources: anything, authkeys: anything });
  fc.assert(
    fc.property(texts, (one) => check(one)),
    { seed, numRuns },
  );
});

const shared = "lb1 lb2 lb3 192.0.2.100 2001:db8::1 # \\ \n \n \n = :: / __proto__ constructor";
const haCfWords =
  `${shared} keepalive deadtime initdead 1 0 -1 2.5 500ms 9us 99999999999 bcast mcast ucast ucast6 ` +
  "eth0 eth1 node auto_failback on off legacy nice_failback ping ping_group deadping respawn " +
  "hacluster /usr/lib/heartbeat/ipfail crm yes autojoin any watchdog serial include foo";
const haresourcesWords =
  `${shared} 192.0.2.100/24 192.0.2.101/24/eth0 192.0.2.102//8/eth0:1 IPaddr::192.0.2.103/99 ` +
  "IPaddr2::192.0.2.104/24/eth1/192.0.2.255 IPv6addr::2001:db8::5/64 IPaddr ldirectord::any.cf " +
  "ldirectord LVSSyncDaemonSwap::backup db Filesystem::/dev/x::/y ::: <% {{ }}";
const authkeysWords = `${shared} auth 1 2 3 16 md5 sha1 crc secret #secret`;

/** Rows of a file's own words. */
function rowOf(words: string) {
  const list = words.split(" ");
  return fc.array(fc.constantFrom(...list), { maxLength: 60 }).map((parts) => parts.join(" "));
}

const rows = fc.record({
  haCf: rowOf(haCfWords),
  haresources: rowOf(haresourcesWords),
  authkeys: rowOf(authkeysWords),
});

test("importHeartbeat() takes any row of its own words", () => {
  fc.assert(
    fc.property(rows, (one) => check(one)),
    { seed, numRuns },
  );
});

test("importHeartbeat() writes the keys that a director takes from authkeys itself", () => {
  const keyLine = fc.constantFrom(
    "1 md5 a",
    "2 sha1 b",
    "3 md5 c",
    "3 crc",
    "2 md5 a",
    "# 1 md5 x",
  );
  const text = fc
    .tuple(fc.constantFrom("auth 1", "auth 2", "auth 3"), fc.array(keyLine, { maxLength: 6 }))
    .map(([auth, keys]) => [auth, ...keys, ""].join("\n"));
  fc.assert(
    fc.property(text, (authkeys) => {
      const haresources = "lb1 192.0.2.100/24/eth0\n";
      const { keyText, problems } = translate({ haCf: "bcast eth0\n", haresources, authkeys });
      if (problems.length === 0) expect(keyTextOfAuthkeys(authkeys)).toBe(keyText);
    }),
    { seed, numRuns },
  );
});

test("importHeartbeat() takes any ldirectord.cf that haresources names", () => {
  const text = fc.oneof(
    anything,
    fc.constant("virtual=192.0.2.100:80\n\treal=192.0.2.9:80 masq\n"),
  );
  fc.assert(
    fc.property(text, (one) => {
      const haresources = "lb1 ldirectord::any.cf 192.0.2.100/24/eth0\n";
      const texts = { haCf: "bcast eth0\n", haresources, authkeys: one };
      check(texts, { readLdirectordFile: () => ({ file: "any.cf", text: one }) });
    }),
    { seed, numRuns: Math.min(numRuns, 100) },
  );
});

test("importHeartbeat() gives two nodes the same but for what is their own", () => {
  fc.assert(
    fc.property(rows, (one) => {
      const tables = ["lb1", "lb2"].map((nodeName) => {
        const { toml, keyText } = translate(one, { nodeName, hosts: "", networks: [] });
        const routers = (parse(toml)["vrrp"] ?? []) as Record<string, unknown>[];
        return [keyText, routers.map((router) => ({ ...router, priority: 0 }))];
      });
      expect(tables[0]).toEqual(tables[1]);
    }),
    { seed, numRuns: Math.min(numRuns, 100) },
  );
});

/** Work grows with the text: eight times as much takes by far less than sixty-four times as long. */
test.each([
  ["haresources", "lines", "lb1 192.0.2.1/24/eth0\n"],
  ["haresources", "words of one line", "x "],
  ["haresources", "continued lines", "x \\\n"],
  ["haresources", "slashes", "192.0.2.1//"],
  ["haresources", "colons", "::a"],
  ["haCf", "nodes", "node a b c\n"],
  ["haCf", "unknown directives", "foo 1\n"],
  ["haCf", "peers", "ucast eth0 192.0.2.9\n"],
  ["haCf", "pings", "ping 192.0.2.9\n"],
  ["authkeys", "keys", "1 md5 x\n"],
] as const)("importHeartbeat() takes %s with many %s in linear time", (name, _, unit) => {
  const plain: Texts = { haCf: "bcast eth0\nnode lb1 lb2\n", haresources: "", authkeys: "" };
  const timed = (count: number): number => {
    const start = performance.now();
    translate({ ...plain, [name]: unit.repeat(count) });
    return performance.now() - start;
  };
  timed(500);
  const short = Math.max(timed(1000), 2);
  expect(timed(8000) / short).toBeLessThan(40);
});
