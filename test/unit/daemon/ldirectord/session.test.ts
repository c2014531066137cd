import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseConfig } from "../../../../src/config/index.ts";
import type { LoadedLdirectord } from "../../../../src/config/index.ts";
import { assessService } from "../../../../src/daemon/assessment.ts";
import type { Health, ServiceAssessment } from "../../../../src/daemon/assessment.ts";
import { openLdirectordSession } from "../../../../src/daemon/ldirectord/session.ts";
import type { LdirectordStart } from "../../../../src/daemon/ldirectord/session.ts";
import { serverId } from "../../../../src/daemon/server-id.ts";
import { endWithThisProcess } from "../../../helpers/process.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";
import { waitFor } from "../../../helpers/wait.ts";
import { createFakeLogger } from "../fake-logger.ts";
import { realServer, virtualService } from "../fixture.ts";

const { config } = parseConfig(
  '[[virtual_service]]\nname = "tcp:192.0.2.100:80"\nlisten = "192.0.2.100:80"\n' +
    'real_servers = [{ address = "192.0.2.11:80" }]\n',
  "a",
);

function setUp(start: LdirectordStart, more: Partial<LoadedLdirectord> = {}) {
  const folder = createTempFolder();
  const logfile = join(folder.path, "a.log");
  const told: string[] = [];
  const output: string[] = [];
  const named = { file: "/x/web.cf", logfile, supervised: false, cleanstop: true, execute: [] };
  const run = { ...named, routers: [], others: [] };
  return {
    told,
    output,
    pidFile: join(folder.path, "ldirectord.web.cf.pid"),
    /** The texts of the lines of the log. */
    lines: () =>
      readFileSync(logfile, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^\[[^\]]*\] /, "")),
    open: () =>
      openLdirectordSession({
        run: { ...run, ...more },
        start,
        config,
        version: "1.2.3",
        environment: { APPLIANCE_PID_DIR: folder.path },
        stdout: (text) => void output.push(text),
        stderr: (text) => void told.push(text),
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

const service = virtualService({
  name: "tcp:192.0.2.100:80",
  realServers: [realServer("192.0.2.11", 80)],
});
const id = serverId({ service: service.name, server: "192.0.2.11:80" });

function assess(health: Health, before?: ServiceAssessment): ServiceAssessment {
  const source = {
    addressOf: (host: string) => host,
    server: () => ({ address: "192.0.2.11", health, reason: "", override: undefined }),
  };
  return assessService(service, source, before);
}

function state(health: Health, failures: number) {
  const lastResult = undefined;
  return { health, failures, changedAtMs: 0, lastAtMs: 0, lastResult, reason: "" };
}

describe("openLdirectordSession()", () => {
  test("a daemon has a pid file and tells its whole life in ldirectord's words", () => {
    using fixture = setUp({ mode: "daemon" });
    const session = fixture.open();
    expect(readFileSync(fixture.pidFile, "utf8")).toBe(`${process.pid}\n`);
    const { logger, lines: native } = createFakeLogger();
    const wrapped = session.wrapLogger(logger);
    wrapped.log("info", "start", {});
    wrapped.log("warning", "hook", { hook: "x" });
    const warning = { file: "web.cf", line: 2, path: "real", message: "odd" };
    session.tellLoaded({ config, files: [], warnings: [warning] });
    const up = assess("up");
    session.judged([up]);
    session.checked(id, state("up", 1));
    session.checked(id, state("up", 0));
    session.checked(id, state("down", 2));
    session.hungUp();
    session.fileChanged("/x/web.cf", false);
    session.judged([]);
    session.judged([up]);
    session.stopped("TERM");
    session.close();
    expect(fixture.lines()).toEqual([
      "Starting Linux Director (appliance 1.2.3) as daemon",
      "hook hook=x",
      `Warning [${process.pid}] reading file web.cf at line 2: real: odd`,
      "Added virtual server: 192.0.2.100:80",
      "Added real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 1)",
      "Soft failure real server: 192.0.2.11:80 (tcp:192.0.2.100:80) failure 1/2",
      "Resetting soft failure count: 192.0.2.11:80 (tcp:192.0.2.100:80)",
      "Reloading Linux Director Daemon config on signal",
      "Configuration file '/x/web.cf' has changed on disk",
      " - ignore new configuration",
      "Purged real server (start): 192.0.2.11:80 (192.0.2.100:80)",
      "Purged virtual server (start): 192.0.2.100:80",
      "Added virtual server: 192.0.2.100:80",
      "Added real server: 192.0.2.11:80 (192.0.2.100:80) (Weight set to 1)",
      "Purged real server (stop): 192.0.2.11:80 (192.0.2.100:80)",
      "Purged virtual server (stop): 192.0.2.100:80",
      "Linux Director Daemon terminated on signal: TERM",
    ]);
    // A daemon has no standard error that anybody reads.
    expect(native()).toEqual([]);
    expect(existsSync(fixture.pidFile)).toBe(false);
    expect(fixture.told).toEqual([]);
  });

  test("run keeps the native log too, and cleanstop=no purges nothing", () => {
    using fixture = setUp({ mode: "run" }, { cleanstop: false });
    const session = fixture.open();
    const { logger, lines: native } = createFakeLogger();
    session.wrapLogger(logger).log("info", "start", {});
    session.judged([assess("up")]);
    session.stopped("INT");
    session.close();
    expect(native()).toEqual(["info start"]);
    expect(fixture.lines().at(-1)).toBe("Linux Director Daemon terminated on signal: INT");
    expect(fixture.lines()).toHaveLength(4);
    expect(existsSync(fixture.pidFile)).toBe(false);
  });

  test.each([
    ["foreground", "output"],
    ["debug", "told"],
  ] as const)("%s has its lines as %s, and no pid file", (mode, where) => {
    using fixture = setUp({ mode, configName: "other" });
    fixture.open().close();
    expect(fixture[where]).toHaveLength(1);
    expect(fixture[where][0]).toEndWith(
      `] Starting Linux Director (appliance 1.2.3) with pid: ${process.pid}\n`,
    );
  });

  test("refuses beside another process that the pid file names", async () => {
    using fixture = setUp({ mode: "daemon" });
    const child = endWithThisProcess(Bun.spawn(["cat"], { argv0: "ldirectord", stdin: "pipe" }));
    writeFileSync(fixture.pidFile, `${child.pid}\n`);
    await waitFor(
      () => readFileSync(`/proc/${child.pid}/cmdline`, "utf8").startsWith("ldirectord"),
      { what: "process" },
    );
    expect(fixture.open).toThrow(`ldirectord (pid ${child.pid}) manages /x/web.cf already`);
    child.kill();
    await child.exited;
    fixture.open().close();
  });

  test("a resource has its pid file where its virtual router is active", () => {
    const other = { file: "/x/mail.cf", logfile: "", supervised: false, cleanstop: true };
    const others = [{ ...other, execute: [], routers: ["lb2"] }];
    using fixture = setUp({ mode: "run" }, { routers: ["lb1"], others });
    const mail = fixture.pidFile.replace("web.cf", "mail.cf");
    const session = fixture.open();
    const there = () => [existsSync(fixture.pidFile), existsSync(mail)];
    expect(there()).toEqual([false, false]);
    session.routerChanged("lb1", true);
    expect(there()).toEqual([true, false]);
    session.routerChanged("lb2", true);
    session.routerChanged("lb1", false);
    expect(there()).toEqual([false, true]);
    session.close();
    expect(there()).toEqual([false, false]);
  });

  test("only a daemon needs its pid file", () => {
    const start = (mode: LdirectordStart["mode"]) => {
      const told: string[] = [];
      const open = () =>
        openLdirectordSession({
          run: {
            file: "web.cf",
            logfile: "/dev/null",
            supervised: false,
            cleanstop: true,
            execute: [],
            routers: [],
            others: [],
          },
          start: { mode },
          config,
          version: "1",
          environment: { APPLIANCE_PID_DIR: "/nonexistent" },
          stdout: () => undefined,
          stderr: (text) => void told.push(text),
        });
      return { open, told };
    };
    expect(start("daemon").open).toThrow("Can not open /nonexistent/ldirectord.web.cf.pid");
    const run = start("run");
    run.open().close();
    expect(run.told.join("")).toContain("going on without a pid file");
  });
});
