/** importKeepalived(), whatever is in the file: it ends, throws nothing, and writes TOML. */
import { expect, test } from "bun:test";

import * as fc from "fast-check";
import { parse } from "smol-toml";

import { importKeepalived } from "../../src/config/import/keepalived/index.ts";
import type { ReadInclude } from "../../src/config/import/keepalived/index.ts";

/** Seed of this run; a failure prints it, `FUZZ_SEED=… bun test test/fuzz` repeats it. */
const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

function check(text: string, readInclude?: ReadInclude): void {
  const { toml, warnings, problems } = importKeepalived(text, "a.conf", readInclude);
  parse(toml);
  const lines = text.split("\n").length;
  for (const { file, line, message } of [...warnings, ...problems]) {
    expect(file).toBe("a.conf");
    expect(line).toBeWithin(0, lines + 1);
    expect(message).not.toBe("");
    expect(message).not.toMatch(/[\n\r]/);
  }
  expect(warnings.length).toBeLessThanOrEqual(2001);
}

test("importKeepalived() takes any text", () => {
  const text = fc.string({ unit: "binary", maxLength: 300 });
  fc.assert(
    fc.property(text, (one) => check(one)),
    { seed, numRuns },
  );
});

const words = [
  ..."{ } \n # ! \" ' \\ $ $A= ${A} ${B:-1} @one @^two 0 1 80 -1 1.5 99999999999 /bin/x".split(" "),
  ..."192.0.2.1 192.0.2.1-9 2001:db8::1 192.0.2.0/24 fwmark group UDP DR NAT BACKUP".split(" "),
  ..."__proto__ constructor toString include path digest regex status_code dev label".split(" "),
  "\n",
  "{\n",
  "\n}\n",
  "\nglobal_defs {\n",
  "\nvrrp_instance A {\n",
  "\nvrrp_sync_group A {\n",
  "\nvrrp_script A {\n",
  "\nvirtual_server_group A {\n",
  "\nvirtual_server group A {\n",
  "\nvirtual_server 192.0.2.100 80 {\n",
  "\nvirtual_server fwmark 1 {\n",
  "\nreal_server 192.0.2.11 80 {\n",
  "\nsorry_server 192.0.2.12 80\n",
  "\nvirtual_ipaddress {\n",
  "\ntrack_script {\n",
  "\nvirtual_router_id 7\n",
  "\nTCP_CHECK {\n",
  "\nHTTP_GET {\nurl {\n",
  "\nMISC_CHECK {\nmisc_path ",
  "\npersistence_timeout ",
  "\npersistence_granularity ",
  "\nquorum ",
  "\nweight ",
  "\ndelay_loop ",
];

test("importKeepalived() takes any row of its own words", () => {
  const row = fc.array(fc.constantFrom(...words), { maxLength: 80 });
  fc.assert(
    fc.property(row, (parts) => check(parts.join(" "))),
    { seed, numRuns },
  );
});

test("importKeepalived() ends for files that include each other", () => {
  const row = fc.array(fc.constantFrom("include a\n", "a {\n", "}\n", "$A=$A$A\n", "x $A\n"), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(row, (parts) => {
      const text = parts.join("");
      check(text, () => [{ file: "a.conf", text }]);
    }),
    { seed, numRuns: Math.min(numRuns, 100) },
  );
});

/** Work grows with the text: eight times as much takes by far less than sixty-four times as long. */
test.each([
  ["services", "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}\n"],
  ["braces", "{"],
  ["closing braces", "}"],
  ["words", "a "],
  ["quotes", '"a'],
  ["references", "${A"],
  ["continued lines", "a \\\n"],
  ["definitions", "$A=$A$A$A\nx $A\n"],
])("importKeepalived() takes many %s in linear time", (_, unit) => {
  const timed = (count: number): number => {
    const text = unit.repeat(count);
    const start = performance.now();
    importKeepalived(text, "a.conf");
    return performance.now() - start;
  };
  timed(500);
  const short = Math.max(timed(1000), 2);
  expect(timed(8000) / short).toBeLessThan(40);
});
