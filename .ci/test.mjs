/**
 * `npm test`: sets up, installs the peers, builds, and runs everything that this machine can run.
 *
 *     npm test                        everything
 *     npm test -- unit/scheduler      test files whose path holds `unit/scheduler`
 *     npm test -- --seed=7 fuzz       with the seed that a failed run printed
 *     npm test -- unit/net -t parse   further options are for `bun test`
 *
 * What is skipped is listed with its reason. The last line is `N passed, N failed`, with
 * `, N skipped` if there are such; the exit status is 1 if something failed.
 *
 * @module
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { build } from "../packaging/build.mjs";
import { runMain, SetupError } from "../packaging/common.mjs";
import { ensureDependencies } from "../packaging/setup.mjs";
import { toolEnvironment } from "../packaging/with-bun.mjs";
import { ensurePeers } from "./peers.mjs";
import {
  addResults,
  runTests,
  runTestsQuietly,
  runTestsTwice,
  testFiles,
  verify,
} from "./stages.mjs";

/**
 * Folders of test/ in two groups: what touches processes and the kernel has a process a file, and a
 * second try.
 */
const groups = [
  {
    folders: ["test/unit/", "test/contract/", "test/fuzz/", "test/golden/", "test/tidy/"],
    runGroup: runTestsQuietly,
  },
  { folders: ["test/integration/", "test/scenario/"], runGroup: runTestsTwice },
];
const seedMax = 2 ** 31;

function parseArguments(args) {
  const firstOption = args.findIndex((arg) => arg.startsWith("-") && !arg.startsWith("--seed="));
  const own = firstOption === -1 ? args : args.slice(0, firstOption);
  const seedText = own.find((arg) => arg.startsWith("--seed="))?.slice("--seed=".length);
  const seed = seedText === undefined ? Math.floor(Math.random() * seedMax) : Number(seedText);
  if (!Number.isSafeInteger(seed))
    throw new SetupError(`Expected a number, got --seed=${seedText}`);
  return {
    seed,
    filters: own.filter((arg) => !arg.startsWith("--seed=")),
    extra: firstOption === -1 ? [] : args.slice(firstOption),
  };
}

function tryBuild() {
  try {
    build();
    return { passed: 1, failed: 0, skips: [], problems: [] };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return { passed: 0, failed: 1, skips: [], problems: ["build"] };
  }
}

/** Reasons that tests gave while they were loaded, by file. */
function readReasons(path) {
  const reasons = new Map();
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  for (const line of lines) {
    const { file, reason } = JSON.parse(line);
    const key = file.slice(file.lastIndexOf("test/", file.length - ".test.ts".length));
    reasons.set(key, new Set(reasons.get(key)).add(reason));
  }
  return reasons;
}

/**
 * Lists what was skipped, a line a file. The reason is what the file said when it was loaded, or
 * stands in parentheses at the end of the test's name; a skip without any is a failure.
 */
function explainSkips(skips, reasons) {
  const problems = [];
  for (const [file, tests] of groupByFile(skips)) {
    const given = new Set(reasons.get(file));
    for (const { name } of tests) {
      const [, reason] = name.match(/ \(([^()]+)\)$/) ?? [];
      if (reason !== undefined) given.add(reason);
      else if (!reasons.has(file)) problems.push(`${file}: ${name}: skipped without a reason`);
    }
    process.stdout.write(`skipped: ${file}: ${tests.length} tests: ${[...given].join("; ")}\n`);
  }
  return { passed: 0, failed: problems.length, skips: [], problems };
}

function groupByFile(skips) {
  const byFile = new Map();
  for (const skip of skips) byFile.set(skip.file, [...(byFile.get(skip.file) ?? []), skip]);
  return byFile;
}

async function runAll({ filters, extra, seed }) {
  const folder = mkdtempSync(join(tmpdir(), "appliance-ci-"));
  const skipLog = join(folder, "skips");
  const env = { ...toolEnvironment(), APPLIANCE_SKIP_LOG: skipLog, FUZZ_SEED: String(seed) };
  const results = [tryBuild()];
  try {
    if (filters.length === 0) {
      results.push(await verify(env));
      // Side by side: the second one mostly waits, the first one never.
      const runs = groups.map(({ folders, runGroup }) =>
        runGroup({ filters: folders, extra, seed, env }),
      );
      results.push(...(await Promise.all(runs)));
    } else {
      results.push(await runTests({ filters, extra, seed, env }));
    }
    results.push(explainSkips(addResults(results).skips, readReasons(skipLog)));
    return addResults(results);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function missingPeers() {
  const problems = ensurePeers()
    .filter(() => process.env.CI === "true")
    .map(({ program }) => `${program} is missing`);
  return { passed: 0, failed: problems.length, skips: [], problems };
}

await runMain(async (args) => {
  const options = parseArguments(args);
  ensureDependencies();
  if (options.filters.length > 0 && testFiles(options.filters).length === 0) {
    throw new SetupError(`No test file has ${options.filters.join(" or ")} in its path`);
  }
  const peers = missingPeers();
  process.stdout.write(`seed of order and properties: ${options.seed}\n`);
  const result = addResults([peers, await runAll(options)]);
  const { passed, failed, skips, problems, details, retries } = result;
  for (const detail of details) process.stdout.write(`\n${detail}\n`);
  for (const retry of retries) process.stdout.write(`passed at the second try: ${retry}\n`);
  for (const problem of problems) process.stdout.write(`failed: ${problem}\n`);
  if (failed > 0) process.stdout.write(`to repeat: npm test -- --seed=${options.seed}\n`);
  const skipped = skips.length > 0 ? `, ${skips.length} skipped` : "";
  process.stdout.write(`${passed} passed, ${failed} failed${skipped}\n`);
  return failed === 0 ? 0 : 1;
});
