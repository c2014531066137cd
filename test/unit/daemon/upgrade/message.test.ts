import { describe, expect, test } from "bun:test";

import {
  conversationVersion,
  decodeMessage,
  encodeMessage,
} from "../../../../src/daemon/upgrade/message.ts";
import type { UpgradeMessage } from "../../../../src/daemon/upgrade/message.ts";

const state: UpgradeMessage = {
  type: "state",
  version: conversationVersion,
  from: { version: "1.2.3", pid: 7 },
  listeners: [{ key: "tcp 192.0.2.1:80", count: 2 }],
  overrides: "{}",
  health: [],
};

describe("decodeMessage()", () => {
  test.each([
    [state],
    [{ type: "go", overrides: "{}", clients: [] }],
    [{ type: "yours" }],
    [{ type: "prepared", version: "1.2.3" }],
    [{ type: "failed", code: "CONFIG_INVALID", message: "a.toml:3: No" }],
  ] as [UpgradeMessage][])("%j comes back as it was", (message) => {
    expect(decodeMessage(encodeMessage(message))).toEqual(message);
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["no type", "{}"],
    ["a state of another version", JSON.stringify({ ...state, version: 999 })],
    ["a state without a version", JSON.stringify({ type: "state" })],
  ])("%s is refused", (_what, text) => {
    const decode = (): unknown => decodeMessage(new TextEncoder().encode(text));
    expect(decode).toThrow(expect.objectContaining({ code: "UPGRADE_FAILED" }));
  });
});
