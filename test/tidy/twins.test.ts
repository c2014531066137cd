/**
 * Tests mirror the source: `src/a/b.ts` has `test/unit/a/b.test.ts`, `ffi/c.ts` has
 * `test/unit/ffi/c.test.ts`. A file may instead be imported by another test, or be listed here with
 * the test that holds it to its promises.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";

import { listFiles, readText, treeRoot, withoutComments } from "../helpers/source-tree.ts";

/** Files without an own unit test: pattern, and the tests that hold them to their promises. */
const testedElsewhere: readonly (readonly [source: RegExp, test: string])[] = [
  [/^src\/scheduler\//, "test/contract/scheduler.test.ts"],
  [/^src\/datapath\/(?:engine\.ts|proxy\/|portable\/)/, "test/contract/engine.test.ts"],
  [/^src\/datapath\/ipvs\/(?:kernel|counters)\.ts/, "test/unit/datapath/ipvs/engine.test.ts"],
  [
    /^src\/datapath\/bpf\/(?:engine|traffic|tables|connection-table)\.ts/,
    "test/integration/bpf-engine.test.ts",
  ],
  [/^src\/bpf\/(?:kernel|objects)\.ts/, "test/unit/datapath/bpf/program.test.ts"],
  [/^src\/(?:failover|daemon)\/release\.ts/, "test/integration/failover-release.test.ts"],
  [/^src\/failover\/claim-(?:port|watch)\.ts/, "test/integration/failover-conflict.test.ts"],
  // What drives sockets, threads and processes is tried on the wire.
  [
    /^src\/failover\/(?:advert-ports?|announcer|failover|held-addresses|host-network|instance)\.ts/,
    "test/integration/failover.test.ts",
  ],
  [/^src\/failover\/(?:guard|guard-pipe|realtime-\w+)\.ts/, "test/integration/failover.test.ts"],
  [/^ffi\/(?:clock|datagram)\.ts/, "test/contract/engine.test.ts"],
  [/^src\/daemon\/(?:assembly|parts|status-source)\.ts/, "test/unit/daemon/director.test.ts"],
  [/^src\/failover\//, "test/integration/failover.test.ts"],
  [
    /^src\/(?:cli\/(?:handover|release)|daemon\/(?:failover|failover-status|release)|status\/failover)\.ts/,
    "test/integration/failover-director.test.ts",
  ],
  [/^src\/daemon\/upgrade\/predecessor\.ts/, "test/unit/daemon/upgrade/successor.test.ts"],
  [/^src\/status\/(?:http-error|request|security)\.ts/, "test/unit/status/app.test.ts"],
];

const transpiler = new Bun.Transpiler({ loader: "ts" });

/** True if there is something to test: a function or class, not only types, numbers and names. */
function hasBehaviour(file: string): boolean {
  return /\bfunction\b|=>|\bclass\b/.test(transpiler.transformSync(readText(file)));
}

/** Text of every test, to find those that import a file without having its name. */
const testTexts = listFiles("test/**/*.test.ts").map((file) => withoutComments(readText(file)));

function isImportedByTest(file: string): boolean {
  return testTexts.some((text) => text.includes(`../${file}"`));
}

function twinOf(file: string): string {
  const path = file.startsWith("src/") ? file.slice("src/".length) : file;
  return `test/unit/${path.replace(/\.ts$/, ".test.ts")}`;
}

const sources = listFiles("src/**/*.ts", "ffi/**/*.ts").filter(
  (file) => !file.endsWith("/index.ts") && hasBehaviour(file),
);

test("there are sources", () => {
  expect(sources.length).toBeGreaterThan(10);
  expect(twinOf("src/net/address.ts")).toBe("test/unit/net/address.test.ts");
});

test.each(sources)("%s has a test", (file) => {
  const [, elsewhere] = testedElsewhere.find(([pattern]) => pattern.test(file)) ?? [];
  const candidates = [twinOf(file), ...(elsewhere === undefined ? [] : [elsewhere])];
  const isTested = candidates.some((path) => existsSync(treeRoot + path)) || isImportedByTest(file);
  expect(isTested, `expected ${candidates.join(" or ")}`).toBe(true);
});

test.each(listFiles("test/unit/**/*.test.ts"))("%s has a source", (file) => {
  // `engine-udp.test.ts` may be a second test of `engine.ts`.
  const path = file.replace("test/unit/", "").replace(/\.test\.ts$/, "");
  const names = [path];
  for (
    let cut = path.lastIndexOf("-");
    cut > path.lastIndexOf("/");
    cut = path.lastIndexOf("-", cut - 1)
  ) {
    names.push(path.slice(0, cut));
  }
  const sourcesOf = (name: string): string[] =>
    /^(?:ffi|bench|packaging)\//.test(name)
      ? [`${name}.ts`, `${name}.mjs`]
      : [`src/${name}.ts`, `src/${name}/index.ts`];
  const found = names.flatMap(sourcesOf).filter((name) => existsSync(treeRoot + name));
  expect(found, `of ${file}`).not.toEqual([]);
});
