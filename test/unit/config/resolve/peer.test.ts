import { describe, expect, test } from "bun:test";

import { diffConfig } from "../../../../src/config/diff.ts";
import { explainConfig } from "../../../../src/config/explain.ts";
import { formatConfig } from "../../../../src/config/format.ts";
import { configOf, problemsOf, serviceText, warningsOf } from "../fixture.ts";

const peerText = '[peer]\naddress = "192.0.2.3:9781"\nkey_file = "/etc/appliance/peer.key"\n\n';

function routerText(lines = ""): string {
  const required = 'vrid = 51\naddresses = ["192.0.2.100/24"]\nauth = "none"\n';
  return `[[vrrp]]\nname = "web"\ninterface = "eth0"\n${required}${lines}\n`;
}

/** Interval and dead time of the one virtual router, ms. */
function timesOf(text: string): readonly number[] {
  const [router] = configOf(text).virtualRouters;
  return [router!.advertiseIntervalMs, router!.downAfterMs];
}

describe("[peer]", () => {
  test("is address, port and key file", () => {
    const { peer } = configOf(peerText + routerText());
    expect(peer).toEqual({ address: "192.0.2.3", port: 9781, keyFile: "/etc/appliance/peer.key" });
    expect(configOf(routerText()).peer).toBeUndefined();
  });

  test("makes fast times possible, unless others are written", () => {
    expect(timesOf(routerText())).toEqual([1000, 3000]);
    expect(timesOf(peerText + routerText())).toEqual([20, 300]);
    expect(timesOf(peerText + routerText('down_after = "900ms"'))).toEqual([20, 900]);
    expect(timesOf(peerText + routerText('advertise_interval = "100ms"'))).toEqual([100, 300]);
    expect(timesOf(peerText + routerText("version = 2"))).toEqual([1000, 3000]);
  });

  test("without a virtual router is a warning", () => {
    expect(warningsOf(peerText + serviceText())).toEqual([
      "a.toml:1: peer: There is no [[vrrp]] that needs a peer",
    ]);
    expect(warningsOf(peerText + routerText())).toEqual([]);
  });

  test("needs both keys", () => {
    const problems = problemsOf(`[peer]\naddress = "192.0.2.3"\n${routerText()}`);
    expect(problems).toHaveLength(2);
    expect(problems[0]).toContain("peer.key_file: Expected the key");
    expect(problems[1]).toContain("peer.address: Expected an address and port");
  });

  test("is shown, written and compared like the rest", () => {
    const [before, after] = [configOf(routerText()), configOf(peerText + routerText())];
    expect(explainConfig(after)["peer"]).toEqual({
      address: "192.0.2.3:9781",
      key_file: "/etc/appliance/peer.key",
    });
    expect(explainConfig(before)["peer"]).toBeUndefined();
    expect(configOf(formatConfig(after, { withDefaults: false })).peer).toEqual(after.peer);
    const texts = diffConfig(before, after).map(({ text }) => text);
    expect(texts).toContain('peer.address: none -> "192.0.2.3:9781"');
  });
});
