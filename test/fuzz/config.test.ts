/** The configuration, whatever is in its files: problems are told, and nothing else is thrown. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";

import * as fc from "fast-check";

import { ConfigError, diffConfig, explainConfig, parseConfig } from "../../src/config/index.ts";
import { formatProblem } from "../../src/config/problem.ts";
import { formatSection } from "../../src/config/toml.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

/** Parses; a text that is refused has problems that can be told in one line each. */
function check(text: string): void {
  try {
    const { config } = parseConfig(text, "a.toml");
    JSON.stringify(explainConfig(config));
    expect(diffConfig(config, config)).toEqual([]);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const problem of error.problems) {
      expect(problem.expected).not.toBe("");
      expect(problem.found).not.toBe("");
      expect(formatProblem(problem)).toMatch(/^a\.toml(:\d+)?: .*Expected .*, got ./);
      expect(formatProblem(problem)).not.toMatch(/[\n\r]/);
    }
  }
}

test("parseConfig() throws nothing but a ConfigError for any text", () => {
  const text = fc.string({ unit: "binary", maxLength: 200 });
  fc.assert(fc.property(text, check), { seed, numRuns });
});

const tokens = [
  ..."[ ] { } = . , # \" ' \\".split(" "),
  "\n",
  "\r",
  "\t",
  " ",
  "[[virtual_service]]\n",
  "[[real_server_group]]",
  "[defaults]\n",
  "[director]",
  "name",
  '"""',
  "'''",
  "real_servers",
  "check",
  "true",
  "inf",
  "nan",
  "-0",
  "0x1F",
  "1e400",
  "1979-05-27T07:32:00Z",
  "07:32:00",
  '"192.0.2.1:80"',
  "__proto__",
  "constructor",
  "\u0000",
  "\uFEFF",
  "\uD800",
];

test("parseConfig() throws nothing but a ConfigError for any tokens of TOML", () => {
  const text = fc.array(fc.constantFrom(...tokens), { maxLength: 60 });
  const property = fc.property(text, (parts) => check(parts.join("")));
  fc.assert(property, { seed, numRuns });
});

const folder = `${import.meta.dir}/../golden/config`;
const files = [`${folder}/valid`, `${folder}/broken`].flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => /\.(?:toml|in)$/.test(name))
    .map((name) => readFileSync(`${directory}/${name}`, "utf8")),
);

test("parseConfig() throws nothing but a ConfigError for a damaged file", () => {
  const damage = fc.record({
    file: fc.constantFrom(...files),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(40),
    put: fc.oneof(fc.constantFrom(...tokens), fc.string({ unit: "binary", maxLength: 5 })),
  });
  const property = fc.property(damage, ({ file, at, cut, put }) => {
    const offset = Math.floor(at * file.length);
    check(file.slice(0, offset) + put + file.slice(offset + cut));
  });
  fc.assert(property, { seed, numRuns });
});

test("parseConfig() takes no half of a file for the whole", () => {
  const file = files.find((text) => text.includes("write_token_file"))!;
  const whole = parseConfig(file, "a.toml").config;
  const property = fc.property(fc.nat(file.trimEnd().length - 1), (length) => {
    try {
      const { config } = parseConfig(file.slice(0, length), "a.toml");
      // Only a cut between two keys or tables leaves a file that means something, and not the same.
      expect(config).not.toEqual(whole);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
    }
  });
  fc.assert(property, { seed, numRuns });
});

/** Keys that exist, with values of any kind: gets past TOML and into the schemas. */
const keys = [
  ..."name listen fwmark protocol forwarding engine scheduler persistent".split(" "),
  ..."persistence_mask quiescent fallback check real_servers real_server_groups".split(" "),
  ..."quorum quorum_up on_service_up on_down connection_limit mtu allow deny".split(" "),
  ..."timeouts send_proxy accept_proxy_from source one_packet connection_log".split(" "),
  ..."type service request receive method statuses redirects verify interval".split(" "),
  ..."timeout rise fall fast_interval address weight upper_threshold ipv4".split(" "),
  ..."workers log_level vrid addresses key_file toString valueOf unknown".split(" "),
];
const leaf = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom("10s", "192.0.2.1:80", "[::1]:1-9", "192.0.2.0/24", "auto", "http", "negotiate"),
  fc.constantFrom("tcp", "udp", "gate", "rr", "off", "/bin/ok", "web1", "(?=x)", "keep", "v1"),
  fc.integer(),
  fc.nat(200),
  fc.boolean(),
);
const { value } = fc.letrec<{ value: unknown; table: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    tie("table"),
  ),
  table: fc.dictionary(fc.constantFrom(...keys), tie("value"), { maxKeys: 6 }),
}));
const headers = [
  "[director]",
  "[proxy]",
  "[status]",
  "[defaults]",
  "[peer]",
  "[[virtual_service]]",
  "[[real_server_group]]",
  "[[vrrp]]",
];
const table = fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 12 });

test("parseConfig() throws nothing but a ConfigError for any values", () => {
  const sections = fc.array(fc.tuple(fc.constantFrom(...headers), table), { maxLength: 6 });
  const property = fc.property(sections, (list) => {
    const text = list.map(([header, content]) => {
      return formatSection(header, content as Parameters<typeof formatSection>[1]);
    });
    check(text.join("\n"));
  });
  fc.assert(property, { seed, numRuns });
});
