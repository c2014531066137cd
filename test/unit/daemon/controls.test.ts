import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { ApplianceError } from "../../../src/errors/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { settle, setUpDirector, web } from "./director-fixture.ts";
import { lastServers } from "./fake-engine.ts";

describe("Director.reload()", () => {
  test("applies what changed and keeps the rest", async () => {
    const { start, health, engine, file, seen } = setUpDirector();
    const director = await start();
    health().set("192.0.2.11", "up");
    health().set("192.0.2.12", "up");
    await settle();
    file.text = `[director]\nlog_level = "debug"\n${web.replace("weight = 2", "weight = 5")}`;
    expect(await director.reload("SIGHUP")).toEqual({
      ok: true,
      plan: [
        'director.log_level: "info" -> "debug"',
        'service "web": real server 192.0.2.12:80: weight: 2 -> 5',
      ],
    });
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 active 5",
    ]);
    expect(seen.levels).toEqual(["debug"]);
    expect(seen.told).toEqual(["ready 1 virtual service", "reloading", "ready 1 virtual service"]);
    expect(seen.settings).toHaveLength(1);
  });

  test("a broken file changes nothing and is shown", async () => {
    const { start, file, engine } = setUpDirector();
    const director = await start();
    const applies = engine.applied.length;
    file.text = "[director\n";
    expect(await director.reload("SIGHUP")).toMatchObject({ ok: false, code: "CONFIG_INVALID" });
    expect(engine.applied).toHaveLength(applies);
    const { configuration } = director.source.snapshot();
    expect(configuration.lastReloadSuccessful).toBe(false);
    expect(configuration.lastReloadError).toContain("test.toml:1");
    file.text = web;
    await director.reload("SIGHUP");
    expect(director.source.snapshot().configuration).toMatchObject({
      lastReloadSuccessful: true,
      lastReloadError: null,
    });
  });

  test("what only a start reads stays, and shows again next time", async () => {
    const { start, file } = setUpDirector();
    const { source } = await start();
    file.text = `[proxy]\nworkers = 4\n[director]\nscript_user = "nobody"\n${web}`;
    const plan = [
      'director.script_user: "appliance" -> "nobody" (at the next start)',
      "proxy.workers: 2 -> 4 (at the next start)",
    ];
    expect(await source.reload(false, "uid 0")).toEqual({ ok: true, plan });
    expect(source.snapshot().proxy.workers).toBe(2);
    expect(await source.reload(true, "uid 0")).toEqual({ ok: true, plan });
  });

  test("a problem is told while the rest is applied, and tried again", async () => {
    const { start, file, engine, clock } = setUpDirector();
    const { source } = await start();
    file.text = `${web}${web.replace('"web"', '"more"').replace("8080", "8081")}`;
    const message = "Cannot listen on 127.0.0.1:8081";
    engine.problems = [{ service: "more", code: "LISTEN_IN_USE", message }];
    expect(await source.reload(false, "uid 0")).toMatchObject({ ok: true });
    expect(source.snapshot().services).toMatchObject([
      { name: "web" },
      { name: "more", state: "down", reason: message },
    ]);
    expect(source.snapshot().notReady).toContain(message);
    engine.problems = [];
    clock.advance(5000);
    await settle();
    expect(source.snapshot().notReady).not.toContain(message);
  });

  test("another status address is taken without a restart, the old one goes a little later", async () => {
    const { start, file, seen, clock } = setUpDirector();
    const director = await start();
    file.text = `[status]\nlisten = "127.0.0.1:9999"\n${web}`;
    await director.reload("SIGHUP");
    expect(director.statusEndpoint()).toEqual({ address: "127.0.0.1", port: 9999 });
    expect(seen.stopped).toEqual([]);
    clock.advance(500);
    await settle();
    expect(seen.stopped).toEqual(["status"]);
  });

  test("a status address that cannot be opened leaves the old one", async () => {
    const { start, file, world, lines } = setUpDirector();
    const director = await start();
    world.statusFailure = new ApplianceError("STATUS_LISTEN", "Cannot serve status");
    file.text = `[status]\nlisten = "127.0.0.1:9999"\n${web}`;
    expect(await director.reload("SIGHUP")).toMatchObject({ ok: true });
    expect(director.statusEndpoint()).toEqual({ address: "127.0.0.1", port: 9780 });
    expect(lines()).toContain('error status reason="Cannot serve status"');
  });

  test("a token file that cannot be used refuses the reload", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "token");
    writeFileSync(path, "short", { mode: 0o600 });
    const { start, file } = setUpDirector();
    const director = await start();
    file.text = `[status]\nread_token_file = ${JSON.stringify(path)}\n${web}`;
    expect(await director.reload("SIGHUP")).toMatchObject({ ok: false, code: "STATUS_TOKEN_FILE" });
  });
});

describe("Director's changes at run time", () => {
  test("drain takes a server out, enable brings it back, both are kept", async () => {
    const { start, health, engine, seen } = setUpDirector();
    const { source } = await start();
    health().set("192.0.2.11", "up");
    health().set("192.0.2.12", "up");
    await settle();
    await source.change({ server: "192.0.2.12", action: "drain" }, "uid 0");
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 quiescent 0",
    ]);
    expect(seen.saved.at(-1)!.size).toBe(1);
    await source.change({ server: "192.0.2.12", action: "enable" }, "uid 0");
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 active 2",
    ]);
    expect(seen.saved.at(-1)!.size).toBe(0);
  });

  test("disable ends the checks, enable waits for a new one", async () => {
    const { start, health, engine } = setUpDirector();
    const { source } = await start();
    health().set("192.0.2.11", "up");
    await source.change({ server: "192.0.2.11:80", action: "disable", kill: true }, "uid 0");
    expect(health().targets.map(({ id }) => id)).toEqual(["web\n192.0.2.12:80"]);
    expect(lastServers(engine)[0]).toBe("real 192.0.2.11:80 reset 0");
    await source.change({ server: "192.0.2.11:80", action: "enable" }, "uid 0");
    expect(lastServers(engine)[0]).toBe("real 192.0.2.11:80 quiescent 0");
    health().set("192.0.2.11", "up");
    await settle();
    expect(lastServers(engine)[0]).toBe("real 192.0.2.11:80 active 1");
  });

  test("an override outlives a reload", async () => {
    const { start, health, engine, file } = setUpDirector();
    const { source } = await start();
    health().set("192.0.2.11", "up");
    await source.change({ server: "192.0.2.11:80", action: "weight", weight: 50 }, "uid 0");
    file.text = web.replace("weight = 2", "weight = 5");
    await source.reload(false, "uid 0");
    expect(lastServers(engine)[0]).toBe("real 192.0.2.11:80 active 50");
  });
});
