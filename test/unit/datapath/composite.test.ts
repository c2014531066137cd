import { describe, expect, test } from "bun:test";

import { createCompositeEngine } from "../../../src/datapath/index.ts";
import type { ConnectionEntry, Engine } from "../../../src/datapath/index.ts";
import { serviceWith } from "../../helpers/traffic/forwarding.ts";
import { createFakeEngine } from "../daemon/fake-engine.ts";

const own = serviceWith({ name: "own", port: 1 });
const kernel = serviceWith({ name: "kernel", port: 2, forwarding: "gate", engine: "ipvs" });

function createBench() {
  const proxy = createFakeEngine();
  const ipvs = createFakeEngine();
  const engine: Engine = createCompositeEngine({ proxy, ipvs });
  return { proxy, ipvs, engine };
}

describe("createCompositeEngine()", () => {
  test("gives each service to the engine that was chosen for it", async () => {
    const { proxy, ipvs, engine } = createBench();
    proxy.problems = [{ service: "own", code: "A", message: "a" }];
    ipvs.problems = [{ service: "kernel", code: "B", message: "b" }];
    expect(await engine.apply([kernel, own])).toEqual([...proxy.problems, ...ipvs.problems]);
    expect([proxy.applied, ipvs.applied]).toEqual([[[own]], [[kernel]]]);
    await engine.apply([]);
    expect([proxy.applied.at(-1), ipvs.applied.at(-1)]).toEqual([[], []]);
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

  test("is refused by who would carry it, and closes both", async () => {
    const { proxy, ipvs, engine } = createBench();
    ipvs.refuse = () => "no";
    expect([engine.refuse(kernel), engine.refuse(own)]).toEqual(["no", undefined]);
    const hurry = new AbortController().signal;
    await engine.close(10, hurry);
    expect([proxy.closed, ipvs.closed]).toEqual([
      [{ timeoutMs: 10, hurry }],
      [{ timeoutMs: 10, hurry }],
    ]);
  });

  test("has what is known of IPVS", () => {
    const { ipvs, engine } = createBench();
    expect([engine.ipvsObstacle?.(), engine.ipvsView?.()]).toEqual([undefined, undefined]);
    ipvs.ipvsObstacle = () => "it is missing";
    expect([engine.ipvsObstacle?.(), engine.name]).toEqual(["it is missing", "proxy"]);
  });
});
