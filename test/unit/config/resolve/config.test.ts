import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../../src/config/index.ts";
import { workersAuto } from "../../../../src/config/resolve/config.ts";
import { configOf, problemsOf, serviceText, warningsOf } from "../fixture.ts";

describe("resolveConfig()", () => {
  test("fills in the director's own tables", () => {
    expect(configOf(serviceText())).toMatchObject({
      director: {
        engine: "auto",
        stopTimeoutMs: 10_000,
        scriptUser: "appliance",
        logLevel: "info",
      },
      proxy: { workers: 4, engine: "native", experimentalSockmap: false },
      status: {
        listen: { address: "127.0.0.1", port: 9780 },
        readTokenFile: undefined,
        writeTokenFile: undefined,
      },
    });
  });

  test("a service belongs to virtual routers that there are", () => {
    const router =
      '[[vrrp]]\nname = "lb1"\ninterface = "eth0"\nvrid = 1\naddresses = ["192.0.2.9"]\nauth = "none"\n';
    const [service] = configOf(serviceText('vrrp = "lb1"') + router).virtualServices;
    expect(service!.routers).toEqual(["lb1"]);
    expect(configOf(serviceText()).virtualServices[0]!.routers).toBeUndefined();
    const problems = problemsOf(serviceText('vrrp = ["lb1", "lb2"]') + router);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('Expected the name of a [[vrrp]], got "lb2"');
  });

  test("takes what they say", () => {
    const text =
      '[director]\nengine = "auto"\nstop_timeout = "0s"\nscript_user = "nobody"\nlog_level = "error"\n' +
      '[proxy]\nworkers = 2\nengine = "native"\nexperimental_sockmap = true\n' +
      '[status]\nlisten = "0.0.0.0:0"\nread_token_file = "/r"\nwrite_token_file = "/w"\n';
    expect(configOf(text + serviceText())).toMatchObject({
      director: { stopTimeoutMs: 0, scriptUser: "nobody", logLevel: "error" },
      proxy: { workers: 2, engine: "native", experimentalSockmap: true },
      status: {
        listen: { address: "0.0.0.0", port: 0 },
        readTokenFile: "/r",
        writeTokenFile: "/w",
      },
    });
  });

  test.each(["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "off"])(
    "needs no token to listen on %s",
    (listen) => {
      expect(problemsOf(`[status]\nlisten = "${listen}"\n${serviceText()}`)).toEqual([]);
    },
  );

  test.each(["0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[7f00::1]:1"])(
    "needs a token to listen on %s",
    (listen) => {
      expect(problemsOf(`[status]\nlisten = "${listen}"\n${serviceText()}`)).toEqual([
        'a.toml:2: status.listen: Expected the key "read_token_file" to listen beyond loopback, got none',
      ]);
    },
  );

  test("has one worker with the portable engine", () => {
    expect(configOf(`[proxy]\nengine = "portable"\n${serviceText()}`).proxy.workers).toBe(1);
    const one = `[proxy]\nengine = "portable"\nworkers = 1\n${serviceText()}`;
    expect(configOf(one).proxy.workers).toBe(1);
  });

  test("warns of a group that no service uses", () => {
    const text = `[[real_server_group]]\nname = "g"\nreal_servers = []\n${serviceText()}`;
    expect(warningsOf(text)).toEqual([
      'a.toml:1: real_server_group[0]: No service uses the group "g"',
    ]);
  });

  test("bounds the number of services", () => {
    const services = "[[virtual_service]]\n".repeat(20_001);
    expect(problemsOf(services)[0]).toBe(
      "a.toml:1: Expected at most 20000 virtual services, got 20001",
    );
  });

  test("says nothing of missing services when the file is no TOML", () => {
    expect(problemsOf("a = ")).toEqual([
      "a.toml:1: Expected valid TOML (invalid value), got the end of the file",
    ]);
  });
});

test.each([
  ["native" as const, 1, 1],
  ["native" as const, 8, 8],
  ["native" as const, 500, 64],
  ["portable" as const, 8, 1],
])("workersAuto() of %s on %d cores is %d", (engine, cores, workers) => {
  expect(workersAuto(engine, { cores })).toBe(workers);
  const { config } = parseConfig(`[proxy]\nengine = "${engine}"\n${serviceText()}`, "a", { cores });
  expect(config.proxy.workers).toBe(workers);
});
