import { describe, expect, test } from "bun:test";

import { createCompositeEngine } from "../../../src/datapath/index.ts";
import type { ConnectionEntry, Engine } from "../../../src/datapath/index.ts";
import { serviceWith } from "../../helpers/traffic/forwarding.ts";
import { createFakeEngine } from "../daemon/fake-engine.ts";

const own = serviceWith({ name: "own", port: 1 });
const kernel = serviceWith({ name: "kernel", port: 2, forwarding: "gate", engine: "ipvs" });
const direct = serviceWith({ name: "direct", port: 3, forwarding: "gate", engine: "bpf" });

function createBench() {
  const proxy = createFakeEngine();
  const ipvs = createFakeEngine();
  const bpf = createFakeEngine();
  const engine: Engine = createCompositeEngine({ proxy, ipvs, bpf });
  return { proxy, ipvs, bpf, engine };
}

describe("createCompositeEngine() beside another process", () => {
  test("leaves the kernel alone until it accepts, and again when it does not", async () => {
    const [proxy, ipvs, bpf] = [createFakeEngine(), createFakeEngine(), createFakeEngine()];
    const asked: boolean[] = [];
    proxy.setAccepting = async (isAccepting) => void asked.push(isAccepting);
    const engine = createCompositeEngine({ proxy, ipvs, bpf, isHeld: true });
    await engine.apply([own, kernel]);
    expect([proxy.applied, ipvs.applied, bpf.applied]).toEqual([[[own]], [], []]);
    await engine.setAccepting!(true);
    await engine.apply([own, kernel]);
    expect([ipvs.applied, bpf.applied]).toEqual([[[kernel]], [[]]]);
    await engine.setAccepting!(false);
    await engine.apply([own]);
    expect([ipvs.applied, bpf.applied]).toEqual([[[kernel]], [[]]]);
    expect(asked).toEqual([true, false]);
  });

  test("shares the listeners of a proxy that can, and retires without touching the kernel", async () => {
    const [proxy, ipvs, bpf] = [createFakeEngine(), createFakeEngine(), createFakeEngine()];
    expect(createCompositeEngine({ proxy, ipvs, bpf })).not.toHaveProperty("sharedListeners");
    const left: string[] = [];
    proxy.sharedListeners = () => [{ key: "tcp 192.0.2.1:80", fds: [7] }];
    ipvs.leave = () => void left.push("ipvs");
    bpf.leave = () => void left.push("bpf");
    const engine = createCompositeEngine({ proxy, ipvs, bpf });
    expect(engine.sharedListeners!()).toEqual([{ key: "tcp 192.0.2.1:80", fds: [7] }]);
    const hurry = new AbortController().signal;
    await engine.retire!(10, hurry);
    expect([left, proxy.closed]).toEqual([["ipvs", "bpf"], [{ timeoutMs: 10, hurry }]]);
    expect([ipvs.closed, bpf.closed]).toEqual([[], []]);
  });
});

describe("createCompositeEngine()", () => {
  test("gives each service to the engine that was chosen for it", async () => {
    const { proxy, ipvs, bpf, engine } = createBench();
    proxy.problems = [{ service: "own", code: "A", message: "a" }];
    ipvs.problems = [{ service: "kernel", code: "B", message: "b" }];
    bpf.problems = [{ service: "direct", code: "C", message: "c" }];
    const all = [...proxy.problems, ...ipvs.problems, ...bpf.problems];
    expect(await engine.apply([kernel, own, direct])).toEqual(all);
    expect([proxy.applied, ipvs.applied, bpf.applied]).toEqual([[[own]], [[kernel]], [[direct]]]);
    await engine.apply([]);
    expect([proxy, ipvs, bpf].map(({ applied }) => applied.at(-1))).toEqual([[], [], []]);
  });

  test("goes on with one engine if the other fails", async () => {
    const { proxy, ipvs, engine } = createBench();
    ipvs.failure = new Error("it is gone");
    expect(await engine.apply([kernel, own])).toEqual([
      { service: "", code: "ENGINE_FAILED", message: "it is gone" },
    ]);
    expect(proxy.applied).toEqual([[own]]);
  });

  test("puts connections together, up to the limit", async () => {
    const { proxy, ipvs, engine } = createBench();
    const entry = { service: "own" } as ConnectionEntry;
    proxy.connections = async () => [entry, entry];
    ipvs.connections = async (limit) => Array.from({ length: limit }, () => entry);
    expect(await engine.connections(2)).toHaveLength(2);
    expect(await engine.connections(5)).toHaveLength(5);
  });

  test("is refused by who would carry it, and closes all", async () => {
    const { proxy, ipvs, bpf, engine } = createBench();
    ipvs.refuse = () => "no";
    bpf.refuse = () => "never";
    const refusals = [kernel, own, direct].map((service) => engine.refuse(service));
    expect(refusals).toEqual(["no", undefined, "never"]);
    const hurry = new AbortController().signal;
    await engine.close(10, hurry);
    const once = [{ timeoutMs: 10, hurry }];
    expect([proxy, ipvs, bpf].map(({ closed }) => closed)).toEqual([once, once, once]);
  });

  test("has what bpf has dropped, and leaves it in force", () => {
    const { bpf, engine } = createBench();
    expect([engine.bpfObstacle?.(), engine.droppedPackets?.()]).toEqual([undefined, []]);
    const dropped = { engine: "bpf", reason: "ttl", count: 3 } as const;
    let left = 0;
    bpf.bpfObstacle = () => "it is forbidden";
    bpf.droppedPackets = () => [dropped];
    bpf.leave = () => void (left += 1);
    engine.leave?.();
    expect([engine.bpfObstacle?.(), engine.droppedPackets?.(), left]).toEqual([
      "it is forbidden",
      [dropped],
      1,
    ]);
  });

  test("has what is known of IPVS", () => {
    const { ipvs, engine } = createBench();
    expect([engine.ipvsObstacle?.(), engine.ipvsView?.()]).toEqual([undefined, undefined]);
    ipvs.ipvsObstacle = () => "it is missing";
    expect([engine.ipvsObstacle?.(), engine.name]).toEqual(["it is missing", "proxy"]);
  });
});
