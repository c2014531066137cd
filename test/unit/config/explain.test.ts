import { describe, expect, test } from "bun:test";

import { explainConfig, maskSecrets } from "../../../src/config/explain.ts";
import { configOf, serviceText } from "./fixture.ts";

describe("explainConfig()", () => {
  test("shows what holds, also by default, and nothing that has no value", () => {
    const explained = explainConfig(configOf(serviceText()));
    expect(JSON.parse(JSON.stringify(explained))).toEqual(explained);
    expect(explained["proxy"]).toEqual({
      workers: 4,
      engine: "native",
      experimental_sockmap: false,
    });
    expect(explained["status"]).toEqual({ listen: "127.0.0.1:9780" });
  });

  test("shows the paths of token files, never what is in them", () => {
    const text = '[status]\nread_token_file = "/etc/no-such-file"\nlisten = "off"\n';
    expect(explainConfig(configOf(text + serviceText()))["status"]).toEqual({
      listen: "off",
      read_token_file: "/etc/no-such-file",
    });
  });
});

test("maskSecrets() masks at any depth", () => {
  const table = {
    check: { login: "me", password: "hunter2" },
    list: [{ secret: "hunter2", path: "/x" }, ["y"]],
    auth_pass: "hunter2",
    none: undefined,
  };
  expect(maskSecrets(table)).toEqual({
    check: { login: "me", password: "********" },
    list: [{ secret: "********", path: "/x" }, ["y"]],
    auth_pass: "********",
  });
});
