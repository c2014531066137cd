import { describe, expect, test } from "bun:test";

import { mailGatherMs } from "../../../src/daemon/mailer.ts";
import { maintenanceIntervalMs } from "../../../src/daemon/maintenance.ts";
import { notHurried, settle, setUpDirector, web } from "./director-fixture.ts";

const head = '[director]\nmaintenance_dir = "/m"\n[mail]\nto = ["ops@example.com"]\n';
const told = `${web}monitor_file = "/var/log/m"\nfallback_command = "/bin/fallback"\n`;
const text = `${head}${told}`;

/** A director whose servers are both up. */
async function setUp() {
  const fixture = setUpDirector(text);
  const director = await fixture.start();
  const set = async (health: "up" | "down", ...addresses: readonly string[]): Promise<void> => {
    for (const address of addresses) fixture.health().set(address, health);
    await settle();
  };
  const maintain = async (...files: readonly string[]): Promise<void> => {
    fixture.world.maintenance = [...files];
    fixture.clock.advance(maintenanceIntervalMs);
    await settle();
  };
  await set("up", "192.0.2.11", "192.0.2.12");
  return { ...fixture, director, set, maintain };
}

describe("createFollowers()", () => {
  test("the fallback command is told at down, at up and at the stop", async () => {
    const { director, set, seen } = await setUp();
    await set("down", "192.0.2.11", "192.0.2.12");
    await set("up", "192.0.2.12");
    await set("down", "192.0.2.12");
    await director.stop("test", notHurried());
    const words = ["stop", "start", "stop", "start", "stop"];
    expect(seen.commands).toEqual(words.map((word) => `/bin/fallback ${word} 127.0.0.1:8080 tcp`));
  });

  test("a server in maintenance gets nothing, is not checked, and says why", async () => {
    const { director, maintain, engine, health, lines, set, seen, clock } = await setUp();
    await maintain("192.0.2.11");
    expect(engine.applied.at(-1)![0]!.servers).toMatchObject([
      { key: "192.0.2.11:80", state: "down", weight: 0 },
      { key: "192.0.2.12:80", state: "active", weight: 2 },
    ]);
    expect(health().targets.map(({ id }) => id)).toEqual(["web\n192.0.2.12:80"]);
    const [server] = director.source.snapshot().services[0]!.realServers;
    expect(server).toMatchObject({ health: "down", reason: "in maintenance: file 192.0.2.11" });
    expect(lines()).toContain(
      'warning server-down service=web server=192.0.2.11:80 reason="in maintenance: file 192.0.2.11"',
    );
    clock.advance(mailGatherMs);
    await settle();
    expect(seen.mails.map(({ subject }) => subject)).toEqual([
      "[appliance lb1] web: real server 192.0.2.11:80 is down",
    ]);
    expect(seen.appended.join("")).toEndWith("[down] Server in maintenance\n");

    await maintain();
    // It has to be checked before it gets anything.
    expect(engine.applied.at(-1)![0]!.servers[0]).toMatchObject({ state: "quiescent", weight: 0 });
    await set("up", "192.0.2.11");
    expect(engine.applied.at(-1)![0]!.servers[0]).toMatchObject({ state: "active", weight: 1 });
    await director.stop("test", notHurried());
    expect(clock.pendingCount()).toBe(0);
  });

  test("results of checks become lines of the monitor file", async () => {
    const { director, tellResult, seen } = await setUp();
    tellResult("web\n192.0.2.12:80", { up: false, tookMs: 1, reason: "timeout", detail: "1 s" });
    await director.stop("test", notHurried());
    expect(seen.appended).toHaveLength(1);
    expect(seen.appended[0]).toMatch(
      /^\/var\/log\/m \[.*\] \[\d+\] connect tcp 192\.0\.2\.12 80 2 proxy \/ {2}\[down\] 1 s\n$/,
    );
  });

  test("a reload brings another directory, other readers and other files", async () => {
    const { director, file, seen, tellResult, maintain, set, clock, health } = await setUp();
    file.text = `[mail]\nto = ["other@example.com"]\n${web}`;
    await director.reload("test");
    tellResult("web\n192.0.2.12:80", { up: true, tookMs: 1 });
    await maintain("192.0.2.11");
    expect(health().targets).toHaveLength(2);
    await set("down", "192.0.2.11");
    clock.advance(mailGatherMs);
    await settle();
    expect(seen.mails.map(({ to }) => to.join())).toEqual(["other@example.com"]);
    expect(seen.appended).toEqual([]);
    await director.stop("test", notHurried());
  });

  test("a mail tells that the director stops", async () => {
    const { director, seen } = await setUp();
    await director.stop("test", notHurried());
    expect(seen.mails.map(({ subject }) => subject)).toEqual([
      "[appliance lb1] the director stops, 1 virtual service ends",
    ]);
  });
});
