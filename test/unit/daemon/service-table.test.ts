import { describe, expect, test } from "bun:test";

import type { Health } from "../../../src/daemon/assessment.ts";
import { createEngineChooser } from "../../../src/daemon/choose-engine.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { createServiceTable } from "../../../src/daemon/service-table.ts";
import type { VirtualService } from "../../../src/model/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createFakeEngine, lastServers } from "./fake-engine.ts";
import { realServer, virtualService } from "./fixture.ts";

const autoConfig = { director: { engine: "auto" } } as const;

/** A table over a fake engine, whose health is set by address. */
function setUp(services: readonly VirtualService[] = [virtualService()]) {
  const clock = createFakeClock();
  const engine = createFakeEngine();
  const health = new Map<string, Health>();
  const reports: Report[] = [];
  const changes: string[] = [];
  let configured = services;
  const table = createServiceTable({
    clock,
    engine,
    services: () => configured,
    facts: {
      addressOf: (host) => host,
      server: (_service, _key, { host }) => ({
        address: host,
        health: health.get(host) ?? "unchecked",
        reason: "because",
        override: undefined,
      }),
    },
    choose: createEngineChooser(engine, () => autoConfig),
    report: (report) => void reports.push(report),
    onTransition: ({ name }, transition) => void changes.push(`${name} ${transition.name}`),
    afterRun: () => undefined,
  });
  const run = async (): Promise<void> => {
    table.request();
    await table.settled();
  };
  return {
    clock,
    engine,
    health,
    reports,
    changes,
    table,
    run,
    configure: (next: readonly VirtualService[]) => (configured = next),
  };
}

const problem = { service: "web", code: "LISTEN_IN_USE", message: "Cannot listen" };

describe("createServiceTable()", () => {
  test("sends nothing to a server before its first check", async () => {
    const { run, engine } = setUp();
    await run();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 quiescent 0",
      "real 192.0.2.12:80 quiescent 0",
    ]);
  });

  test("follows health, and tells each change once", async () => {
    const { run, engine, health, changes, reports } = setUp();
    await run();
    health.set("192.0.2.11", "up").set("192.0.2.12", "up");
    await run();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 active 2",
    ]);
    health.set("192.0.2.12", "down");
    await run();
    await run();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "real 192.0.2.12:80 down 0",
    ]);
    expect(changes).toEqual([
      "web server-up",
      "web server-up",
      "web service-live",
      "web service-up",
      "web server-down",
    ]);
    expect(reports.map(({ name, text, reason }) => `${name} ${text} ${reason}`)).toEqual([
      "server-up Real server is up because",
      "server-up Real server is up because",
      "service-up Service is up live weight 3, quorum 1",
      "server-down Real server is down because",
    ]);
  });

  test("turns to the fallback and back", async () => {
    const service = virtualService({
      fallback: { host: "127.0.0.1", port: 80 },
      realServers: [realServer("192.0.2.11", 80)],
    });
    const { run, engine, health, changes } = setUp([service]);
    health.set("192.0.2.11", "down");
    await run();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 down 0",
      "fallback 127.0.0.1:80 active 1",
    ]);
    health.set("192.0.2.11", "up");
    await run();
    expect(lastServers(engine)).toEqual([
      "real 192.0.2.11:80 active 1",
      "fallback 127.0.0.1:80 quiescent 0",
    ]);
    expect(changes).toEqual([
      "web server-down",
      "web service-dead",
      "web service-down",
      "web fallback-on",
      "web server-up",
      "web service-live",
      "web service-up",
      "web fallback-off",
    ]);
  });

  test("many changes at once make one apply, and applies never overlap", async () => {
    const { table, engine, health } = setUp();
    table.request();
    health.set("192.0.2.11", "up");
    table.request();
    health.set("192.0.2.12", "up");
    table.request();
    await table.settled();
    expect(engine.applied).toHaveLength(1);
    expect(engine.overlaps()).toBe(0);
  });

  test("takes another configuration", async () => {
    const { run, engine, configure } = setUp();
    await run();
    configure([virtualService({ name: "other", realServers: [realServer("192.0.2.5", 1)] })]);
    await run();
    expect(engine.applied.at(-1)!.map(({ name }) => name)).toEqual(["other"]);
  });

  test("tells a problem once, tries again, and tells when it is gone", async () => {
    const { run, engine, table, reports, clock } = setUp();
    engine.problems = [problem];
    await run();
    await run();
    expect(table.problems()).toEqual([problem]);
    engine.problems = [];
    clock.advance(5000);
    await table.settled();
    expect(table.problems()).toEqual([]);
    expect(reports).toMatchObject([
      { level: "error", name: "listener-failed", service: "web", reason: "Cannot listen" },
      { level: "info", name: "listener-open", service: "web", reason: "no longer: Cannot listen" },
    ]);
    expect(engine.applied).toHaveLength(3);
    await table.close();
    expect(clock.pendingCount()).toBe(0);
  });

  test("survives an engine that fails, and tries again", async () => {
    const { run, engine, table, clock } = setUp();
    engine.failure = new Error("worker is gone");
    await run();
    expect(table.problems()).toEqual([
      { service: "", code: "ENGINE_FAILED", message: "worker is gone" },
    ]);
    engine.failure = undefined;
    clock.advance(5000);
    await table.settled();
    expect(table.problems()).toEqual([]);
  });

  test("keeps from the engine what it cannot carry, and serves the rest", async () => {
    const { run, engine, table } = setUp([
      virtualService({ name: "direct", forwarding: "gate" }),
      virtualService(),
    ]);
    await run();
    expect(engine.applied.at(-1)!.map(({ name }) => name)).toEqual(["web"]);
    expect(table.problems()).toMatchObject([{ service: "direct", code: "ENGINE_REFUSED" }]);
  });

  test("gives services to the engine that was chosen, and says which", async () => {
    const { run, engine, table } = setUp([
      virtualService({ name: "direct", forwarding: "gate" }),
      virtualService({ name: "refused", forwarding: "gate", engine: "bpf" }),
      virtualService(),
    ]);
    engine.ipvsObstacle = () => undefined;
    await run();
    expect(engine.applied.at(-1)!.map((service) => [service.name, service.engine])).toEqual([
      ["direct", "ipvs"],
      ["web", "proxy"],
    ]);
    expect(Object.fromEntries(table.decisions())).toEqual({
      direct: { engine: "ipvs", reason: "the kernel has it", warning: undefined },
      refused: {
        refusal: "forwarding gate needs the engine bpf: this director has no engine of the kernel",
      },
      web: { engine: "proxy", reason: "forwarding is proxy", warning: undefined },
    });
  });

  test("asks the engine whether it can", async () => {
    const { run, engine, table } = setUp();
    engine.refuse = () => "not over UDP";
    await run();
    expect(engine.applied.at(-1)).toEqual([]);
    expect(table.problems()).toEqual([
      { service: "web", code: "ENGINE_REFUSED", message: "not over UDP" },
    ]);
  });

  test("idsAt() finds servers by the endpoint that the engine knows", async () => {
    const { run, table } = setUp();
    await run();
    expect(table.idsAt("web", "192.0.2.11:80")).toEqual(["web\n192.0.2.11:80"]);
    expect(table.idsAt("web", "192.0.2.11:81")).toEqual([]);
    expect(table.idsAt("none", "192.0.2.11:80")).toEqual([]);
  });
});
