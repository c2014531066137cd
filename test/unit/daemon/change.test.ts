import { describe, expect, test } from "bun:test";

import { createChanger } from "../../../src/daemon/change.ts";
import type { Overrides } from "../../../src/daemon/overrides.ts";
import type { Report } from "../../../src/daemon/report.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { realServer, virtualService } from "./fixture.ts";

const services = [
  virtualService(),
  virtualService({ name: "tls", realServers: [realServer("192.0.2.11", 443)] }),
];

/** A changer whose store says `notKept`, and whose peer `notTold`. */
function setUp(notKept?: string, notTold?: string) {
  let overrides: Overrides = new Map();
  const order: string[] = [];
  const reports: Report[] = [];
  const change = createChanger({
    clock: createFakeClock(1000),
    save: async () => {
      order.push("save");
      return notKept;
    },
    tellPeer: async () => notTold,
    services: () => services,
    addressOf: (host) => host,
    overrides: () => overrides,
    apply: async (next) => {
      order.push("apply");
      overrides = next;
    },
    report: (report) => void reports.push(report),
  });
  return { change, reports, order, overrides: () => Object.fromEntries(overrides) };
}

describe("createChanger()", () => {
  test("notes the override, brings it into force, then keeps it", async () => {
    const { change, overrides, order, reports } = setUp();
    expect(await change({ server: "192.0.2.11:80", action: "drain" }, "uid 1000")).toEqual({
      ok: true,
      changed: [{ service: "web", server: "192.0.2.11:80" }],
    });
    expect(overrides()).toEqual({
      "web\n192.0.2.11:80": {
        admin: "draining",
        kill: false,
        weight: undefined,
        by: "uid 1000",
        at: "1970-01-01T00:00:01.000Z",
      },
    });
    expect(order).toEqual(["apply", "save"]);
    expect(reports).toMatchObject([
      {
        name: "override",
        service: "web",
        server: "192.0.2.11:80",
        text: "Drained",
        by: "uid 1000",
      },
    ]);
  });

  test("changes the server in every service that has it", async () => {
    const { change } = setUp();
    const result = await change({ server: "192.0.2.11", action: "disable", kill: true }, "uid 0");
    expect(result).toMatchObject({
      changed: [
        { service: "web", server: "192.0.2.11:80" },
        { service: "tls", server: "192.0.2.11:443" },
      ],
    });
  });

  test("the configured weight leaves no override", async () => {
    const { change, overrides } = setUp();
    await change({ server: "192.0.2.12:80", action: "weight", weight: 9 }, "uid 0");
    await change({ server: "192.0.2.12:80", action: "weight", weight: 2 }, "uid 0");
    expect(overrides()).toEqual({});
  });

  test.each([
    [
      { server: "192.0.2.99", action: "drain" },
      "SERVER_UNKNOWN",
      "Cannot drain 192.0.2.99: no virtual service has such a real server",
    ],
    [
      { server: "192.0.2.12", service: "tls", action: "enable" },
      "SERVER_UNKNOWN",
      "Cannot enable 192.0.2.12: virtual service tls has no such real server",
    ],
    [
      { server: "192.0.2.11", service: "none", action: "enable" },
      "SERVICE_UNKNOWN",
      "Cannot enable 192.0.2.11: no virtual service is called none",
    ],
  ] as const)("%j is refused with %s", async (request, code, message) => {
    const { change, order } = setUp();
    expect(await change(request, "uid 0")).toEqual({ ok: false, code, message });
    expect(order).toEqual([]);
  });

  test("says when the override is not kept", async () => {
    const { change } = setUp("EROFS: read-only file system");
    expect(await change({ server: "192.0.2.11:80", action: "drain" }, "uid 0")).toMatchObject({
      ok: true,
      warning: "in force, but not kept over a restart: EROFS: read-only file system",
    });
  });

  test("says when the other director may not know it", async () => {
    const why = "it does not answer";
    const { change, overrides } = setUp(undefined, why);
    expect(await change({ server: "192.0.2.11:80", action: "drain" }, "uid 0")).toMatchObject({
      ok: true,
      warning: "in force, but the other director may not know it: it does not answer",
    });
    expect(Object.keys(overrides())).toHaveLength(1);
    const both = setUp("EROFS", why);
    expect(await both.change({ server: "192.0.2.11:80", action: "drain" }, "uid 0")).toMatchObject({
      warning: `in force, but not kept over a restart: EROFS; the other director may not know it: ${why}`,
    });
  });

  test("changes at the same time do not lose each other", async () => {
    const { change, overrides, order } = setUp();
    await Promise.all([
      change({ server: "192.0.2.11:80", action: "drain" }, "uid 0"),
      change({ server: "192.0.2.12:80", action: "drain" }, "uid 0"),
    ]);
    expect(Object.keys(overrides())).toHaveLength(2);
    expect(order).toEqual(["apply", "save", "apply", "save"]);
  });

  test("refuses when too many wait", async () => {
    const { change } = setUp();
    const requests = Array.from({ length: 101 }, () =>
      change({ server: "192.0.2.11:80", action: "drain" }, "uid 0"),
    );
    expect(await requests.at(-1)!).toMatchObject({ ok: false, code: "CHANGES_WAIT" });
    await Promise.all(requests);
  });
});
