import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../src/config/index.ts";
import {
  chooseEngine,
  createEngineChooser,
  enginesOf,
  requireEngines,
} from "../../../src/daemon/choose-engine.ts";
import type { EngineDecision, EngineFacts } from "../../../src/daemon/choose-engine.ts";
import type { VirtualService } from "../../../src/model/index.ts";
import { parseNetwork } from "../../../src/net/address.ts";
import { virtualService } from "./fixture.ts";

const noIpvs = "there is no module";
const noBpf = "CAP_BPF missing";
const both: EngineFacts = {
  preferred: "auto",
  ipvsObstacle: () => undefined,
  bpfObstacle: () => undefined,
};
const onlyBpf: EngineFacts = { ...both, ipvsObstacle: () => noIpvs };
const onlyIpvs: EngineFacts = { ...both, bpfObstacle: () => noBpf };
const neither: EngineFacts = { ...onlyBpf, bpfObstacle: () => noBpf };
const anybody = [parseNetwork("0.0.0.0/0")!];

describe("chooseEngine()", () => {
  test.each<[string, Partial<VirtualService>, EngineFacts, object]>([
    ["proxy", { forwarding: "proxy" }, both, { engine: "proxy", warning: undefined }],
    ["masq", { forwarding: "masq" }, both, { engine: "ipvs", reason: "the kernel has it" }],
    ["gate", { forwarding: "gate" }, both, { engine: "ipvs", warning: undefined }],
    [
      "gate with ipvs by name",
      { forwarding: "gate", engine: "ipvs" },
      both,
      { engine: "ipvs", reason: "it is configured" },
    ],
    [
      "gate with bpf by name",
      { forwarding: "gate", engine: "bpf" },
      both,
      { engine: "bpf", reason: "it is configured", warning: undefined },
    ],
    [
      "gate with bpf preferred by the director",
      { forwarding: "gate" },
      { ...both, preferred: "bpf" },
      { engine: "bpf", reason: "it is configured" },
    ],
    [
      "ipvs by name where the director prefers bpf",
      { forwarding: "gate", engine: "ipvs" },
      { ...both, preferred: "bpf" },
      { engine: "ipvs" },
    ],
    [
      "gate without ipvs",
      { forwarding: "gate" },
      onlyBpf,
      { engine: "bpf", reason: "not ipvs: there is no module", warning: undefined },
    ],
    ["masq without ipvs", { forwarding: "masq" }, onlyBpf, { engine: "bpf", warning: undefined }],
    [
      "masq without either",
      { forwarding: "masq" },
      neither,
      {
        engine: "proxy",
        reason: "ipvs: there is no module; bpf: CAP_BPF missing",
        warning:
          "forwarding masq runs on the proxy, real servers see the director's address: " +
          "ipvs: there is no module; bpf: CAP_BPF missing",
      },
    ],
    [
      "masq with what neither has",
      { forwarding: "masq", sendProxy: "v2", scheduler: "lblc" },
      both,
      { engine: "proxy" },
    ],
    [
      "masq with what only ipvs has, without it",
      { forwarding: "masq", scheduler: "lblc" },
      onlyBpf,
      {
        engine: "proxy",
        reason: `ipvs: ${noIpvs}; bpf: the bpf engine has rr, wrr, lc, wlc, sed, nq, sh and mh`,
      },
    ],
    [
      "masq without ipvs, asked for by name",
      { forwarding: "masq", engine: "ipvs" },
      onlyBpf,
      { refusal: "forwarding masq needs the engine ipvs: there is no module" },
    ],
    [
      "masq without bpf, asked for by name",
      { forwarding: "masq", engine: "bpf" },
      onlyIpvs,
      { refusal: "forwarding masq needs the engine bpf: CAP_BPF missing" },
    ],
    [
      "masq without ipvs, preferred by the director",
      { forwarding: "masq" },
      { ...onlyBpf, preferred: "ipvs" },
      { refusal: "forwarding masq needs the engine ipvs: there is no module" },
    ],
    [
      "gate without either",
      { forwarding: "gate" },
      neither,
      {
        refusal:
          "forwarding gate needs the engine ipvs or bpf: " +
          "ipvs: there is no module; bpf: CAP_BPF missing",
      },
    ],
    [
      "gate with what ipvs has not",
      { forwarding: "gate", allow: anybody },
      onlyIpvs,
      {
        refusal: expect.stringMatching(
          /^forwarding gate needs the engine ipvs or bpf: ipvs: IPVS has no allow; bpf: /,
        ),
      },
    ],
    [
      "a firewall mark without ipvs",
      { forwarding: "masq", firewallMark: 1, listen: [] },
      onlyBpf,
      {
        refusal:
          "a firewall mark needs the engine ipvs or bpf: ipvs: there is no module; " +
          "bpf: the bpf engine has no firewall marks",
      },
    ],
  ])("%s", (_name, changes, facts, expected) => {
    expect(chooseEngine(virtualService(changes), facts)).toMatchObject(expected);
  });
});

describe("createEngineChooser()", () => {
  test("leaves a service where it is until the next configuration", () => {
    let obstacle: string | undefined = noIpvs;
    let config = { director: { engine: "auto" } } as const;
    const engine = { ipvsObstacle: () => obstacle, bpfObstacle: () => undefined };
    const choose = createEngineChooser(engine, () => config);
    const gate = virtualService({ forwarding: "gate" });
    expect(choose(gate)).toMatchObject({ engine: "bpf" });
    obstacle = undefined;
    expect(choose(gate)).toMatchObject({ engine: "bpf" });
    config = { ...config };
    expect(choose(gate)).toMatchObject({ engine: "ipvs" });
  });

  test("asks anew for one that nobody can carry", () => {
    let obstacle: string | undefined = noBpf;
    const config = { director: { engine: "bpf" } } as const;
    const choose = createEngineChooser({ bpfObstacle: () => obstacle }, () => config);
    const gate = virtualService({ forwarding: "gate" });
    expect(choose(gate)).toHaveProperty("refusal");
    obstacle = undefined;
    expect(choose(gate)).toMatchObject({ engine: "bpf" });
  });

  test("knows engines that never use the kernel", () => {
    const choose = createEngineChooser({}, () => ({ director: { engine: "ipvs" } }));
    expect(choose(virtualService({ forwarding: "gate" }))).toEqual({
      refusal: "forwarding gate needs the engine ipvs: this director has no engine of the kernel",
    });
  });
});

test("requireEngines() names every service that this host cannot carry", () => {
  const text = `[[virtual_service]]
name = "web"
listen = "192.0.2.100:80"
real_servers = [{ address = "192.0.2.11:80" }]`;
  const { config } = parseConfig(text, "a.toml");
  const direct = virtualService({ name: "direct", forwarding: "gate", engine: "ipvs" });
  const wrong = { ...config, virtualServices: [...config.virtualServices, direct] };
  const engine = { ipvsObstacle: () => "there is no module" };
  expect(() => requireEngines(wrong, engine)).toThrow(
    "Cannot carry:\n  virtual service direct: " +
      "forwarding gate needs the engine ipvs: there is no module",
  );
  expect(() => requireEngines(config, engine)).not.toThrow();
});

test("enginesOf() has services that somebody carries", () => {
  const decisions = new Map<string, EngineDecision>([
    ["a", { engine: "bpf", reason: "", warning: undefined }],
    ["b", { refusal: "nobody" }],
  ]);
  expect([...enginesOf(decisions)]).toEqual([["a", "bpf"]]);
});
