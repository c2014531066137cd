import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../src/config/index.ts";
import {
  chooseEngine,
  createEngineChooser,
  requireEngines,
} from "../../../src/daemon/choose-engine.ts";
import type { EngineFacts } from "../../../src/daemon/choose-engine.ts";
import type { VirtualService } from "../../../src/model/index.ts";
import { parseNetwork } from "../../../src/net/address.ts";
import { virtualService } from "./fixture.ts";

const withIpvs: EngineFacts = { preferred: "auto", ipvsObstacle: () => undefined };
const withoutIpvs: EngineFacts = { preferred: "auto", ipvsObstacle: () => "there is no module" };
const anybody = [parseNetwork("0.0.0.0/0")!];

describe("chooseEngine()", () => {
  test.each<[string, Partial<VirtualService>, EngineFacts, object]>([
    ["proxy", { forwarding: "proxy" }, withIpvs, { engine: "proxy", warning: undefined }],
    ["masq", { forwarding: "masq" }, withIpvs, { engine: "ipvs", reason: "the kernel has it" }],
    ["gate", { forwarding: "gate" }, withIpvs, { engine: "ipvs", warning: undefined }],
    [
      "gate with ipvs by name",
      { forwarding: "gate", engine: "ipvs" },
      withIpvs,
      { engine: "ipvs", reason: "it is configured" },
    ],
    [
      "masq without ipvs",
      { forwarding: "masq" },
      withoutIpvs,
      {
        engine: "proxy",
        reason: "there is no module",
        warning:
          "forwarding masq runs on the proxy, real servers see the director's address: " +
          "there is no module",
      },
    ],
    [
      "masq with what ipvs has not",
      { forwarding: "masq", allow: anybody },
      withIpvs,
      { engine: "proxy", reason: "IPVS has no allow" },
    ],
    [
      "masq without ipvs, asked for by name",
      { forwarding: "masq", engine: "ipvs" },
      withoutIpvs,
      { refusal: "forwarding masq needs the engine ipvs: there is no module" },
    ],
    [
      "masq without ipvs, preferred by the director",
      { forwarding: "masq" },
      { ...withoutIpvs, preferred: "ipvs" },
      { refusal: "forwarding masq needs the engine ipvs: there is no module" },
    ],
    [
      "gate without ipvs",
      { forwarding: "gate" },
      withoutIpvs,
      { refusal: "forwarding gate needs the engine ipvs: there is no module" },
    ],
    [
      "gate with what ipvs has not",
      { forwarding: "gate", connectionLimit: 5 },
      withIpvs,
      { refusal: "forwarding gate needs the engine ipvs: IPVS has no connection_limit" },
    ],
    [
      "a firewall mark without ipvs",
      { forwarding: "masq", firewallMark: 1, listen: [] },
      withoutIpvs,
      { refusal: "a firewall mark needs the engine ipvs: there is no module" },
    ],
    [
      "bpf",
      { forwarding: "gate", engine: "bpf" },
      withIpvs,
      { refusal: 'the engine "bpf" is not in this build yet' },
    ],
  ])("%s", (_name, changes, facts, expected) => {
    expect(chooseEngine(virtualService(changes), facts)).toMatchObject(expected);
  });
});

describe("createEngineChooser()", () => {
  test("leaves masq where it is until the next configuration, and asks anew for gate", () => {
    let obstacle: string | undefined = "there is no module";
    let config = { director: { engine: "auto" } } as const;
    const choose = createEngineChooser({ ipvsObstacle: () => obstacle }, () => config);
    const masq = virtualService({ forwarding: "masq" });
    expect(choose(masq)).toMatchObject({ engine: "proxy" });
    obstacle = undefined;
    expect(choose(masq)).toMatchObject({ engine: "proxy" });
    expect(choose(virtualService({ forwarding: "gate" }))).toMatchObject({ engine: "ipvs" });
    config = { ...config };
    expect(choose(masq)).toMatchObject({ engine: "ipvs" });
  });

  test("knows engines that never use the kernel", () => {
    const choose = createEngineChooser({}, () => ({ director: { engine: "auto" } }));
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
  const direct = virtualService({ name: "direct", forwarding: "gate" });
  const wrong = { ...config, virtualServices: [...config.virtualServices, direct] };
  const engine = { ipvsObstacle: () => "there is no module" };
  expect(() => requireEngines(wrong, engine)).toThrow(
    "Cannot carry:\n  virtual service direct: " +
      "forwarding gate needs the engine ipvs: there is no module",
  );
  expect(() => requireEngines(config, engine)).not.toThrow();
});
