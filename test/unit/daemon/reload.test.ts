import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";
import { createReloader } from "../../../src/daemon/reload.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { ApplianceError } from "../../../src/errors/index.ts";

const service = `
[[virtual_service]]
name = "web"
listen = "127.0.0.1:8080"
real_servers = [{ address = "127.0.0.1:8081" }]
`;

function loaded(text = ""): LoadedConfig {
  return parseConfig(text + service, "test.toml");
}

/** A reloader over memory: `next` is what the files say. */
function setUp() {
  const reports: Report[] = [];
  const outcomes: (string | undefined)[] = [];
  const state = {
    current: loaded(),
    next: (): LoadedConfig => loaded('[director]\nlog_level = "debug"\n'),
    limit: undefined as ApplianceError | undefined,
    running: 0,
    overlaps: 0,
    applied: 0,
  };
  const reload = createReloader({
    load: async () => state.next(),
    current: () => state.current,
    plan: (before, after) =>
      before.config.director.logLevel === after.config.director.logLevel
        ? []
        : ["log level changed"],
    admit: () => {
      if (state.limit !== undefined) throw state.limit;
    },
    apply: async (next) => {
      state.running += 1;
      if (state.running > 1) state.overlaps += 1;
      state.applied += 1;
      await Promise.resolve();
      state.current = next;
      state.running -= 1;
    },
    report: (report) => void reports.push(report),
    onOutcome: (error) => void outcomes.push(error),
  });
  return { reload, reports, outcomes, state };
}

const broken = new ApplianceError("CONFIG_INVALID", "Cannot use the configuration:\n  line 3");

describe("createReloader()", () => {
  test("applies, and tells what changed", async () => {
    const { reload, state, reports, outcomes } = setUp();
    expect(await reload(false, "uid 0")).toEqual({ ok: true, plan: ["log level changed"] });
    expect(state.current.config.director.logLevel).toBe("debug");
    expect(reports).toMatchObject([
      { level: "info", name: "reload", text: "Reloaded", by: "uid 0", reason: "log level changed" },
    ]);
    expect(outcomes).toEqual([undefined]);
  });

  test("a dry run tells and does nothing", async () => {
    const { reload, state, reports, outcomes } = setUp();
    expect(await reload(true, "uid 0")).toEqual({ ok: true, plan: ["log level changed"] });
    expect(state.applied).toBe(0);
    expect(reports).toEqual([]);
    expect(outcomes).toEqual([]);
  });

  test("a broken file changes nothing and is told", async () => {
    const { reload, state, reports, outcomes } = setUp();
    state.next = () => {
      throw broken;
    };
    expect(await reload(false, "SIGHUP")).toEqual({
      ok: false,
      code: "CONFIG_INVALID",
      message: broken.message,
    });
    expect(state.applied).toBe(0);
    expect(outcomes).toEqual([broken.message]);
    expect(reports).toMatchObject([
      {
        level: "error",
        name: "reload",
        text: "Reload failed, nothing changed; it was asked for",
        by: "SIGHUP",
      },
    ]);
  });

  test("a broken file in a dry run is answered only", async () => {
    const { reload, state, reports, outcomes } = setUp();
    state.next = () => {
      throw broken;
    };
    expect(await reload(true, "uid 0")).toMatchObject({ ok: false, code: "CONFIG_INVALID" });
    expect(reports).toEqual([]);
    expect(outcomes).toEqual([]);
  });

  test("what this host cannot carry is refused", async () => {
    const { reload, state } = setUp();
    state.limit = new ApplianceError("CONFIG_TOO_MANY_LISTENERS", "Cannot open 9 listeners");
    expect(await reload(false, "uid 0")).toEqual({
      ok: false,
      code: "CONFIG_TOO_MANY_LISTENERS",
      message: "Cannot open 9 listeners",
    });
    expect(state.applied).toBe(0);
  });

  test("reloads at the same time run one after the other", async () => {
    const { reload, state } = setUp();
    await Promise.all([reload(false, "a"), reload(false, "b"), reload(false, "c")]);
    expect(state.applied).toBe(3);
    expect(state.overlaps).toBe(0);
  });

  test("refuses when too many wait", async () => {
    const { reload } = setUp();
    const results = await Promise.all(Array.from({ length: 9 }, () => reload(false, "a")));
    expect(results.at(-1)).toMatchObject({ ok: false, code: "RELOADS_WAIT" });
    expect(results.slice(0, 8).every(({ ok }) => ok)).toBe(true);
  });
});
