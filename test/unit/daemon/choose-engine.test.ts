import { expect, test } from "bun:test";

import { chooseEngine } from "../../../src/daemon/choose-engine.ts";

test("chooseEngine() takes the proxy for proxy, without a word", () => {
  expect(chooseEngine({ forwarding: "proxy" })).toEqual({ engine: "proxy", warning: undefined });
});

test("chooseEngine() takes the proxy for masq, with a warning", () => {
  expect(chooseEngine({ forwarding: "masq" })).toEqual({
    engine: "proxy",
    warning: expect.stringContaining("real servers see the director's address"),
  });
});

test.each(["gate", "ipip"] as const)(
  "chooseEngine() refuses %s and names what is missing",
  (forwarding) => {
    expect(chooseEngine({ forwarding })).toEqual({
      refusal: `forwarding ${forwarding} needs the engine ipvs or bpf, not in this build yet`,
    });
  },
);
