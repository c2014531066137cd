import { describe, expect, test } from "bun:test";

import { findSecret, warnOfExposure } from "../../../src/config/exposed-secret.ts";

const table = {
  include: ["conf.d/*.toml"],
  virtual_service: [
    { name: "web", check: { type: "connect" } },
    { name: "mail", check: { type: "negotiate", login: "x", password: "y" } },
  ],
};

describe("findSecret()", () => {
  test.each<[string, unknown, readonly (string | number)[] | undefined]>([
    ["a password of a check", table, ["virtual_service", 1, "check", "password"]],
    ["a password of VRRP", { vrrp: [{ auth_pass: "x" }] }, ["vrrp", 0, "auth_pass"]],
    [
      "a secret of RADIUS",
      { defaults: { check: { secret: "x" } } },
      ["defaults", "check", "secret"],
    ],
    ["the name of a key file, which is none", { peer: { key_file: "/etc/k" } }, undefined],
    ["a fault of another kind", { password: 5 }, undefined],
    ["nothing", undefined, undefined],
  ])("%s", (_what, value, path) => {
    expect(findSecret(value)).toEqual(path);
  });
});

describe("warnOfExposure()", () => {
  test.each([
    [0o600, false],
    [0o640, false],
    [0o644, true],
    [0o604, true],
  ])("mode %o", (mode, isTold) => {
    const told = warnOfExposure(table, mode);
    expect(told !== undefined).toBe(isTold);
    if (isTold) expect(told!.message).toContain("chmod o=");
  });

  test("has nothing to say of a file without a secret", () => {
    expect(warnOfExposure({ virtual_service: [] }, 0o644)).toBeUndefined();
  });
});
