/**
 * Failover of a director over a real-time thread that only writes down what it is told.
 */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseConfig } from "../../../src/config/index.ts";
import type { ServiceAssessment } from "../../../src/daemon/assessment.ts";
import { DirectorFailover } from "../../../src/daemon/failover.ts";
import type { JudgedService } from "../../../src/daemon/fitness.ts";
import type { Hook } from "../../../src/daemon/hooks.ts";
import type {
  FailoverOptions,
  HandedFailover,
  InstanceView,
  RealtimeEvent,
  UnplacedPlan,
} from "../../../src/failover/index.ts";
import type { Config } from "../../../src/model/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { settle } from "./director-fixture.ts";
import { assessedServer, virtualService } from "./fixture.ts";

type InstanceState = InstanceView["state"];

const address = "192.0.2.100";

function configOf(lines = "", rest = ""): Config {
  const text = `
[director]
script_user = "nobody"

[[vrrp]]
name = "web"
interface = "eth0"
vrid = 51
addresses = ["${address}"]
auth = "none"
${lines}
${rest}
`;
  return parseConfig(text, "a.toml", { cores: 1 }).config;
}

const other = `
[[vrrp]]
name = "mail"
interface = "eth0"
vrid = 52
addresses = ["192.0.2.101"]
auth = "none"
`;
const empty: Config = { ...configOf(), virtualRouters: [] };

function service(state: JudgedService["state"], health: string): ServiceAssessment {
  const realServers = [{ check: { intervalMs: 1000 } }];
  const judged = { service: { listen: [{ address }], realServers }, servers: [{ health }], state };
  return judged as unknown as ServiceAssessment;
}

/** A service with scheduler mh and one real server. */
function hashed(weight: number): ServiceAssessment {
  const server = assessedServer("192.0.2.11", 80, { effectiveWeight: weight });
  const mh = virtualService({ scheduler: "mh" });
  return { ...service("up", "up"), service: mh, servers: [server], fallback: undefined };
}

function setUp(answers = { isGood: true }) {
  const clock = createFakeClock();
  const orders: string[] = [];
  const plans: UnplacedPlan[][] = [];
  const reports: string[] = [];
  const hooks: Hook[] = [];
  const followed: string[] = [];
  const states = new Map<string, InstanceState>();
  const seen = {
    listener: undefined as ((event: RealtimeEvent) => void) | undefined,
    beatAgeMs: 0,
    isTaken: true,
  };
  const order = async (...words: unknown[]): Promise<void> => void orders.push(words.join(" "));
  const startThread = (options: FailoverOptions) => {
    seen.listener = options.listener;
    return {
      apply: (next: readonly UnplacedPlan[]) => {
        plans.push([...next]);
        return order("apply", ...next.map(({ name }) => name));
      },
      close: () => order("close"),
      describe: () => handed,
      endDrain: (name: string) => order("drained", name),
      leave: () => order("leave"),
      peer: () => undefined,
      prepare: (next: readonly UnplacedPlan[]) =>
        order("prepare", ...next.map(({ name }) => name), options.batonFd),
      proveWitness: (name: string, round: number) => order("proof", name, round),
      realtime: () => ({
        beatAgeMs: seen.beatAgeMs,
        wakeups: 1,
        lateWakeups: 0,
        latenessMaxMs: 0,
        fenceRepairs: 0,
        hasGuard: true,
      }),
      setComplete: async () => undefined,
      setFitness: (name: string, fitness: { isFit: boolean; liveServers: number }) =>
        order("fitness", name, fitness.isFit, fitness.liveServers),
      setTables: ({ hash, count }: { hash: string; count: number }) => order("tables", hash, count),
      setWitness: (name: string, isReached: boolean) => order("witness", name, isReached),
      standby: (name?: string) => {
        if (name === undefined) for (const one of states.keys()) states.set(one, "backup");
        else states.set(name, "backup");
        return order("standby", name);
      },
      takeover: (name: string | undefined, force: boolean) => order("takeover", name, force),
      view: () => [...states].map(([name, state]) => ({ name, state }) as InstanceView),
      async yield(batonFd: number) {
        await order("yield", batonFd);
        return seen.isTaken;
      },
    };
  };
  const failover = new DirectorFailover({
    clock,
    runtimeDirectory: "/nonexistent",
    startThread,
    asker: {
      ask: async () => (answers.isGood ? undefined : { reason: "timeout", detail: "no reply" }),
      close: () => void orders.push("asker closed"),
    },
    guardCommand: [],
    report: ({ level, name, text }) => void reports.push(`${level} ${name} ${text}`),
    hooks: {
      enqueue: (hook) => void hooks.push(hook),
      idle: async () => undefined,
      abandon: () => undefined,
    },
    copies: () => ({ flush: () => order("flush"), view: () => undefined }),
    onState: (name, isActive) => void followed.push(`${name} ${isActive}`),
    runProgram: async ({ command }) => {
      await order(...command);
      return { outcome: "exited", status: 0, output: "", tookMs: 1 };
    },
    carriedBy: () => new Map(),
    countConnections: () => 0,
    onCrash: () => undefined,
  });
  const tell = (event: RealtimeEvent): void => {
    if (event.type === "state") states.set(event.instance, event.state);
    seen.listener!(event);
  };
  return { failover, orders, plans, reports, hooks, followed, tell, clock, seen };
}

