/**
 * The executable called as `ldirectord`: every verb and exit status, several directors side by
 * side, files that change or break, and the log that scripts read.
 */
import { afterEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { fetchPage, tryPage } from "../helpers/page.ts";
import { freePorts, isListening } from "../helpers/port.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { executablePath, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const testMs = 60_000;

const replaced = requirePeer("ldirectord");

/** A real server whose page is its name. */
function startRealServer(name: string): number {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: () => new Response(name, { headers: { Connection: "close" } }),
  });
  cleanups.push(() => server.stop(true));
  return server.port!;
}

interface Service {
  readonly port: number;
  readonly servers: readonly number[];
  readonly more?: readonly string[];
}

/** An ldirectord.cf. */
function configText(globals: readonly string[], services: readonly Service[]): string {
  const blocks = services.map(({ port, servers, more = ["checktype=connect"] }) => [
    `virtual=127.0.0.1:${port}`,
    ...servers.map((server) => `\treal=127.0.0.1:${server} masq 5`),
    ...more.map((line) => `\t${line}`),
    "",
  ]);
  return [...globals, "checkinterval=1", "checktimeout=1", ...blocks.flat()].join("\n");
}

/** A host with the link `ldirectord`, and folders instead of /var/run, /run and /var/lib. */
function createHost() {
  const folder = createTempFolder();
  cleanups.push(() => folder[Symbol.dispose]());
  const path = (name: string): string => join(folder.path, name);
  const program = path("ldirectord");
  symlinkSync(executablePath, program);
  mkdirSync(path("pid"));
  const env = {
    APPLIANCE_PID_DIR: path("pid"),
    APPLIANCE_RUNTIME_DIR: path("run"),
    APPLIANCE_STATE_DIR: path("state"),
  };
  const pidFile = (config: string): string => path(`pid/ldirectord.${config}.pid`);
  const pidOf = (config: string): number => Number(readFileSync(pidFile(config), "utf8"));
  return {
    env,
    path,
    program,
    pidFile,
    pidOf,
    log: path("ldirectord.log"),
    /** Waits until the log has this text. */
    logged: (text: string) =>
      waitFor(() => readIfThere(path("ldirectord.log")).includes(text), { what: text }),
    write(name: string, globals: readonly string[], services: readonly Service[]) {
      const logfile = `logfile="${path("ldirectord.log")}"`;
      writeFileSync(path(name), configText([logfile, ...globals], services));
      // Whatever becomes of the test, its daemon ends with it.
      cleanups.push(async () => {
        if (!existsSync(pidFile(name))) return;
        const pid = pidOf(name);
        const isDaemon = commandLineOf(pid).includes(path(name));
        if (isDaemon) process.kill(pid, "SIGKILL");
        await waitFor(() => !isDaemon || !isAlive(pid), { what: `end of ${pid}` });
      });
    },
    call: (...args: readonly string[]) => runProcess([program, ...args], { env, cwd: folder.path }),
  };
}

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** True unless the process has ended; one that nobody has waited for yet has. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

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
      const one = startRealServer("one");
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

      const two = startRealServer("two");
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
      const taken = startRealServer("taken");
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
      host.write("web.cf", [logfile], [{ port: port!, servers: [startRealServer("one")] }]);
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
      const one = startRealServer("one");
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

  test(
    "two directors side by side, and one that execute starts with another",
    async () => {
      const host = createHost();
      const ports = await freePorts(3);
      const [a, b, c] = ["a", "b", "c"].map(startRealServer);
      host.write("a.cf", [], [{ port: ports[0]!, servers: [a!] }]);
      host.write("b.cf", ["execute=c.cf"], [{ port: ports[1]!, servers: [b!] }]);
      host.write("c.cf", ["execute=b.cf"], [{ port: ports[2]!, servers: [c!] }]);
      expect((await host.call("a.cf", "start")).status).toBe(0);
      expect((await host.call("b.cf", "start")).status).toBe(0);
      for (const [index, name] of ["a", "b", "c"].entries()) {
        const page = `http://127.0.0.1:${ports[index]}/`;
        expect(await waitFor(() => tryPage(page), { what: `page of ${name}` })).toBe(name);
      }
      const pids = ["a.cf", "b.cf", "c.cf"].map((name) => host.pidOf(name));
      expect(new Set(pids).size).toBe(3);
      expect((await host.call("b.cf", "stop")).status).toBe(0);
      expect(pids.map(isAlive)).toEqual([true, false, false]);
      expect(await fetchPage(`http://127.0.0.1:${ports[0]}/`)).toBe("a");
      expect((await host.call("a.cf", "stop")).status).toBe(0);
    },
    testMs,
  );

  test(
    "autoreload takes a changed file, keeps the old one beside a broken one, and logs both",
    async () => {
      const host = createHost();
      const [port, more] = await freePorts(2);
      const one = startRealServer("one");
      const first = { port: port!, servers: [one] };
      host.write("web.cf", ["autoreload=yes"], [first]);
      expect((await host.call("web.cf", "start")).status).toBe(0);
      const pid = host.pidOf("web.cf");
      const shown = `|web.cf|${pid}] `;
      await host.logged("Added real server");

      host.write("web.cf", ["autoreload=yes"], [first, { port: more!, servers: [one] }]);
      const page = `http://127.0.0.1:${more}/`;
      expect(await waitFor(() => tryPage(page), { what: "new service" })).toBe("one");
      const path = host.path("web.cf");
      await host.logged(`${shown}Configuration file '${path}' has changed on disk\n`);
      await host.logged(`${shown} - reread new configuration\n`);
      await host.logged(`${shown}Added virtual server: 127.0.0.1:${more}\n`);

      writeFileSync(path, "bogus\n");
      await host.logged(`${shown}Error [${pid}] reading file ${path} at line 1: `);
      expect(await fetchPage(page)).toBe("one");
      host.write("web.cf", ["autoreload=no"], [first]);
      await waitFor(async () => !(await isListening(more!)), { what: "service gone" });
      await host.logged(`${shown}Purged virtual server (start): 127.0.0.1:${more}\n`);
      host.write("web.cf", ["autoreload=no", "#"], [first]);
      await host.logged(`${shown} - ignore new configuration\n`);
    },
    testMs,
  );

  test(
    "the log has ldirectord's lines, also after logrotate has moved it",
    async () => {
      const host = createHost();
      const [port, fallback] = await freePorts(2);
      const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("") });
      cleanups.push(() => server.stop(true));
      const more = ["checktype=connect", "failurecount=2", `fallback=127.0.0.1:${fallback} masq`];
      host.write("web.cf", [], [{ port: port!, servers: [server.port!], more }]);
      expect((await host.call("web.cf", "start")).status).toBe(0);
      const pid = host.pidOf("web.cf");
      const virtual = `127.0.0.1:${port}`;
      const real = `127.0.0.1:${server.port}`;
      const seen = (text: string) => host.logged(`] ${text}\n`);
      await seen(`Added real server: ${real} (${virtual}) (Weight set to 5)`);
      expect(readIfThere(host.log).split("\n")[0]).toMatch(
        new RegExp(
          String.raw`^\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\|web\.cf\|${pid}\] Starting Linux Director .* as daemon$`,
        ),
      );
      renameSync(host.log, `${host.log}.1`);
      await server.stop(true);
      await seen(`Soft failure real server: ${real} (tcp:${virtual}) failure 1/2`);
      await seen(`Deleted real server: ${real} (${virtual})`);
      await seen(`Added fallback server: 127.0.0.1:${fallback} (${virtual}) (Weight set to 1)`);
      expect((await host.call("web.cf", "stop")).status).toBe(0);
      await seen(`Purged virtual server (stop): ${virtual}`);
      await seen("Linux Director Daemon terminated on signal: TERM");
    },
    testMs,
  );

  test(
    "supervised stays in the foreground and logs to standard output",
    async () => {
      const host = createHost();
      const [port] = await freePorts(1);
      host.write(
        "web.cf",
        ["supervised=yes"],
        [{ port: port!, servers: [startRealServer("one")] }],
      );
      const options = { env: host.env, cwd: host.path(".") };
      await using child = startProcess([host.program, "web.cf", "start"], options);
      await child.waitForOutput(/^\[[^|\]]+ \d{4}\] Starting Linux Director .* with pid: \d+$/m);
      await child.waitForOutput(/^\[[^|\]]+\] Added real server: /m);
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    },
    testMs,
  );

  test(
    "run on an ldirectord.cf has its pid file, and start finds it running",
    async () => {
      const host = createHost();
      const [port] = await freePorts(1);
      host.write("web.cf", [], [{ port: port!, servers: [startRealServer("one")] }]);
      writeFileSync(host.path("status.toml"), '[status]\nlisten = "off"\n');
      const files = ["--config", host.path("web.cf"), "--config", host.path("status.toml")];
      await using child = startProcess([executablePath, "run", ...files], { env: host.env });
      await child.waitForOutput(/ ready/);
      expect(host.pidOf("web.cf")).toBe(child.pid);
      expect((await host.call("web.cf", "start")).status).toBe(0);
      expect(host.pidOf("web.cf")).toBe(child.pid);
      expect((await host.call("web.cf", "status")).status).toBe(0);
      await host.logged(`|web.cf|${child.pid}] Added virtual server: `);
      expect((await host.call("web.cf", "stop")).status).toBe(0);
      expect(await child.exited).toBe(0);
    },
    testMs,
  );

  test.skipIf(replaced.skip)(
    "what a real ldirectord manages is left to it",
    async () => {
      const host = createHost();
      const [port] = await freePorts(1);
      host.write("web.cf", [], [{ port: port!, servers: [1] }]);
      // In debug mode it takes the ipvsadm of its folder.
      writeFileSync(host.path("ipvsadm"), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
      const config = host.path("web.cf");
      const command = ["/usr/sbin/ldirectord", "-d", config, "start"];
      await using old = startProcess(command, { cwd: host.path(".") });
      await old.waitForOutput(/Checking connect/);
      const start = await host.call("web.cf", "start");
      expect(start.status).toBe(1);
      expect(start.stderr).toContain(`ldirectord (pid ${old.pid}) manages ${config} already`);
      expect(start.stderr).toContain(`kill ${old.pid}`);
      const run = await runProcess([executablePath, "run", config], { env: host.env });
      expect(run.status).toBe(75);
      expect(run.stderr).toContain(`kill ${old.pid}`);
      expect(await isListening(port!)).toBe(false);
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
