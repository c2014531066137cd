/**
 * The stages of a test run: programs whose results are counted.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

import { root, SetupError } from "../packaging/common.mjs";

/** What is kept of a program's output, to print its failures again at the end. */
const outputCharsMax = 32 * 1024 * 1024;
/** Lines of one failure that are printed again. */
const failureLinesMax = 60;
/** More files than this that fail are no accident. */
const secondTriesMax = 3;
/** Files with real peers that run at the same time; more on the same cores make time-outs. */
const lanesMax = 2;
/** A stage that takes longer hangs; it is killed and counted as a failure. */
const stageTimeoutMs = 40 * 60 * 1000;
/** Longest time of one test that does not state its own; machines of CI stall. */
const testTimeoutMs = 15_000;

/** Rules of the tree: name, command. Each counts as one test. */
const verifySteps = [
  ["format (bun fmt)", ["bun", "fmt", "--check"]],
  ["types (bun check)", ["bun", "check"]],
  ["lint (oxlint)", ["oxlint", "--type-aware", "--max-warnings", "0"]],
  ["dead code (knip)", ["knip"]],
  ["lock file", [process.execPath, "packaging/lock.mjs", "--check"]],
];

/**
 * Result of a stage. `skips` are `{file, name}` of tests, `details` what failed tests printed,
 * `retries` the tests that passed only when their file was run again, alone.
 */
function emptyResult() {
  return { passed: 0, failed: 0, skips: [], problems: [], details: [], retries: [] };
}

/** Sum of results. */
export function addResults(results) {
  const sum = emptyResult();
  for (const result of results) {
    sum.passed += result.passed;
    sum.failed += result.failed;
    sum.skips.push(...result.skips);
    sum.problems.push(...result.problems);
    sum.details.push(...(result.details ?? []));
    sum.retries.push(...(result.retries ?? []));
  }
  return sum;
}

/**
 * Runs a program; its status, undefined if it had to be killed. A signal to this process ends the
 * program, and with it the whole run.
 *
 * @param keep Is given the output; without it, the output goes to this terminal.
 */
function run([command, ...args], env, keep) {
  return new Promise((resolve, reject) => {
    const output = keep === undefined ? "inherit" : "pipe";
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", output, output] });
    for (const from of [child.stdout, child.stderr]) {
      from?.on("data", (bytes) => keep(bytes.toString()));
    }
    let interruption;
    const forward = (signal) => {
      interruption = signal;
      child.kill(signal);
    };
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, forward);
    const timer = setTimeout(() => child.kill("SIGKILL"), stageTimeoutMs);
    const done = (status) => {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, forward);
      if (interruption === undefined) resolve(status ?? undefined);
      else reject(new SetupError(`Ended by ${interruption}`));
    };
    child.on("error", (error) => {
      process.stderr.write(`Cannot start ${command}: ${error.message}\n`);
      done(undefined);
    });
    // Not "exit": what was written last is still in the pipe then.
    child.on("close", done);
  });
}

/** Checks the rules of the tree that have a tool of their own. */
export async function verify(env) {
  const result = emptyResult();
  for (const [name, [command, ...args]] of verifySteps) {
    process.stdout.write(`\n## ${name}\n`);
    if ((await run([command, ...args], env)) === 0) {
      result.passed += 1;
    } else {
      result.failed += 1;
      result.problems.push(name);
    }
  }
  return result;
}

