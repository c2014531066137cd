import { describe, expect, test } from "bun:test";

import { formatConfig } from "../../../src/config/format.ts";
import { configOf, serviceText } from "./fixture.ts";

describe("formatConfig()", () => {
  const lines = [
    'persistent = "10m"',
    "persistence_mask = 24",
    'check = { type = "negotiate", service = "http", receive = "ok", interval = "500ms" }',
    'timeouts = { idle = "5m" }',
    'real_servers = [{ address = "192.0.2.11:80" }, { address = "web2:80", weight = 3 }]',
  ];
  const config = configOf(`[director]\nlog_level = "debug"\n${serviceText(lines.join("\n"))}`);

  test("leaves out what is the default anyway", () => {
    expect(formatConfig(config, { withDefaults: false, environment: { cores: 4 } })).toBe(
      `[director]
log_level = "debug"

[[virtual_service]]
name = "web"
listen = ["192.0.2.100:80"]
persistent = "10m"
persistence_mask = { ipv4 = 24 }
check = { type = "negotiate", service = "http", receive = "ok", interval = "500ms" }
real_servers = [
  { address = "192.0.2.11:80" },
  { address = "web2:80", weight = 3 },
]
timeouts = { idle = "5m" }
`,
    );
  });

  test("writes what only the kernel has, so that it means the same", () => {
    const keys = [
      'forwarding = "gate"',
      'engine = "ipvs"',
      'scheduler = "sh"',
      'scheduler_flags = ["sh-fallback", "sh-port"]',
      'real_servers = [{ address = "192.0.2.11", check = { port = 80 } }]',
    ].join("\n");
    const marked = configOf(serviceText(keys).replace(/listen = .*/, "fwmark = 7"));
    const text = formatConfig(marked, { withDefaults: false, environment: { cores: 4 } });
    expect(text).toContain("fwmark = 7\n");
    expect(text).not.toContain("listen");
    expect(text).toContain('{ address = "192.0.2.11" }');
    expect(configOf(text)).toEqual(marked);
  });

  test("writes workers where auto would be another number", () => {
    const text = formatConfig(config, { withDefaults: false, environment: { cores: 8 } });
    expect(text).toContain("[proxy]\nworkers = 4\n");
    expect(formatConfig(config, { withDefaults: false })).toContain("[proxy]\nworkers = 4\n");
  });

  test("writes everything if asked", () => {
    const text = formatConfig(config, { withDefaults: true });
    expect(text).toContain('[status]\nlisten = "127.0.0.1:9780"\n');
    expect(text).toContain('timeout = "500ms", rise = 1, fall = 2, fast_interval = "100ms"');
    expect(text).toContain('{ address = "192.0.2.11:80", weight = 1, upper_threshold = 0,');
    expect(configOf(text)).toEqual(config);
  });
});
