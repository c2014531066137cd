import { describe, expect, test } from "bun:test";

import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";
import { serverSnapshot, serviceSnapshot } from "../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const server = "192.0.2.11:80";
const idle = {
  services: [
    serviceSnapshot({
      realServers: [serverSnapshot({ activeConnections: 0, inactiveConnections: 0 })],
    }),
  ],
};

describe("drain, disable, enable, weight", () => {
  test.each([
    [["drain", server], { action: "drain", server }, "draining"],
    [
      ["drain", server, "--service", "web"],
      { action: "drain", server, service: "web" },
      "draining",
    ],
    [["enable", server], { action: "enable", server }, "enabled"],
    [["disable", server], { action: "disable", server, kill: false }, "disabled"],
    [["disable", "--kill", server], { action: "disable", server, kill: true }, "disabled"],
    [["weight", server, "5"], { action: "weight", server, weight: 5 }, "weight 5"],
    [["weight", server, "0"], { action: "weight", server, weight: 0 }, "weight 0"],
  ] as [string[], unknown, string][])("%j", async (args, request, done) => {
    await using fixture = await createCliFixture();
    const { status, stdout, stderr } = await fixture.run(args);
    expect([status, stdout, stderr]).toEqual([0, `web 192.0.2.11:80: ${done}\n`, ""]);
    expect(fixture.source.changes).toEqual([{ request, by: "uid 1000" }] as never);
  });

  test("tell a restriction as a warning", async () => {
    await using fixture = await createCliFixture();
    const changed = [{ service: "web", server }];
    fixture.source.changeResult = { ok: true, changed, warning: "not kept over a restart" };
    const { status, stderr } = await fixture.run(["drain", server]);
    expect([status, stderr]).toEqual([0, "warning: not kept over a restart\n"]);
  });

  test("--json has what was changed", async () => {
    await using fixture = await createCliFixture();
    for (const args of [
      ["drain", server],
      ["weight", server, "1"],
    ]) {
      const { stdout } = await fixture.run([...args, "--json"]);
      expect(JSON.parse(stdout).changed).toEqual([{ service: "web", server }]);
    }
  });

  test.each([
    [["drain"], 64],
    [["drain", "a", "b"], 64],
    [["drain", "a", "--kill"], 64],
    [["drain", "a", "--timeout", "5s"], 64],
    [["drain", "a", "--wait", "--timeout", "5"], 64],
    [["weight", "a"], 64],
    [["weight", "a", "65536"], 64],
    [["weight", "a", "-1"], 64],
    [["weight", "a", "1.5"], 64],
  ] as [string[], number][])("%j is refused with its usage", async (args, expected) => {
    await using fixture = await createCliFixture();
    const { status, stderr } = await fixture.run(args);
    expect(status).toBe(expected);
    expect(stderr).toContain(`usage: appliance ${args[0]} REAL_SERVER`);
    expect(fixture.source.changes).toEqual([]);
  });

  test("an unknown server is 65, in words and as JSON", async () => {
    await using fixture = await createCliFixture();
    fixture.source.changeResult = { ok: false, code: "SERVER_UNKNOWN", message: "No such server" };
    const text = await fixture.run(["drain", "x"]);
    expect([text.status, text.stderr]).toEqual([65, "appliance drain: No such server\n"]);
    const json = await fixture.run(["drain", "x", "--json"]);
    expect([json.status, json.stderr, JSON.parse(json.stdout)]).toEqual([
      65,
      "",
      { error: { code: "SERVER_UNKNOWN", message: "No such server" } },
    ]);
  });

  test("are 69 when no director runs", async () => {
    using folder = createTempFolder();
    expect((await runLine(folder.path, ["drain", "x"])).status).toBe(69);
  });
});

describe("drain --wait", () => {
  test("shows progress until the connections have ended", async () => {
    await using fixture = await createCliFixture();
    const { status, stdout } = await fixture.run(["drain", server, "--wait"], {
      onOutput: (text) => {
        if (text.includes("15 connections left")) fixture.source.set(idle);
      },
    });
    expect(status).toBe(0);
    expect(stdout).toBe("web 192.0.2.11:80: draining\n15 connections left\n0 connections left\n");
  });

  test("is 75 when the time is over, the drain stays", async () => {
    await using fixture = await createCliFixture();
    const { status, stderr } = await fixture.run(["drain", server, "--wait", "--timeout", "1ms"]);
    expect([status, stderr]).toEqual([
      75,
      "appliance drain: the time is over, 15 connections left; drain stays in force\n",
    ]);
  });

  test("is 75 when interrupted", async () => {
    await using fixture = await createCliFixture();
    const stop = new AbortController();
    const { status, stderr } = await fixture.run(["drain", server, "--wait"], {
      signal: stop.signal,
      onOutput: (text) => {
        if (text.includes("left")) stop.abort();
      },
    });
    expect(status).toBe(75);
    expect(stderr).toContain("interrupted, 15 connections left");
  });

  test("--json has how it ended", async () => {
    await using fixture = await createCliFixture(idle);
    const { status, stdout } = await fixture.run(["drain", server, "--wait", "--json"]);
    expect([status, JSON.parse(stdout)]).toEqual([
      0,
      { changed: [{ service: "web", server }], wait: { outcome: "done", left: 0 } },
    ]);
  });

  test("enable waits until the server is up", async () => {
    const services = [serviceSnapshot({ realServers: [serverSnapshot({ health: "down" })] })];
    await using fixture = await createCliFixture({ services });
    const { status, stdout } = await fixture.run(["enable", server, "--wait"], {
      onOutput: (text) => {
        if (text.includes("not up yet")) fixture.source.set({ services: [serviceSnapshot()] });
      },
    });
    expect([status, stdout]).toEqual([
      0,
      "web 192.0.2.11:80: enabled\n1 real server is not up yet\nall real servers are up\n",
    ]);
  });
});