/** What a predecessor says of its virtual routers. */
const handed: HandedFailover = { plans: [], peer: undefined, fencePins: undefined };

describe("DirectorFailover", () => {
  test("goes on with virtual routers of another process, and hands them to one", async () => {
    const { failover, orders, seen, tell, hooks, followed } = setUp();
    expect(failover.describe()).toBeUndefined();
    const config = configOf("", other);
    await failover.prepare(config, handed, 7);
    expect(failover.describe()).toBe(handed);
    expect(orders[0]).toBe("prepare web mail 7");
    tell({ type: "adopted", gapMs: 1, active: ["mail"] });
    expect(["web", "mail"].map((name) => failover.isActive(name))).toEqual([false, true]);
    expect([followed, hooks]).toEqual([["mail true"], []]);
    await failover.apply(config);
    expect(orders).toContain("apply web mail");
    seen.isTaken = false;
    expect(await failover.yield(8)).toBe(false);
    expect(failover.view()).toBeDefined();
    seen.isTaken = true;
    expect(await failover.yield(9)).toBe(true);
    expect(failover.view()).toBeUndefined();
    expect(orders.slice(-3)).toEqual(["yield 8", "yield 9", "asker closed"]);
  });

  test("starts nothing without virtual routers", async () => {
    const { failover, orders } = setUp();
    await failover.apply(empty);
    failover.judge([service("up", "up")]);
    await failover.standby(undefined);
    expect([failover.view(), failover.isHealthy(), orders]).toEqual([undefined, true, []]);
  });

  test("knows in which virtual routers it is active, and tells of changes", async () => {
    const { failover, tell, followed } = setUp();
    await failover.apply(configOf("", other));
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    expect([failover.isActive("web"), failover.isActive("mail"), followed.length]).toEqual([
      true,
      false,
      1,
    ]);
    tell({ type: "state", instance: "web", state: "backup", cause: "outranked" });
    expect([failover.isActive("web"), followed.length]).toEqual([false, 2]);
  });

  test("tells fitness after each change and no more often", async () => {
    const { failover, orders } = setUp();
    await failover.apply(configOf("", other));
    failover.judge([service("up", "up")]);
    failover.judge([service("up", "up")]);
    failover.judge([service("down", "down")]);
    expect(orders).toEqual([
      "apply web mail",
      "fitness web true 0",
      "witness web true",
      "fitness mail true 0",
      "witness mail true",
      "fitness web true 1",
      "fitness web false 0",
    ]);
  });

  test("an active director says late that its services fail, and a backup that they do not", async () => {
    const { failover, orders, tell, clock } = setUp();
    await failover.apply(configOf());
    failover.judge([service("up", "up")]);
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    orders.length = 0;
    failover.judge([service("down", "down")]);
    clock.advance(1999);
    expect(orders).toEqual([]);
    clock.advance(1);
    expect(orders).toEqual(["fitness web false 0"]);
    tell({ type: "state", instance: "web", state: "backup", cause: "unfit" });
    failover.judge([service("up", "up")]);
    expect(orders).toEqual(["fitness web false 0", "flush"]);
    clock.advance(2000);
    expect(orders.at(-1)).toBe("fitness web true 1");
  });

  test("tells all of it again after a reload: who began anew knows nothing", async () => {
    const { failover, orders } = setUp();
    await failover.apply(configOf());
    failover.judge([service("down", "up")]);
    orders.length = 0;
    await failover.apply(configOf("priority = 50"));
    expect(orders).toEqual(["apply web", "fitness web false 1", "witness web true"]);
  });

  test("hands plans down without what is its own, and with what its group tracks", async () => {
    const { failover, plans } = setUp();
    const lines = 'group = "edge"\ntrack = [{ interface = "eth1" }]\nnotify = "/bin/notify"';
    await failover.apply(configOf(lines, `${other}group = "edge"`));
    expect(plans[0]).toMatchObject([
      { name: "web", tracked: ["eth1"], keys: undefined, witness: "prefer" },
      { name: "mail", tracked: ["eth1"] },
    ]);
    for (const key of ["track", "notify", "onActive", "keyFile", "resources"]) {
      expect(plans[0]![0]).not.toHaveProperty(key);
    }
  });

  test("goes on with the old keys where the new ones cannot be read", async () => {
    const { failover, plans, reports } = setUp();
    const config = configOf();
    const router = { ...config.virtualRouters[0]!, keyFile: "/nonexistent/key" };
    await failover.apply({ ...config, virtualRouters: [router] });
    expect(plans[0]![0]!.keys).toBeUndefined();
    expect(reports).toContainEqual("error vrrp Keys of virtual routers stay as they were");
  });

  test("a witness that does not answer is told, and asked again when it matters", async () => {
    const answers = { isGood: false };
    const { failover, orders, reports, tell, clock } = setUp(answers);
    await failover.apply(configOf('track = [{ ping = "192.0.2.1" }]\nwitness = "require"'));
    expect(orders).toContain("witness web false");
    expect(reports).toContain("warning vrrp-track ping 192.0.2.1 fails: no reply");
    answers.isGood = true;
    tell({ type: "ask-witness", instance: "web", round: 4 });
    await settle();
    expect(orders.at(-1)).toBe("proof web 4");
    for (let turn = 0; turn < 2; turn++) {
      clock.advance(1000);
      await settle();
    }
    expect(orders.at(-1)).toBe("witness web true");
    expect(failover.view()!.tracked).toEqual([{ name: "ping 192.0.2.1", isUp: true, reason: "" }]);
  });

  test("a change of state runs the programs, on_active first, with the configured user", async () => {
    const { failover, hooks, reports, followed, tell } = setUp();
    await failover.apply(configOf('on_active = "/bin/on"\nnotify = ["/bin/notify", "x"]'));
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    tell({ type: "state", instance: "web", state: "backup", cause: "outranked" });
    const environment = { VRRP_INSTANCE: "web", VRRP_STATE: "active", VRRP_CAUSE: "silence" };
    expect(hooks.map(({ name, command }) => [name, ...command])).toEqual([
      ["on_active", "/bin/on"],
      ["notify", "/bin/notify", "x", "web", "active", "silence"],
      ["notify", "/bin/notify", "x", "web", "backup", "outranked"],
    ]);
    expect(followed).toEqual(["web true", "web false"]);
    expect(hooks[0]).toMatchObject({ environment, user: "nobody", service: "web" });
    expect(reports).toEqual([
      "info vrrp-state web is active (silence): 192.0.2.100",
      "warning vrrp-state web is backup (outranked)",
    ]);
  });

  test("copies what came last when another director took over", async () => {
    const { failover, orders, tell } = setUp();
    await failover.apply(configOf());
    orders.length = 0;
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    expect(orders).toEqual([]);
    tell({ type: "state", instance: "web", state: "backup", cause: "yielded" });
    expect(orders).toEqual(["flush"]);
  });

  test("tells the mh tables to a thread with a peer, when they change", async () => {
    using folder = createTempFolder();
    const keyFile = join(folder.path, "key");
    writeFileSync(keyFile, "k".repeat(32), { mode: 0o600 });
    const peer = `[peer]\naddress = "192.0.2.3:9781"\nkey_file = "${keyFile}"\n`;
    const { failover, orders } = setUp();
    const tables = (): string[] => orders.filter((order) => order.startsWith("tables"));
    await failover.apply(configOf("", peer));
    failover.judge([hashed(1)]);
    failover.judge([hashed(1)]);
    failover.judge([hashed(0)]);
    expect(tables().map((order) => order.split(" ").at(-1))).toEqual(["0", "1", "1"]);
    // Who began anew knows nothing.
    await failover.apply(configOf("", peer));
    expect(tables()[3]).toBe(tables()[2]);
    await failover.apply(configOf());
    failover.judge([hashed(1)]);
    expect(tables()).toHaveLength(4);
  });

  test("shows the fence that the thread has told of, and hangs with the thread", async () => {
    const { failover, tell, seen } = setUp();
    await failover.apply(configOf());
    expect(failover.view()!.fence).toBeUndefined();
    const fence = { kind: "bpf", reason: "", gaps: [] } as const;
    tell({ type: "started", threadClass: { kind: "fifo", priority: 10 }, fence });
    expect(failover.view()!.fence).toEqual(fence);
    expect(failover.isHealthy()).toBe(true);
    seen.beatAgeMs = 2000;
    expect(failover.isHealthy()).toBe(false);
  });

  test("hasBegun() waits for the first virtual router, but not for ever", async () => {
    const { failover, clock } = setUp();
    const tooLong = failover.hasBegun();
    clock.advance(20_000);
    expect(await tooLong).toBe(false);
    const inTime = failover.hasBegun();
    await failover.apply(configOf());
    expect([await inTime, await failover.hasBegun()]).toEqual([true, true]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("hands commands down, and says who asked", async () => {
    const { failover, orders, reports } = setUp();
    await failover.apply(configOf());
    await failover.standby("web");
    await failover.takeover(undefined, true);
    failover.tellHandover("takeover", undefined, "root");
    expect(orders.slice(-3)).toEqual(["flush", "standby web", "takeover  true"]);
    expect(reports).toEqual(["info handover Takeover of all virtual routers asked for"]);
  });

  test("starts resources where the addresses are, and stops them before a handover", async () => {
    const { failover, orders, tell } = setUp();
    const lines = 'resources = [["/bin/db", "x"]]\ngroup = "edge"';
    await failover.apply(configOf(lines, `${other}group = "edge"`));
    await settle();
    orders.length = 0;
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    await settle();
    expect(orders).toEqual(["/bin/db x status", "/bin/db x start"]);
    expect(failover.view()!.instances[0]).toMatchObject({
      resources: [{ name: "/bin/db", state: "running", reason: "", failures: 0 }],
    });
    orders.length = 0;
    // It moves with its group.
    await failover.standby("mail");
    expect(orders.slice(0, 3)).toEqual(["/bin/db x stop", "flush", "standby mail"]);
  });

  test("starts them again where a handover moved nothing", async () => {
    const { failover, orders, tell } = setUp();
    const lines = 'resources = [["/bin/db"]]\ngroup = "edge"';
    await failover.apply(configOf(lines, `${other}group = "edge"`));
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    await settle();
    orders.length = 0;
    await failover.standby("mail");
    await settle();
    const again = ["/bin/db status", "/bin/db start"];
    expect(orders).toEqual(["/bin/db stop", "flush", "standby mail", ...again]);
  });

  test("an end in good order stops them before the addresses go", async () => {
    const { failover, orders, tell } = setUp();
    await failover.apply(configOf('resources = [["/bin/db"]]'));
    tell({ type: "state", instance: "web", state: "active", cause: "silence" });
    await settle();
    orders.length = 0;
    await failover.stopResources(new AbortController().signal);
    await failover.close();
    expect(orders).toEqual(["/bin/db stop", "asker closed", "close"]);
  });

  test("ends with what it asks with", async () => {
    const { failover, orders, clock } = setUp();
    await failover.apply(configOf('track = [{ ping = "192.0.2.1" }]'));
    await failover.close();
    expect(orders.slice(-2)).toEqual(["asker closed", "close"]);
    expect([clock.pendingCount(), failover.view()]).toEqual([0, undefined]);
  });
});
