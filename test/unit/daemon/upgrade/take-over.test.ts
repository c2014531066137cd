/** The new side of an upgrade over fakes. */
import { describe, expect, test } from "bun:test";

import { ApplianceError } from "../../../../src/errors/index.ts";
import { setUpDirector } from "../director-fixture.ts";

describe("takeOver()", () => {
  const state = {
    type: "state",
    version: 1,
    from: { version: "1.2.2", pid: 11 },
    listeners: [],
    overrides: "",
    health: [],
  } as const;
  const overrides =
    '{ "version": 1, "revision": 3, "overrides": [ { "service": "web", ' +
    '"server": "192.0.2.11:80", "admin": "disabled", "kill": false, "by": "x", "at": "" } ] }';

  function setUpSuccessor(taken: () => Promise<void> = async () => undefined) {
    const log: string[] = [];
    const fixture = setUpDirector(undefined, {
      predecessor: {
        state,
        lock: { fd: 5, release: () => undefined },
        batonFd: -1,
        listeners: [],
        overrides: { overrides: new Map(), revision: 0, warning: undefined },
        async prepared(version) {
          log.push(`prepared ${version}, ${fixture.engine.applied.length > 0}`);
          return { type: "go", overrides, clients: [] };
        },
        async taken() {
          log.push("taken");
          await taken();
        },
        fail: async () => undefined,
      },
    });
    fixture.engine.setAccepting = async (isAccepting) => void log.push(`accepts ${isAccepting}`);
    return { ...fixture, log };
  }

  test("accepts once it has what the old one knows, and is ready when that has let go", async () => {
    const { start, clock, log, seen, engine } = setUpSuccessor();
    const starting = start();
    // Its servers are unknown: it waits for them, but not for ever.
    for (let turn = 0; turn < 2000 && log.length === 0; turn++) {
      clock.advance(5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const director = await starting;
    expect(log).toEqual(["prepared 1.2.3, true", "accepts true", "taken"]);
    expect(seen.told.at(-1)).toBe("ready 1 virtual service");
    const [first] = engine.applied.at(-1)![0]!.servers;
    expect(first).toMatchObject({ key: "192.0.2.11:80", weight: 0 });
    expect(director.source.snapshot().events[0]!.text).toContain(
      "Took over from version 1.2.2, process 11",
    );
    await director.stop("test", AbortSignal.abort());
  });

  test("what keeps it from taking over closes everything", async () => {
    const { start, clock, engine, seen } = setUpSuccessor(async () => {
      throw new ApplianceError("UPGRADE_TIMEOUT", "Nothing came");
    });
    const failures: unknown[] = [];
    const starting = start().catch((error: unknown) => void failures.push(error));
    for (let turn = 0; turn < 2000 && failures.length === 0; turn++) {
      clock.advance(5);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await starting;
    expect(failures).toMatchObject([{ code: "UPGRADE_TIMEOUT" }]);
    expect(engine.closed).toHaveLength(1);
    expect(seen.stopped).toEqual(["control"]);
  });
});
