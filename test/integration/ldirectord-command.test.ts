/**
 * The executable called as `ldirectord`: every verb and exit status, and files that break.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  commandLineOf,
  createCommandHost,
  isAlive,
  startRealServer,
} from "../helpers/ldirectord/command-host.ts";
import { fetchPage, tryPage } from "../helpers/page.ts";
import { freePorts, isListening } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import { executablePath } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const testMs = 60_000;
const createHost = () => createCommandHost(cleanups);
const startServer = (name: string): number => startRealServer(name, cleanups);

describe("called as ldirectord", () => {
  test(
    "exit statuses and messages while nothing runs",
    async () => {
      const host = createHost();
      const [port] = await freePorts(1);
      host.write("web.cf", [], [{ port: port!, servers: [1] }]);
      writeFileSync(host.path("broken.cf"), "bogus\n");
      const rows: (readonly [args: string, status: number, output: string])[] = [
        ["", 255, "Usage: ldirectord"],
        ["web.cf bogus", 255, "Usage: ldirectord"],
        ["bogus", 255, "Usage: ldirectord"],
        ["--bogus web.cf status", 255, "Usage: ldirectord"],
        ["-h", 0, "Usage: ldirectord"],
        ["-v", 0, "Linux Director"],
        ["nofile.cf start", 1, "Config file nofile.cf not found\n"],
        ["nofile.cf status", 1, "Config file nofile.cf not found\n"],
        ["web.cf status", 3, "ldirectord is stopped for web.cf\n"],
        ["-- web.cf status", 3, "ldirectord is stopped for web.cf\n"],
        ["web.cf stop", 0, ""],
        ["web.cf try-restart", 0, ""],
        ["web.cf reload", 1, "ldirectord is stopped for web.cf\n"],
        ["web.cf force-reload", 1, "ldirectord is stopped for web.cf\n"],
        ["broken.cf start", 2, "reading file broken.cf at line 1: "],
        ["broken.cf reload", 2, "reading file broken.cf at line 1: "],
      ];
      for (const [args, status, output] of rows) {
        const result = await host.call(...args.split(" ").filter((word) => word !== ""));
        expect([args, result.status]).toEqual([args, status]);
        expect(result.stdout + result.stderr).toContain(output);
      }
      writeFileSync(host.pidFile("web.cf"), "999999999\n");
      const stale = await host.call("web.cf", "status");
      expect(stale.status).toBe(1);
      expect(stale.stderr).toBe(`ldirectord stale pid file ${host.pidFile("web.cf")} for web.cf\n`);
      expect(stale.stdout).toBe("ldirectord is stopped for web.cf\n");
    },
    testMs,
  );

  test(
    "start, start again, status, restart, try-restart, reload and stop",
    async () => {
      const host = createHost();
      const one = startServer("one");
      const [port] = await freePorts(1);
      const page = `http://127.0.0.1:${port}/`;
      host.write("web.cf", [], [{ port: port!, servers: [one] }]);

      expect(await host.call("web.cf", "start")).toEqual({ status: 0, stdout: "", stderr: "" });
      // Up means that it accepts connections, not that a process was started.
      expect(await isListening(port!)).toBe(true);
      expect(await waitFor(() => tryPage(page), { what: "page" })).toBe("one");
      const pid = host.pidOf("web.cf");
      expect(commandLineOf(pid)).toContain("ldirectord");
      expect(commandLineOf(pid)).toContain(`${host.path("web.cf")} start`);
      // A session of its own: field 6 of proc_pid_stat(5), counted behind the name.
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
        .replace(/^.*\) /, "")
        .split(" ");
      expect(Number(fields[3])).toBe(pid);

      expect((await host.call("web.cf", "start")).status).toBe(0);
      expect(host.pidOf("web.cf")).toBe(pid);
      const status = await host.call("web.cf", "status");
      expect(status).toEqual({
        status: 0,
        stdout: "",
        stderr: `ldirectord for web.cf is running with pid: ${pid}\n`,
      });

      expect((await host.call("web.cf", "restart")).status).toBe(0);
      const second = host.pidOf("web.cf");
      expect(second).not.toBe(pid);
      expect(isAlive(pid)).toBe(false);
      expect((await host.call("web.cf", "try-restart")).status).toBe(0);
      const third = host.pidOf("web.cf");
      expect(third).not.toBe(second);
      expect(await waitFor(() => tryPage(page), { what: "page" })).toBe("one");

      const two = startServer("two");
      host.write("web.cf", [], [{ port: port!, servers: [two] }]);
      expect((await host.call("web.cf", "reload")).status).toBe(0);
      await waitFor(async () => (await tryPage(page)) === "two", {
        what: "page of the new server",
      });
      expect(host.pidOf("web.cf")).toBe(third);

      expect((await host.call("web.cf", "stop")).status).toBe(0);
      expect(existsSync(host.pidFile("web.cf"))).toBe(false);
      expect(isAlive(third)).toBe(false);
      expect(await isListening(port!)).toBe(false);
      expect((await host.call("web.cf", "status")).status).toBe(3);
    },
    testMs,
  );

  test(
    "a start that cannot listen says why, with exit status 1 and nothing left",
    async () => {
      const host = createHost();
      const taken = startServer("taken");
      host.write("web.cf", [], [{ port: taken, servers: [1] }]);
      // The director's listeners share their port with each other, with nobody else.
      const { status, stderr } = await host.call("web.cf", "start");
      expect(status).toBe(1);
      expect(stderr).toContain(`127.0.0.1:${taken}`);
      expect(existsSync(host.pidFile("web.cf"))).toBe(false);
      expect((await host.call("web.cf", "status")).status).toBe(3);
    },
    testMs,
  );

  test(
    "a log that cannot be written is told of, and is no reason not to start",
    async () => {
      const host = createHost();
      const [port] = await freePorts(1);
      const logfile = `logfile="${host.path("missing/x.log")}"`;
      host.write("web.cf", [logfile], [{ port: port!, servers: [startServer("one")] }]);
      const { status, stderr } = await host.call("web.cf", "start");
      expect(status).toBe(0);
      expect(stderr).toMatch(/^Cannot log to .*missing\/x\.log: ENOENT[^\n]*\n$/);
      expect((await host.call("web.cf", "status")).status).toBe(0);
      expect((await host.call("web.cf", "stop")).status).toBe(0);
    },
    testMs,
  );

  test(
    "a broken file stops neither a director that runs nor its stop",
    async () => {
      const host = createHost();
      const one = startServer("one");
      const [port] = await freePorts(1);
      const page = `http://127.0.0.1:${port}/`;
      host.write("web.cf", [], [{ port: port!, servers: [one] }]);
      expect((await host.call("web.cf", "start")).status).toBe(0);
      await waitFor(() => tryPage(page), { what: "page" });
      const pid = host.pidOf("web.cf");

      writeFileSync(host.path("web.cf"), "virtual=127.0.0.1:1\nbogus=1\n");
      const reload = await host.call("web.cf", "reload");
      expect(reload.status).toBe(2);
      expect(reload.stderr).toMatch(/^Error \[\d+\] reading file web\.cf at line 2: /m);
      expect((await host.call("web.cf", "restart")).status).toBe(2);
      // By signal too, as scripts do.
      process.kill(pid, "SIGHUP");
      await host.logged(`Error [${pid}] reading file ${host.path("web.cf")} at line 2: `);
      expect(await fetchPage(page)).toBe("one");
      expect((await host.call("web.cf", "status")).status).toBe(0);
      expect((await host.call("web.cf", "stop")).status).toBe(0);
      expect(isAlive(pid)).toBe(false);
    },
    testMs,
  );
});

test("validate takes a gate service, whatever the kernel of this machine has", async () => {
  using folder = createTempFolder();
  const file = join(folder.path, "direct.cf");
  writeFileSync(file, "virtual=192.0.2.1:80\n    real=192.0.2.11:80 gate\n");
  const { status, stderr } = await runProcess([executablePath, "validate", file]);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  expect(stderr).not.toContain("gate");
});
