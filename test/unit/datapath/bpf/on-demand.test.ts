import { describe, expect, test } from "bun:test";

import { createBpfEngine } from "../../../../src/datapath/bpf/on-demand.ts";
import type { OnDemandOptions } from "../../../../src/datapath/bpf/on-demand.ts";
import type {
  ApplyProblem,
  BpfEngine,
  BpfEngineOptions,
  EngineEvent,
} from "../../../../src/datapath/index.ts";
import { forwardingServer, forwardingService } from "../../../helpers/balancer-lan.ts";
import { createFakeClock } from "../../../helpers/fake-clock.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

const service = forwardingService(["192.0.2.1", 80], [forwardingServer("192.0.2.11", 80)]);
const live = new AbortController().signal;

/** What was done to an engine of the kernel. */
interface Opened {
  readonly options: BpfEngineOptions;
  readonly calls: unknown[];
}

function setUp(changes: Partial<OnDemandOptions> = {}) {
  const folder = createTempFolder();
  const clock = createFakeClock();
  const opened: Opened[] = [];
  const events: EngineEvent[] = [];
  const levers: { problems: readonly ApplyProblem[] } = { problems: [] };
  const open = (options: BpfEngineOptions): BpfEngine => {
    const calls: unknown[] = [];
    opened.push({ options, calls });
    const engine = {
      apply: async (services: readonly unknown[]) => {
        calls.push(services.length);
        return levers.problems;
      },
      counters: () => [{ name: "web" }],
      connections: async (limit: number) => [limit],
      drops: () => ({ ttl: 3, closed: 0 }),
      close: async (timeoutMs: number) => void calls.push(["close", timeoutMs]),
      leave: () => void calls.push("leave"),
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much as is used.
    return engine as unknown as BpfEngine;
  };
  const engine = createBpfEngine({
    runtimeDirectory: folder.path,
    listener: (event) => void events.push(event),
    clock,
    open,
    findObstacle: () => undefined,
    ...changes,
  });
  const [dispose] = [() => folder[Symbol.dispose]()];
  return { engine, opened, events, levers, clock, folder, [Symbol.dispose]: dispose };
}

describe("createBpfEngine()", () => {
  test("opens nothing before there is a service", async () => {
    using bench = setUp();
    const { engine, opened } = bench;
    expect(await engine.apply([])).toEqual([]);
    expect(engine.counters()).toEqual([]);
    expect(engine.droppedPackets?.()).toEqual([]);
    expect(await engine.connections(5)).toEqual([]);
    await engine.close(100, live);
    expect(opened).toEqual([]);
  });

  test("opens with the first service and goes with the last one", async () => {
    using bench = setUp();
    const { engine, opened } = bench;
    await engine.apply([{ ...service, leased: ["192.0.2.1"] }]);
    expect(opened[0]!.options.leased).toEqual(["192.0.2.1"]);
    expect(engine.counters()).toHaveLength(1);
    expect(engine.droppedPackets?.()).toEqual([
      { engine: "bpf", reason: "ttl", count: 3 },
      { engine: "bpf", reason: "closed", count: 0 },
    ]);
    await engine.apply([]);
    await engine.apply([]);
    expect(opened.map(({ calls }) => calls)).toEqual([[1, ["close", 0]]]);
    await engine.apply([service]);
    expect(opened).toHaveLength(2);
  });

  test("leaves what is in force to the next process", async () => {
    using bench = setUp();
    const { engine, opened } = bench;
    await engine.apply([service]);
    engine.leave?.();
    await engine.close(100, live);
    expect(opened.map(({ calls }) => calls)).toEqual([[1, "leave"]]);
  });

  test("tells why it cannot be opened, for each service", async () => {
    const open = (): BpfEngine => {
      throw new Error("no memory");
    };
    using bench = setUp({ open });
    expect(await bench.engine.apply([service])).toEqual([
      { service: service.name, code: "BPF_FAILED", message: "bpf cannot be used: no memory" },
    ]);
  });

  test("warns once of servers without a way, and serves with the others", async () => {
    using bench = setUp();
    const { engine, levers, events } = bench;
    const unreachable = { service: "web", code: "BPF_SERVER_UNREACHABLE", message: "a: no route" };
    const full = { service: "web", code: "BPF_TABLE_FULL", message: "full" };
    levers.problems = [unreachable, full];
    expect(await engine.apply([service])).toEqual([full]);
    expect(await engine.apply([service])).toEqual([full]);
    expect(events).toEqual([{ type: "log", level: "warning", text: "web: a: no route" }]);
    levers.problems = [];
    await engine.apply([service]);
    levers.problems = [unreachable];
    await engine.apply([service]);
    expect(events).toHaveLength(2);
  });

  test("asks a host that cannot again after some seconds, and never one that can", () => {
    let asked = 0;
    let obstacle: string | undefined = "no file system";
    using bench = setUp({
      findObstacle: () => {
        asked += 1;
        return obstacle;
      },
    });
    const { engine, clock } = bench;
    expect([engine.bpfObstacle?.(), engine.bpfObstacle?.()]).toEqual([obstacle, obstacle]);
    expect([asked, engine.refuse(service)]).toEqual([1, "no file system"]);
    obstacle = undefined;
    clock.advance(5000);
    expect([engine.bpfObstacle?.(), engine.bpfObstacle?.(), asked]).toEqual([
      undefined,
      undefined,
      2,
    ]);
    expect(engine.refuse({ ...service, firewallMark: 1 })).toContain("firewall marks");
  });
});
