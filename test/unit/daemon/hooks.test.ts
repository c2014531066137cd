import { describe, expect, test } from "bun:test";

import { createHookRunner } from "../../../src/daemon/hooks.ts";
import type { Hook } from "../../../src/daemon/hooks.ts";
import type { ProgramRequest, ProgramResult } from "../../../src/process/index.ts";
import { createFakeLogger } from "./fake-logger.ts";

function hook(more: Partial<Hook> = {}): Hook {
  return {
    service: "web",
    name: "quorum_up",
    command: ["/usr/local/bin/up", "now"],
    environment: { APPLIANCE_SERVICE: "web" },
    user: "appliance",
    ...more,
  };
}

const ok: ProgramResult = { outcome: "exited", status: 0, output: "", tookMs: 1 };

/** Programs that end when the test says so. */
function createPrograms() {
  const requests: ProgramRequest[] = [];
  const ends: ((result: ProgramResult) => void)[] = [];
  return {
    requests,
    run: (request: ProgramRequest) => {
      requests.push(request);
      return new Promise<ProgramResult>((resolve) => ends.push(resolve));
    },
    async end(result = ok) {
      ends.shift()!(result);
      await Bun.sleep(0);
    },
  };
}

describe("createHookRunner()", () => {
  test("runs the program with its bounds", async () => {
    const { logger } = createFakeLogger();
    const programs = createPrograms();
    const runner = createHookRunner({ logger, run: programs.run });
    runner.enqueue(hook());
    expect(programs.requests).toEqual([
      {
        command: ["/usr/local/bin/up", "now"],
        environment: { APPLIANCE_SERVICE: "web" },
        user: "appliance",
        timeoutMs: 10_000,
        outputBytesMax: 1024,
        signal: expect.any(AbortSignal),
      },
    ]);
    await programs.end();
    await runner.idle();
  });

  test("runs one at a time for a service, in order, and services side by side", async () => {
    const { logger } = createFakeLogger();
    const programs = createPrograms();
    const runner = createHookRunner({ logger, run: programs.run });
    runner.enqueue(hook({ command: ["1"] }));
    runner.enqueue(hook({ command: ["2"] }));
    runner.enqueue(hook({ command: ["3"], service: "dns" }));
    const started = () => programs.requests.map(({ command }) => command[0]!);
    expect(started()).toEqual(["1", "3"]);
    await programs.end();
    expect(started()).toEqual(["1", "3", "2"]);
    await programs.end();
    await programs.end();
    await runner.idle();
  });

  test("drops the oldest that waits when too many do", async () => {
    const { logger, lines } = createFakeLogger();
    const programs = createPrograms();
    const runner = createHookRunner({ logger, run: programs.run });
    for (let index = 0; index < 20; index++) runner.enqueue(hook({ command: [String(index)] }));
    for (let index = 0; index < 17; index++) await programs.end();
    await runner.idle();
    const started = programs.requests.map(({ command }) => command[0]!);
    expect(started).toHaveLength(17);
    expect(started.slice(0, 3)).toEqual(["0", "4", "5"]);
    expect(started.at(-1)).toBe("19");
    expect(lines().filter((line) => line.includes("too many wait"))).toHaveLength(3);
  });

  test.each<readonly [string, ProgramResult, string]>([
    ["success", ok, "info hook service=web hook=quorum_up program=/usr/local/bin/up took_ms=1"],
    [
      "failure with its output",
      { outcome: "exited", status: 2, output: "no route\n", tookMs: 1 },
      'warning hook service=web hook=quorum_up program=/usr/local/bin/up problem="exit status 2" output="no route" took_ms=1',
    ],
    [
      "signal",
      { outcome: "signalled", signal: "SIGSEGV", output: "", tookMs: 1 },
      'warning hook service=web hook=quorum_up program=/usr/local/bin/up problem="died of SIGSEGV" took_ms=1',
    ],
    [
      "deadline",
      { outcome: "timeout", output: "", tookMs: 10_000 },
      'warning hook service=web hook=quorum_up program=/usr/local/bin/up problem="killed after 10 s" took_ms=10000',
    ],
    [
      "refusal",
      { outcome: "refused", message: "everybody can write it", tookMs: 0 },
      'warning hook service=web hook=quorum_up program=/usr/local/bin/up problem="everybody can write it" took_ms=0',
    ],
  ])("tells %s in the log", async (_name, result, expected) => {
    const { logger, lines } = createFakeLogger();
    const runner = createHookRunner({ logger, run: async () => result });
    runner.enqueue(hook());
    await runner.idle();
    expect(lines().filter((line) => !line.startsWith("debug"))).toEqual([expected]);
  });

  test("goes on after a run that broke", async () => {
    const { logger, lines } = createFakeLogger();
    let runs = 0;
    const runner = createHookRunner({
      logger,
      run: async () => {
        runs += 1;
        if (runs === 1) throw new Error("broken");
        return ok;
      },
    });
    runner.enqueue(hook());
    runner.enqueue(hook());
    await runner.idle();
    expect(runs).toBe(2);
    expect(lines()).toContain("error hook service=web hook=quorum_up problem=broken");
  });
});

test("abandon() drops what waits, kills what runs, and takes nothing more", async () => {
  const { logger } = createFakeLogger();
  const programs = createPrograms();
  const runner = createHookRunner({ logger, run: programs.run });
  runner.enqueue(hook());
  runner.enqueue(hook());
  runner.abandon();
  expect(programs.requests[0]!.signal!.aborted).toBe(true);
  await programs.end();
  await runner.idle();
  runner.enqueue(hook());
  expect(programs.requests).toHaveLength(1);
});
