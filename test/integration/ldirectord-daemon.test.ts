/**
 * Directors that were started as `ldirectord`: several side by side, files that change, the log that
 * scripts read, and what a real ldirectord manages.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { renameSync, writeFileSync } from "node:fs";

import {
  createCommandHost,
  isAlive,
  readIfThere,
  startRealServer,
} from "../helpers/ldirectord/command-host.ts";
import { fetchPage, tryPage } from "../helpers/page.ts";
import { freePorts, isListening } from "../helpers/port.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { executablePath, requirePeer } from "../helpers/require-peer.ts";
import { waitFor } from "../helpers/wait.ts";

const replaced = requirePeer("ldirectord");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const testMs = 60_000;
const createHost = () => createCommandHost(cleanups);
const startServer = (name: string): number => startRealServer(name, cleanups);

describe("a director called as ldirectord", () => {
  test(
    "two directors side by side, and one that execute starts with another",
    async () => {
      const host = createHost();
      const ports = await freePorts(3);
      const [a, b, c] = ["a", "b", "c"].map(startServer);
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
      const one = startServer("one");
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
      host.write("web.cf", ["supervised=yes"], [{ port: port!, servers: [startServer("one")] }]);
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
      host.write("web.cf", [], [{ port: port!, servers: [startServer("one")] }]);
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