/** Test files whose path holds one of the filters, as `bun test` chooses them. */
export function testFiles(filters) {
  return readdirSync(join(root, "test"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .filter((path) => filters.some((filter) => path.includes(filter)))
    .toSorted();
}

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function attribute(tag, name) {
  const [, value = ""] = tag.match(new RegExp(` ${name}="([^"]*)"`)) ?? [];
  return value.replace(/&(\w+);/g, (all, entity) => entities[entity] ?? all);
}

/** Counts and skipped tests of a JUnit report of `bun test`. */
export function readReport(xml) {
  const result = emptyResult();
  const files = new Set();
  for (const [, tag, body = ""] of xml.matchAll(
    /<testcase([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )) {
    const file = attribute(tag, "file");
    const name = [attribute(tag, "classname"), attribute(tag, "name")].filter(Boolean).join(" > ");
    files.add(file);
    if (body.includes("<skipped")) {
      result.skips.push({ file, name });
    } else if (/<(failure|error)\b/.test(body)) {
      result.failed += 1;
      result.problems.push(`${file}: ${name}`);
    } else {
      result.passed += 1;
    }
  }
  return { ...result, files };
}

/** The last lines that were printed before each `(fail)`, and that line. */
export function failureDetails(output) {
  const details = [];
  let block = [];
  for (const line of output.split("\n")) {
    if (/^\((pass|skip|todo)\) /.test(line)) {
      block = [];
      continue;
    }
    block.push(line);
    if (!line.startsWith("(fail) ")) continue;
    details.push(block.slice(-failureLinesMax).join("\n"));
    block = [];
  }
  // The summary at the end of a run names each failure once more, without a reason.
  return details.filter((detail) => detail.includes("\n"));
}

/**
 * Runs `bun test` on files in one process.
 *
 * A file that never reported (it threw while it was loaded, or the process died) is a failure, so
 * that a broken run cannot look like a small one.
 *
 * @param options `isBackground`: whatever else runs here has the cores first.
 * @param print Is given the output as it comes.
 */
async function runFiles(files, { extra, seed, env, isBackground = false }, print) {
  if (files.length === 0) return emptyResult();
  const folder = mkdtempSync(join(tmpdir(), "appliance-report-"));
  const reportPath = join(folder, "report.xml");
  try {
    const flags = ["--no-orphans", "--randomize", `--seed=${seed}`, `--timeout=${testTimeoutMs}`];
    const report = ["--reporter=junit", `--reporter-outfile=${reportPath}`];
    const args = ["test", ...flags, ...report, ...extra, ...files.map((file) => `./${file}`)];
    const command = isBackground ? ["nice", "-n", "15", "bun"] : ["bun"];
    let output = "";
    const keep = (text) => {
      print(text);
      output = (output + text).slice(-outputCharsMax);
    };
    const status = await run([...command, ...args], env, keep);
    const result = readReport(existsSync(reportPath) ? readFileSync(reportPath, "utf8") : "");
    result.details = failureDetails(output);
    // With a name pattern (-t) a file may rightly have nothing to say, and the report calls every
    // other test skipped.
    if (extra.length > 0) result.skips = [];
    const silent = extra.length > 0 ? [] : files.filter((file) => !result.files.has(file));
    for (const file of silent) result.problems.push(`${file}: did not run`);
    result.failed += silent.length;
    if (status !== 0 && result.failed === 0) {
      result.failed += 1;
      result.problems.push(`${files.join(", ")}: bun test ended with ${status ?? "a signal"}`);
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the files that match in one process, with the output on this terminal. */
export function runTests(options) {
  return runFiles(testFiles(options.filters), options, (text) => process.stdout.write(text));
}

/** As {@link runTests}, in the background, with the output on this terminal at the end. */
export async function runTestsQuietly(options) {
  const output = [];
  const background = { ...options, isBackground: true };
  const result = await runFiles(testFiles(options.filters), background, (text) => {
    output.push(text);
  });
  process.stdout.write(`${output.join("")}\n`);
  return result;
}

/** Files that say so in their head comment have the machine for themselves. */
function isAlone(file) {
  return /^ \* Runs alone: /m.test(readFileSync(join(root, file), "utf8"));
}

/** One file in a process of its own; its output is printed whole when it has ended. */
async function runFile(file, options) {
  const startMs = performance.now();
  const output = [];
  const result = await runFiles([file], options, (text) => void output.push(text));
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  process.stdout.write(`${output.join("")}\n${file}: ${seconds} s\n`);
  return result;
}

/**
 * Runs each of the files that match in a process of its own, as many at a time as there are cores,
 * at most {@link lanesMax}: such tests mostly wait, for processes, timers and servers.
 */
async function runTestsInLanes(options) {
  const files = testFiles(options.filters);
  const queue = files.filter((file) => !isAlone(file));
  const results = [];
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      results.push(await runFile(file, options));
    }
  };
  const lanes = Math.min(lanesMax, availableParallelism());
  await Promise.all(Array.from({ length: lanes }, lane));
  for (const file of files.filter(isAlone)) results.push(await runFile(file, options));
  return addResults(results);
}

/**
 * Runs the files that failed once more, alone. Tests with real peers share two cores with whatever
 * else a machine does; a test that fails then and passes at once afterwards is told as such, with
 * what it had printed, and does not fail the run. What fails twice, fails.
 */
export async function runTestsTwice(options) {
  const first = await runTestsInLanes(options);
  const files = new Set(first.problems.map((problem) => problem.slice(0, problem.indexOf(": "))));
  if (first.failed === 0 || files.size > secondTriesMax) return first;
  process.stdout.write(`\n## once more: ${[...files].join(", ")}\n`);
  const second = await runTests({ ...options, filters: [...files] });
  if (second.failed > 0) return { ...first, details: [...first.details, ...second.details] };
  return {
    ...first,
    passed: first.passed + first.failed,
    failed: 0,
    problems: [],
    retries: first.problems,
  };
}
