/**
 * A newcomer's first minute: `appliance demo` runs, does what it says can be tried, and leaves
 * nothing behind.
 */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { countPages, fetchPage } from "../helpers/page.ts";
import { isListening } from "../helpers/port.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import type { StartedProcess } from "../helpers/process.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("unshare", "curl"));
const root = requireRoot();

/** The ports that the demo prefers; taken here, unless somebody else has them. */
const usualPorts = [8080, 9780];
const takers = usualPorts.flatMap((port) => {
  try {
    return [Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } })];
  } catch {
    return [];
  }
});
afterAll(() => {
  for (const taker of takers) taker.stop(true);
});

/** What the demo printed. */
interface Demo {
  readonly page: string;
  readonly status: string;
  readonly configPath: string;
  /** The commands that it says can be tried, in its order. */
  readonly commands: readonly string[];
}

async function readDemo(demo: StartedProcess): Promise<Demo> {
  await demo.waitForOutput(/What happens:/);
  await demo.waitForOutput(/info ready/);
  const text = demo.output();
  const value = (label: string): string => text.match(new RegExp(`${label} +(\\S+)`))![1]!;
  return {
    page: value("balanced page"),
    status: value("status page"),
    configPath: value("configuration"),
    commands: text.split("\n").filter((line) => /^ {2}(?:curl|APPLIANCE_RUNTIME_DIR=)/.test(line)),
  };
}

/** Processes of a session: the demo leads one of its own, so these are what it started. */
function sessionMembers(leader: number): string[] {
  return readdirSync("/proc").filter((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3] === String(leader);
    } catch {
      return false;
    }
  });
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** Ends a demo as Ctrl-C does, and looks for what it left. */
async function expectCleanEnd(demo: StartedProcess, { page, status, configPath }: Demo) {
  expect(sessionMembers(demo.pid)).toContain(String(demo.pid));
  demo.kill("SIGINT");
  expect(await demo.exited).toBe(0);
  expect(sessionMembers(demo.pid)).toEqual([]);
  expect(existsSync(dirname(configPath))).toBe(false);
  expect(await isListening(portOf(page))).toBe(false);
  expect(await isListening(portOf(status))).toBe(false);
}

/** Runs a line of the demo's text in a shell, without the explanation behind it. */
async function tryLine(line: string): Promise<string> {
  const [command] = line.trim().split(/ {4,}/);
  const { status, stdout, stderr } = await runProcess(["sh", "-c", command!]);
  expect(`${status} ${status === 0 ? "" : stderr}`).toBe("0 ");
  return stdout;
}

test.skipIf(needs.skip)("demo balances, shows its state, and ends at Ctrl-C", async () => {
  await using demo = startProcess(["setsid", executablePath, "demo"]);
  const told = await readDemo(demo);
  // Both usual ports are taken, by this test or by others: the demo found other ones.
  expect(usualPorts).not.toContain(portOf(told.page));
  expect(usualPorts).not.toContain(portOf(told.status));

  const answers = { A: 0, B: 0 };
  for (let turn = 0; turn < 4; turn++) {
    const name = (await fetchPage(told.page)).match(/real server ([AB])/)![1];
    answers[name as "A" | "B"] += 1;
  }
  expect(answers).toEqual({ A: 2, B: 2 });

  const html = await fetch(told.status, { headers: { Accept: "text/html" } });
  expect(html.headers.get("content-type")).toStartWith("text/html");
  expect(await html.text()).toContain("demo");
  const state = (await (await fetch(`${told.status}status`)).json()) as { services: unknown[] };
  expect(state.services).toMatchObject([{ name: "demo", state: "up" }]);
  await expectCleanEnd(demo, told);
});

test.skipIf(needs.skip)("what the demo says can be tried works", async () => {
  await using demo = startProcess(["setsid", executablePath, "demo"]);
  const told = await readDemo(demo);
  const [balanced, fail, status, drain, enable] = told.commands;
  expect(await tryLine(balanced!)).toContain("Hello from real server");
  expect(await tryLine(status!)).toContain("demo");

  const server = async (page = told.page): Promise<string> =>
    (await fetchPage(page)).match(/real server ([AB])/)![1]!;
  const first = await server(fail!.match(/http:\S+\//)![0]);
  const serversNow = async (): Promise<string[]> => {
    const servers = [await server(), await server(), await server(), await server()];
    return [...new Set(servers)].toSorted();
  };
  const other = first === "A" ? "B" : "A";

  await tryLine(drain!);
  expect(await serversNow()).toEqual([other]);
  await tryLine(enable!);
  await waitFor(async () => (await serversNow()).length === 2, { what: "both servers again" });

  await tryLine(fail!);
  await demo.waitForOutput(/server-down/);
  // The engine follows the log by a turn of its loop.
  await waitFor(async () => (await serversNow()).join("") === other, { what: `only ${other}` });
  await expectCleanEnd(demo, told);
});

test.skipIf(requireAll(needs, root).skip)("demo needs no privileges", async () => {
  using folder = createTempFolder();
  // A user without privileges may not be able to reach the tree itself.
  const executable = join(folder.path, "appliance");
  copyFileSync(executablePath, executable);
  chmodSync(folder.path, 0o755);
  const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  await using demo = startProcess(["setsid", ...asNobody, "--no-new-privs", executable, "demo"], {
    cwd: "/",
  });
  const told = await readDemo(demo);
  expect(readFileSync(`/proc/${demo.pid}/status`, "utf8")).toMatch(/^Uid:\s+65534\s+65534/m);
  const pages = await countPages(told.page, 2);
  expect(Object.keys(pages)).toHaveLength(2);
  await expectCleanEnd(demo, told);
});

test.skipIf(needs.skip)("demo ends when its terminal is closed", async () => {
  await using demo = startProcess(["setsid", executablePath, "demo"]);
  const { configPath } = await readDemo(demo);
  demo.kill("SIGHUP");
  expect(await demo.exited).toBe(0);
  expect(existsSync(dirname(configPath))).toBe(false);
});
