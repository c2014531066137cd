import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname } from "node:path";

import { parseConfig } from "../../../src/config/index.ts";
import { demoConfig, demoText, runDemo } from "../../../src/daemon/demo.ts";
import { waitFor } from "../../helpers/wait.ts";

const ports = { page: 8080, status: 9780, servers: [8001, 8002] };

test("demoConfig() is a configuration of one service with every server, all on loopback", () => {
  const { config, warnings } = parseConfig(demoConfig(ports), "demo.toml");
  expect(warnings).toEqual([]);
  expect(config.status.listen).toEqual({ address: "127.0.0.1", port: 9780 });
  expect(config.virtualServices).toMatchObject([
    {
      name: "demo",
      listen: [{ address: "127.0.0.1", portFirst: 8080, portLast: 8080 }],
      realServers: [
        { host: "127.0.0.1", port: 8001 },
        { host: "127.0.0.1", port: 8002 },
      ],
    },
  ]);
});

test("demoText() names both pages and what to try", () => {
  const text = demoText(ports, {
    runtime: "/tmp/d/run",
    config: "/tmp/d/a.toml",
    program: "appliance",
  });
  expect(text.split("\n").filter((line) => line.startsWith("  "))).toEqual([
    "  balanced page   http://127.0.0.1:8080/",
    "  status page     http://127.0.0.1:9780/",
    "  configuration   /tmp/d/a.toml",
    "  curl http://127.0.0.1:8080/         the real servers answer in turn",
    "  curl http://127.0.0.1:8001/fail    one fails for 10 s: soon nobody is sent there",
    "  APPLIANCE_RUNTIME_DIR=/tmp/d/run appliance status",
    "  APPLIANCE_RUNTIME_DIR=/tmp/d/run appliance drain 127.0.0.1:8001",
    "  APPLIANCE_RUNTIME_DIR=/tmp/d/run appliance enable 127.0.0.1:8001",
  ]);
});

/** A demo that runs until the test ends. */
function startDemo() {
  const abort = new AbortController();
  const written = { output: "", log: "" };
  const exited = runDemo({
    environment: {},
    stdout: (text) => void (written.output += text),
    stderr: (text) => void (written.log += text),
    signal: abort.signal,
  });
  const find = async (pattern: RegExp): Promise<string> => {
    const what = `${pattern} in the demo's output`;
    return await waitFor(() => pattern.exec(written.output)?.[1], { what });
  };
  return {
    written,
    find,
    page: () => find(/balanced page +(\S+)/),
    async stop() {
      abort.abort();
      return exited;
    },
    async [Symbol.asyncDispose]() {
      abort.abort();
      await exited;
    },
  };
}

describe("runDemo()", () => {
  test("balances, and leaves nothing behind when it is interrupted", async () => {
    await using demo = startDemo();
    const page = await demo.page();
    const file = await demo.find(/configuration +(\S+)/);
    await waitFor(() => demo.written.log.includes(" ready "), { what: "first checks" });
    const names = new Set<string>();
    for (let index = 0; index < 4; index++) {
      names.add(/server ([AB])/.exec(await (await fetch(page)).text())![1]!);
    }
    expect([...names].toSorted()).toEqual(["A", "B"]);
    const status = await demo.find(/status page +(\S+)/);
    expect((await fetch(`${status}readyz`)).status).toBe(200);
    expect(existsSync(file)).toBe(true);
    expect(await demo.stop()).toBe(0);
    expect(existsSync(dirname(file))).toBe(false);
  });

  test("takes the next free ports when another one runs", async () => {
    await using first = startDemo();
    const page = await first.page();
    await using second = startDemo();
    expect(await second.page()).not.toBe(page);
  });
});
