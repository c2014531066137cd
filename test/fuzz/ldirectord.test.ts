/** The reader of ldirectord.cf, whatever is in the file: an answer, and in bounded time. */
import { expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  importFile,
  parseLdirectord,
  readLdirectord,
  toNative,
} from "../../src/config/import/index.ts";
import { parseConfig, validate } from "../../src/config/parse.ts";
import type { LoadedConfig } from "../../src/config/parse.ts";
import { ConfigError, formatProblem, formatWarning } from "../../src/config/problem.ts";
import { createReport } from "../../src/config/report.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

/** Reads; what is refused has problems in one line each, what is not can be written. */
function check(text: string): void {
  const { ok, config, problems, warnings } = parseLdirectord(text, "a.cf");
  expect(ok).toBe(problems.length === 0);
  for (const problem of problems) {
    expect(formatProblem(problem)).toMatch(/^a\.cf:\d+: .*Expected .*, got ./);
    expect(formatProblem(problem)).not.toMatch(/[\n\r]/);
  }
  for (const warning of warnings) expect(formatWarning(warning)).toMatch(/^a\.cf:\d+: \S/);
  if (ok) {
    const { toml } = toNative(config);
    expect(toml.match(/^\[\[virtual_service\]\]$/gm)?.length ?? 0).toBe(config.virtuals.length);
    expect(outcomeOf(() => runDirectly(text))).toEqual(outcomeOf(() => parseConfig(toml, "a.cf")));
  }
}

/** The configuration of a director that runs from the file itself. */
function runDirectly(text: string): LoadedConfig {
  const { document, ...findings } = readLdirectord({ text, file: "a.cf" }, {});
  const report = createReport();
  report.foreign(findings);
  return validate([document], { cores: 1 }, report);
}

/** The configuration, or how many faults it has; anything else is thrown. */
function outcomeOf(load: () => LoadedConfig) {
  try {
    return load().config;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.length;
  }
}

test("parseLdirectord() answers for any text", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(fc.property(text, check), { seed, numRuns });
});

test("importFile() answers for any bytes read as text", () => {
  const bytes = fc.uint8Array({ maxLength: 200 });
  const property = fc.property(bytes, (one) => {
    const result = importFile(new TextDecoder("latin1").decode(one), "a.cf");
    expect(typeof result.ok).toBe("boolean");
  });
  fc.assert(property, { seed, numRuns });
});

const keys = [
  ..."virtual virtual6 real real6 fallback fallback6 checktype service protocol".split(" "),
  ..."checkcommand checktimeout checkcount checkport request receive virtualhost".split(" "),
  ..."scheduler persistent netmask quiescent login passwd ops autoreload supervised".split(" "),
];
const values = [
  "\u2028",
  ..."192.0.2.1:80 192.0.2.1 7 [2001:db8::1]:80 a->b:80 192.0.2.1->192.0.2.9:80".split(" "),
  ..."yes no 0 -1 99999999999999 tcp udp fwm http none connect negotiate gate masq".split(" "),
  ...'"x" " # -> :: l:1 u:2 255.255.255.0 é'.split(" "),
];
const line = fc
  .tuple(
    fc.constantFrom("", "\t", "    ", "     ", "   ", "#"),
    fc.constantFrom(...keys),
    fc.constantFrom("=", " = ", ""),
    fc.array(fc.constantFrom(...values), { maxLength: 5 }),
    fc.constantFrom("\n", "\r\n", "\n\n", " \n"),
  )
  .map(([indent, key, equals, words, end]) => `${indent}${key}${equals}${words.join(" ")}${end}`);

test("parseLdirectord() answers for texts of its own words", () => {
  const text = fc.array(line, { maxLength: 20 }).map((lines) => lines.join(""));
  fc.assert(fc.property(text, check), { seed, numRuns });
});

const member = fc.constantFrom(
  "real=192.0.2.11:80 masq 2",
  "real=192.0.2.12 gate",
  'real=192.0.2.13:81 ipip "/a" "b" l:3 u:2',
  "checktype=connect",
  "checktype=7",
  "checktype=external-perl",
  "service=dns",
  "service=oracle",
  'request="\\u0000 é"',
  'receive="(?=x)["',
  "protocol=udp",
  "ops=yes",
  "persistent=999999999",
  "scheduler=zz",
  "fallback=name.example:9 ipip",
  "fallbackcommand=relative path",
  "virtualhost=\u0001 x",
  "servicename=\u0007bell",
  "failurecount=99999",
);

test("toNative() writes whatever was accepted", () => {
  const text = fc
    .array(member, { maxLength: 8 })
    .map((members) => `virtual=192.0.2.1:80\n${members.map((one) => `\t${one}\n`).join("")}`);
  fc.assert(fc.property(text, check), { seed, numRuns });
});

/** CPU time that a reading takes, ms. */
function cpuMs(text: string): number {
  const before = process.cpuUsage();
  parseLdirectord(text, "a.cf");
  return process.cpuUsage(before).user / 1000;
}

test.each([
  ["unknown lines", "", "foo\n"],
  ["virtual services", "", "virtual=192.0.2.1:80\n"],
  ["arrows", "virtual=1\n\treal=", "a->"],
  ["quotes", "virtual=1\n\treal=192.0.2.1 gate ", '"'],
  ["blanks", "virtual=1\n\treal=192.0.2.1", " "],
  ["digits", "virtual=", "1"],
])("parseLdirectord() reads many %s in linear time", (_, head, repeated) => {
  const textOf = (count: number): string => `${head}${repeated.repeat(count)}x\n`;
  cpuMs(textOf(1000));
  // Sixteen times the text: a quadratic reader takes 256 times as long.
  const short = Math.max(cpuMs(textOf(12_500)), 1);
  expect(cpuMs(textOf(200_000)) / short).toBeLessThan(100);
});
