import { describe, expect, test } from "bun:test";

import { ApplianceError } from "../../../src/errors/index.ts";
import { notHurried, settle, setUpDirector, web } from "./director-fixture.ts";
import { lastServers } from "./fake-engine.ts";

describe("startDirector()", () => {
  test("opens listeners first and sends nothing anywhere before the first checks", async () => {
    const { start, engine, health, seen } = setUpDirector();
    const director = await start();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 quiescent 0",
      "real 192.0.2.12:80 quiescent 0",
    ]);
    expect(health().targets.map(({ target }) => target?.address)).toEqual([
      "192.0.2.11",
      "192.0.2.12",
    ]);
    expect(seen.settings).toHaveLength(1);
    expect(director.statusEndpoint()).toEqual({ address: "127.0.0.1", port: 9780 });
    expect(seen.told).toEqual(["ready 1 virtual service"]);
  });

  test("is ready when the first check of each server has ended, and stays so", async () => {
    const { start, health } = setUpDirector();
    const { source } = await start();
    expect(source.snapshot()).toMatchObject({
      ready: false,
      notReady: ["first checks have not ended"],
    });
    health().set("192.0.2.11", "up");
    await settle();
    expect(source.snapshot().ready).toBe(false);
    health().set("192.0.2.12", "down");
    await settle();
    expect(source.snapshot()).toMatchObject({ ready: true, notReady: [] });
  });

  test("follows health", async () => {
    const { start, health, engine, lines } = setUpDirector();
    await start();
    health().set("192.0.2.11", "up");
    health().set("192.0.2.12", "up");
    await settle();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 active 2",
    ]);
    health().set("192.0.2.12", "down");
    await settle();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 down 0",
    ]);
    expect(lines()).toContain(
      'warning server-down service=web server=192.0.2.12:80 reason="it is down"',
    );
  });

  test("a failed connect of the engine hurries the check of that server", async () => {
    const { start, health, listener, lines } = setUpDirector();
    await start();
    listener()({
      type: "connect-failed",
      service: "web",
      serverKey: "192.0.2.12:80",
      reason: "refused",
    });
    expect(health().suspected).toEqual(["web\n192.0.2.12:80"]);
    expect(lines()).toContain(
      "warning connect-failed service=web server=192.0.2.12:80 reason=refused",
    );
  });

  test("resolves names off the main path; what is not resolved is down", async () => {
    const { start, health, engine, world, clock, lines } = setUpDirector(`
[[virtual_service]]
name = "web"
listen = "127.0.0.1:8080"
real_servers = [{ address = "web1:80" }, { address = "web2:80" }]
`);
    world.names.set("web1", { addresses: ["192.0.2.21"], ttlMs: 30_000 });
    const director = await start();
    expect(health().targets).toMatchObject([
      { target: { address: "192.0.2.21", host: "web1" } },
      { target: undefined },
    ]);
    health().set("192.0.2.21", "up");
    await settle();
    expect(lastServers(engine)).toEqual(["real 192.0.2.21:80 active 1"]);
    expect(lines()).toContain(
      'warning name-unresolved server=web2 reason="Name cannot be resolved, its real server is down"',
    );
    world.names.set("web2", { addresses: ["192.0.2.22"], ttlMs: 30_000 });
    clock.advance(5000);
    await settle();
    expect(health().targets).toMatchObject([{}, { target: { address: "192.0.2.22" } }]);
    await director.stop("test", notHurried());
  });

  test("takes overrides of the last run, and tells of those for nobody", async () => {
    const { start, engine, health, world, lines } = setUpDirector();
    const override = { kill: false, weight: undefined, by: "uid 0", at: "T" };
    world.overrides = new Map([
      ["web\n192.0.2.11:80", { ...override, admin: "disabled" }],
      ["gone\n192.0.2.1:80", { ...override, admin: "draining" }],
    ]);
    world.overridesWarning = "Cannot use overrides.json: it is not JSON";
    await start();
    health().set("192.0.2.12", "up");
    await settle();
    expect(health().targets).toHaveLength(1);
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 quiescent 0",
      "real 192.0.2.12:80 active 2",
    ]);
    expect(lines()).toContain("warning override-unused service=gone server=192.0.2.1:80");
    expect(lines()).toContain(
      'warning override reason="Cannot use overrides.json: it is not JSON"',
    );
  });

  test("warns of masq on the proxy", async () => {
    const { start, lines } = setUpDirector(web.replace("listen", 'forwarding = "masq"\nlisten'));
    await start();
    const warnings = lines().filter((line) => line.startsWith("warning engine service=web"));
    expect(warnings).toHaveLength(1);
  });

  test("a listener that cannot be opened stops the start, with all problems", async () => {
    const { start, engine, health, seen } = setUpDirector();
    engine.problems = [
      { service: "web", code: "LISTEN_IN_USE", message: "Cannot listen on 127.0.0.1:8080" },
      { service: "dns", code: "LISTEN_IN_USE", message: "Cannot listen on 127.0.0.1:53" },
    ];
    await expect(start()).rejects.toMatchObject({
      code: "DIRECTOR_LISTEN",
      message:
        "Cannot start:\n  virtual service web: Cannot listen on 127.0.0.1:8080\n  virtual service dns: Cannot listen on 127.0.0.1:53",
    });
    expect(engine.closed).toMatchObject([{ timeoutMs: 0, hurry: { aborted: true } }]);
    expect(health().isClosed).toBe(true);
    expect(seen.told).toEqual([]);
  });

  test("a port that is not permitted is told apart", async () => {
    const { start, engine } = setUpDirector();
    engine.problems = [{ service: "web", code: "LISTEN_NOT_PERMITTED", message: "Cannot listen" }];
    await expect(start()).rejects.toMatchObject({ code: "DIRECTOR_LISTEN_NOT_PERMITTED" });
  });

  test("a status endpoint that cannot be opened stops the start", async () => {
    const { start, engine, seen, world, clock } = setUpDirector();
    world.statusFailure = new ApplianceError("STATUS_LISTEN", "Cannot serve status");
    await expect(start()).rejects.toMatchObject({ code: "STATUS_LISTEN" });
    expect(engine.closed).toHaveLength(1);
    expect(seen.stopped).toEqual(["control"]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("refuses more listeners than there are descriptors, with the numbers", async () => {
    const { start, world, engine } = setUpDirector();
    world.descriptorsMax = 100;
    await expect(start()).rejects.toMatchObject({
      code: "CONFIG_TOO_MANY_LISTENERS",
      message: expect.stringContaining("got a limit of 100"),
    });
    expect(engine.applied).toEqual([]);
  });
});

describe("Director's status source", () => {
  test("shows the configuration and what happened, newest first", async () => {
    const { start } = setUpDirector();
    const { source } = await start();
    const snapshot = source.snapshot();
    expect(snapshot).toMatchObject({
      version: 1,
      program: { version: "1.2.3", commit: "abc" },
      configuration: { files: ["test.toml"], lastReloadSuccessful: true },
      proxy: { workers: 2, engine: "native" },
      services: [{ name: "web", engine: "proxy", state: "down" }],
    });
    expect(snapshot.events.at(-1)).toMatchObject({
      kind: "start",
      text: "Started with 1 virtual service, engine proxy",
    });
    expect(source.configuration()).toMatchObject({ virtual_service: [{ name: "web" }] });
  });

  test("tells events as they happen", async () => {
    const { start, health } = setUpDirector();
    const { source } = await start();
    const texts: string[] = [];
    const end = source.subscribe(({ text }) => texts.push(text));
    health().set("192.0.2.11", "up");
    await settle();
    end();
    health().set("192.0.2.12", "up");
    await settle();
    expect(texts).toEqual([
      "Real server is up: it is up",
      "Service is up: live weight 1, quorum 1",
    ]);
  });

  test("is healthy while the main loop beats", async () => {
    const { start, clock } = setUpDirector();
    const director = await start();
    clock.advance(60_000);
    expect(director.source.isHealthy()).toBe(true);
    await director.stop("test", notHurried());
    clock.advance(5000);
    expect(director.source.isHealthy()).toBe(false);
  });

  test("dumpState() writes each service and server to the log", async () => {
    const { start, lines } = setUpDirector();
    const director = await start();
    director.dumpState();
    expect(lines().filter((line) => line.startsWith("info state-"))).toEqual([
      'info state-service service=web state=down reason="first checks have not ended" active=0 connections=0',
      'info state-server service=web server=192.0.2.11:80 health=unchecked admin=enabled weight=1 effective_weight=0 active=0 connections=0 reason="not checked yet"',
      'info state-server service=web server=192.0.2.12:80 health=unchecked admin=enabled weight=2 effective_weight=0 active=0 connections=0 reason="not checked yet"',
    ]);
  });
});

describe("Director.stop()", () => {
  const hooked = web.replace(
    "real_servers",
    'quorum_down = ["/bin/true"]\non_service_down = ["/bin/true"]\nreal_servers',
  );

  test("drains the engine, then closes status; nothing is left running", async () => {
    const { start, engine, health, seen, clock } = setUpDirector(
      `[director]\nstop_timeout = "7s"\n${web}`,
    );
    const director = await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    engine.closing = promise;
    const stopped = director.stop("SIGTERM", notHurried());
    await settle();
    expect(engine.closed).toMatchObject([{ timeoutMs: 7000 }]);
    expect(seen.stopped).toEqual([]);
    expect(director.source.snapshot()).toMatchObject({ ready: false });
    expect(await director.source.reload(false, "uid 0")).toMatchObject({
      code: "DIRECTOR_STOPPING",
    });
    expect(
      await director.source.change({ server: "192.0.2.11", action: "drain" }, "uid 0"),
    ).toMatchObject({ code: "DIRECTOR_STOPPING" });
    resolve();
    await stopped;
    expect(seen.stopped.toSorted()).toEqual(["control", "status"]);
    expect(seen.told.at(-1)).toBe("stopping");
    expect(health().isClosed).toBe(true);
    expect(clock.pendingCount()).toBe(0);
  });

  test("hands the wish to hurry to the engine", async () => {
    const { start, engine } = setUpDirector();
    const director = await start();
    const hurry = new AbortController();
    await director.stop("SIGTERM", hurry.signal);
    hurry.abort();
    expect(engine.closed[0]!.hurry.aborted).toBe(true);
  });

  test("runs the programs for services that go down with it", async () => {
    const { start, health, seen } = setUpDirector(hooked);
    const director = await start();
    health().set("192.0.2.11", "up");
    await settle();
    await director.stop("SIGTERM", notHurried());
    expect(seen.hooks).toEqual(["web on_service_down", "web quorum_down"]);
  });

  test("does not wait for programs in a hurry", async () => {
    const { start, health, seen } = setUpDirector(hooked);
    const director = await start();
    health().set("192.0.2.11", "up");
    await settle();
    seen.idle = new Promise(() => undefined);
    const hurry = new AbortController();
    const stopped = director.stop("SIGTERM", hurry.signal);
    await settle();
    hurry.abort();
    await stopped;
  });
});
