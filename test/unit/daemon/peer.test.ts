import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseConfig } from "../../../src/config/index.ts";
import { configurationDigest, peerPlanOf, peerReport } from "../../../src/daemon/peer.ts";
import type { Config } from "../../../src/model/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const folder = createTempFolder();
const keyFile = join(folder.path, "peer.key");
writeFileSync(keyFile, `new ${"k".repeat(32)}\nold ${"o".repeat(32)}\n`, { mode: 0o600 });
afterAll(() => {
  folder[Symbol.dispose]();
});

function serviceText(name: string, port: number): string {
  const listen = `listen = "192.0.2.100:${port}"`;
  const servers = 'real_servers = [{ address = "192.0.2.11:80" }]';
  return `[[virtual_service]]\nname = "${name}"\n${listen}\n${servers}\n`;
}

function routerText(lines: string): string {
  const required = 'vrid = 51\naddresses = ["192.0.2.100/24"]\nauth = "none"\n';
  return `[[vrrp]]\nname = "web"\n${required}${lines}\n`;
}

const own = 'interface = "eth0"\npriority = 150\npeers = ["192.0.2.3"]';
const others = 'interface = "eth1"\npriority = 100\npeers = ["192.0.2.2"]\npreempt = true';

function configOf(...texts: readonly string[]): Config {
  return parseConfig(texts.join("\n"), "a.toml", { cores: 1 }).config;
}

describe("configurationDigest()", () => {
  test("is the same where only what is each director's own differs", () => {
    const one = configOf(serviceText("a", 80), serviceText("b", 81), routerText(own));
    const two = configOf(
      '[peer]\naddress = "192.0.2.2:9781"\nkey_file = "/x"\n',
      '[status]\nlisten = "off"\n',
      serviceText("b", 81),
      serviceText("a", 80),
      routerText(`${others}\nadvertise_interval = "1s"`),
    );
    expect(configurationDigest(one)).toMatch(/^[0-9a-f]{16}$/);
    expect(configurationDigest(two)).toBe(configurationDigest(one));
  });

  test.each([
    ["a service more", configOf(serviceText("a", 80), serviceText("b", 81), routerText(own))],
    ["another port", configOf(serviceText("a", 81), routerText(own))],
    ["no virtual router", configOf(serviceText("a", 80))],
    ["another time", configOf(serviceText("a", 80), routerText(`${own}\ndown_after = "6s"`))],
  ])("differs with %s", (_name, config) => {
    const one = configOf(serviceText("a", 80), routerText(own));
    expect(configurationDigest(config)).not.toBe(configurationDigest(one));
  });
});

test("configurationDigest() differs with another engine for a service", () => {
  const config = configOf(serviceText("a", 80), serviceText("b", 81), routerText(own));
  const digest = configurationDigest(config, new Map([["a", "bpf"]]));
  expect(configurationDigest(config, new Map([["a", "bpf"]]))).toBe(digest);
  expect(configurationDigest(config, new Map([["a", "ipvs"]]))).not.toBe(digest);
  expect(configurationDigest(config)).not.toBe(digest);
});

describe("peerPlanOf()", () => {
  const peerText = `[peer]\naddress = "[2001:DB8::3]:9781"\nkey_file = "${keyFile}"\n`;

  test("has keys in the order of the file", () => {
    const config = configOf(peerText, routerText(own));
    expect(peerPlanOf(config)).toEqual({
      address: "2001:db8::3",
      port: 9781,
      keys: [
        { id: "new", secret: "6b".repeat(32) },
        { id: "old", secret: "6f".repeat(32) },
      ],
      digest: configurationDigest(config),
    });
    expect(peerPlanOf(configOf(routerText(own)))).toBeUndefined();
  });

  test("refuses a key file that others can read", () => {
    const open = join(folder.path, "open.key");
    writeFileSync(open, "k".repeat(32));
    chmodSync(open, 0o644);
    const config = configOf(peerText.replace(keyFile, open), routerText(own));
    expect(() => peerPlanOf(config)).toThrow(expect.objectContaining({ code: "PEER_KEY_FILE" }));
  });
});

test.each([
  [{ type: "peer", isReachable: true }, "info", "heard on"],
  [{ type: "peer", isReachable: false }, "warning", "not heard on"],
  [
    { type: "peer-comparison", what: "configuration", isSame: true },
    "info",
    "same configuration and engines again",
  ],
  [{ type: "peer-comparison", what: "configuration", isSame: false }, "warning", "different"],
  [
    { type: "peer-comparison", what: "tables", isSame: true },
    "info",
    "same tables of scheduler mh again",
  ],
  [
    { type: "peer-comparison", what: "tables", isSame: false },
    "warning",
    "different tables of scheduler mh",
  ],
] as const)("peerReport(%o) is %s", (notice, level, words) => {
  const report = peerReport(notice);
  expect(report.level).toBe(level);
  expect(report.text).toContain(words);
});
