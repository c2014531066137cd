import { describe, expect, test } from "bun:test";

import { waitFor } from "../../../helpers/wait.ts";
import { createBench, goodTable, one, two, web, webId } from "./bench.ts";

describe("IpvsEngine.apply()", () => {
  test("opens nothing as long as there is nothing to do", async () => {
    const { engine, ipvs, clock } = createBench();
    expect(await engine.apply([])).toEqual([]);
    expect([engine.counters(), engine.ipvsView?.(), ipvs.opened()]).toEqual([[], undefined, 0]);
    expect(clock.pendingCount()).toBe(0);
    await engine.close(1000, new AbortController().signal);
    expect(ipvs.opened()).toBe(0);
  });

  test("makes services, changes what differs, removes what is not wanted any more", async () => {
    const { engine, ipvs } = createBench();
    expect(await engine.apply([web()])).toEqual([]);
    expect(ipvs.table()).toEqual(goodTable);
    ipvs.commands.length = 0;
    expect(await engine.apply([web()])).toEqual([]);
    expect(ipvs.commands).toEqual([]);
    await engine.apply([web({ scheduler: "wlc", servers: [one] })]);
    expect(ipvs.table()).toEqual({ [webId]: "wlc [192.0.2.11:80 gate 1]" });
    expect(ipvs.commands).toHaveLength(2);
    await engine.apply([]);
    expect(ipvs.table()).toEqual({});
  });

  test("leaves foreign services alone and takes over its own", async () => {
    const { engine, ipvs, events } = createBench();
    const former = createBench();
    await former.engine.apply([
      web({ servers: [one] }),
      web({ name: "foreign", listen: [{ address: "192.0.2.200", portFirst: 1, portLast: 1 }] }),
    ]);
    for (const [id, service] of former.ipvs.services) ipvs.services.set(id, service);
    await engine.apply([web()]);
    expect(ipvs.table()).toEqual({
      ...goodTable,
      "tcp 192.0.2.200:1": "rr [192.0.2.11:1 gate 1, 192.0.2.12:1 gate 2]",
    });
    expect(events).toEqual([
      {
        type: "log",
        level: "info",
        text: `IPVS had ${webId} already: it is kept up by this director from now on`,
      },
    ]);
    await engine.close(0, new AbortController().signal);
    expect(Object.keys(ipvs.table())).toEqual(["tcp 192.0.2.200:1"]);
  });

  test("goes on with what a former director had until the first checks have ended", async () => {
    const { engine, ipvs, clock, events } = createBench();
    const former = createBench();
    await former.engine.apply([web({ servers: [one] })]);
    for (const [id, service] of former.ipvs.services) ipvs.services.set(id, service);
    const quiet = { weight: 0, state: "quiescent", isListed: false, isUnchecked: true } as const;
    await engine.apply([
      web({
        servers: [
          { ...one, ...quiet },
          { ...two, ...quiet },
        ],
      }),
    ]);
    clock.advance(10_000);
    expect(ipvs.table()).toEqual({ [webId]: "rr [192.0.2.11:80 gate 1]" });
    expect(events).toHaveLength(1);
    await engine.apply([web({ servers: [{ ...one, weight: 0, state: "down" }, two] })]);
    expect(ipvs.table()).toEqual({ [webId]: "rr [192.0.2.11:80 gate 0, 192.0.2.12:80 gate 2]" });
  });

  test("leaves what was there before if the start fails", async () => {
    const { engine, ipvs } = createBench();
    const former = createBench();
    await former.engine.apply([web()]);
    for (const [id, service] of former.ipvs.services) ipvs.services.set(id, service);
    const listen = [{ address: "192.0.2.100", portFirst: 81, portLast: 81 }];
    await engine.apply([web(), web({ name: "new", listen })]);
    expect(Object.keys(ipvs.table())).toEqual([webId, "tcp 192.0.2.100:81"]);
    await engine.close(0, AbortSignal.abort());
    expect(ipvs.table()).toEqual(goodTable);
  });

  test("says which scheduler is missing, and serves the others", async () => {
    const { engine, ipvs } = createBench();
    const other = web({
      name: "other",
      scheduler: "lblcr",
      listen: [{ address: "192.0.2.100", portFirst: 81, portLast: 81 }],
    });
    expect(await engine.apply([other, web()])).toEqual([
      {
        service: "other",
        code: "IPVS_SCHEDULER_MISSING",
        message: "this kernel's IPVS has no scheduler lblcr: modprobe ip_vs_lblcr",
      },
    ]);
    expect(ipvs.table()).toEqual(goodTable);
    ipvs.schedulers = new Set(["lblcr"]);
    expect(await engine.apply([other, web()])).toEqual([]);
    expect(Object.keys(ipvs.table())).toHaveLength(2);
  });

  test("tells of settings of the host once", async () => {
    const { engine, events, settings } = createBench();
    settings.set("net/ipv4/vs/expire_nodest_conn", "0");
    settings.set("net/ipv4/vs/expire_quiescent_template", "0");
    await engine.apply([web()]);
    await engine.apply([web({ servers: [one] })]);
    expect(events).toEqual([
      {
        type: "log",
        level: "warning",
        text:
          "net.ipv4.vs.expire_nodest_conn is 0: connections to a real server that was removed " +
          'hang until they time out; "appliance setup director" sets it',
      },
    ]);
  });

  test("fails as a whole if the kernel's IPVS goes away, and comes back with it", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    ipvs.isPermitted = false;
    await expect(engine.apply([web()])).rejects.toThrow("Cannot list IPVS services: EPERM");
    ipvs.isPermitted = true;
    ipvs.services.clear();
    clock.advance(5000);
    expect(await engine.apply([web()])).toEqual([]);
    expect(ipvs.table()).toEqual(goodTable);
  });
});

describe("IpvsEngine.refuse()", () => {
  test("names the module that is missing, and asks again", () => {
    const { engine, ipvs, clock } = createBench();
    ipvs.isLoaded = false;
    expect(engine.refuse(web())).toBe(
      "this kernel has no IPVS: load its module on the host (modprobe ip_vs); " +
        "a container uses the one of its host",
    );
    ipvs.isLoaded = true;
    expect(engine.ipvsObstacle?.()).toContain("modprobe ip_vs");
    clock.advance(5000);
    expect(engine.refuse(web())).toBeUndefined();
    expect(ipvs.opened()).toBe(2);
  });

  test("names the capability that is missing", () => {
    const { engine, ipvs } = createBench();
    ipvs.isPermitted = false;
    expect(engine.refuse(web())).toBe("IPVS may not be used: CAP_NET_ADMIN on the host is missing");
  });
});

describe("IpvsEngine looks at the kernel's table", () => {
  test("puts back what others changed, tells whose it was, and rests", async () => {
    const { engine, ipvs, clock, events } = createBench();
    await engine.apply([web()]);
    const { destinations } = ipvs.services.get(webId)!;
    destinations.delete("192.0.2.11:80");
    destinations.get("192.0.2.12:80")!.settings = {
      ...destinations.get("192.0.2.12:80")!.settings,
      weight: 7,
    };
    clock.advance(4999);
    expect(events).toEqual([]);
    clock.advance(1);
    expect(ipvs.table()).toEqual(goodTable);
    expect(events).toEqual([
      {
        type: "put-back",
        service: "web",
        text:
          "Another program changed IPVS, put back: " +
          `192.0.2.11:80 is missing in ${webId}; 192.0.2.12:80 in ${webId}: weight is 7, not 2`,
      },
    ]);
    ipvs.commands.length = 0;
    clock.advance(20_000);
    expect([ipvs.commands, events.length]).toEqual([[], 1]);
  });

  test("makes services again that were flushed", async () => {
    const { engine, ipvs, clock, events } = createBench();
    await engine.apply([web()]);
    ipvs.services.clear();
    clock.advance(5000);
    expect(ipvs.table()).toEqual(goodTable);
    expect(events).toMatchObject([{ type: "put-back", text: expect.stringContaining("missing") }]);
  });

  test("follows an address that became this host's own, and blames nobody", async () => {
    const { engine, ipvs, clock, events, local } = createBench();
    await engine.apply([web()]);
    local.add("192.0.2.11");
    clock.advance(5000);
    expect(ipvs.table()).toEqual({
      [webId]: "rr [192.0.2.11:80 local 1, 192.0.2.12:80 gate 2]",
    });
    expect(events).toEqual([]);
  });

  test("tells once that it cannot look", async () => {
    const { engine, ipvs, clock, events } = createBench();
    await engine.apply([web()]);
    ipvs.isPermitted = false;
    clock.advance(20_000);
    expect(events).toEqual([
      {
        type: "log",
        level: "warning",
        text: "Cannot look at IPVS: Cannot list IPVS services: EPERM",
      },
    ]);
  });
});

describe("IpvsEngine counts", () => {
  test("what the kernel counts, and goes on after a destination was made anew", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    const service = ipvs.services.get(webId)!;
    const server = service.destinations.get("192.0.2.11:80")!;
    service.connections = 10;
    Object.assign(server, { connections: 4, active: 3, persistent: 2 });
    const [counted] = engine.counters();
    expect(counted).toMatchObject({ name: "web", connections: 10, active: 3 });
    expect(counted!.servers[0]).toMatchObject({
      key: "192.0.2.11:80",
      role: "real",
      connections: 4,
      active: 3,
      persistentEntries: 2,
      isLocal: false,
    });
    await engine.apply([web({ servers: [{ ...one, isListed: false, state: "down" }, two] })]);
    expect(engine.counters()[0]!.servers).toMatchObject([
      { key: "192.0.2.12:80" },
      { key: "192.0.2.11:80", connections: 4, active: 0 },
    ]);
    await engine.apply([web()]);
    service.destinations.get("192.0.2.11:80")!.connections = 1;
    clock.advance(1000);
    expect(engine.counters()[0]!.servers[0]).toMatchObject({ connections: 5 });
  });

  test("a destination once that the kernel brings back with its counters", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    const { destinations } = ipvs.services.get(webId)!;
    const server = destinations.get("192.0.2.11:80")!;
    server.connections = 4;
    expect(engine.counters()[0]!.servers[0]).toMatchObject({ connections: 4 });
    await engine.apply([web({ servers: [{ ...one, isListed: false, state: "down" }, two] })]);
    expect(engine.counters()[0]!.servers[1]).toMatchObject({ connections: 4 });
    await engine.apply([web()]);
    destinations.set("192.0.2.11:80", server);
    clock.advance(1000);
    expect(engine.counters()[0]!.servers[0]).toMatchObject({ connections: 4 });
  });

  test("not more often than five times a second", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    const service = ipvs.services.get(webId)!;
    expect(engine.counters()[0]!.connections).toBe(0);
    service.connections = 1;
    expect(engine.counters()[0]!.connections).toBe(0);
    clock.advance(200);
    expect(engine.counters()[0]!.connections).toBe(1);
  });

  test("and shows the kernel's own facts", async () => {
    const { engine } = createBench();
    await engine.apply([web()]);
    expect(engine.ipvsView?.()).toEqual({
      version: "1.2.1",
      connectionTableSize: 4096,
      timeouts: { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 },
      daemons: [],
    });
  });
});

describe("IpvsEngine.close()", () => {
  test("sends nothing new, waits for connections, and removes what is its own", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    const server = ipvs.services.get(webId)!.destinations.get("192.0.2.11:80")!;
    server.active = 1;
    const closed = engine.close(10_000, new AbortController().signal);
    expect(ipvs.table()).toEqual({ [webId]: "rr [192.0.2.11:80 gate 0, 192.0.2.12:80 gate 0]" });
    clock.advance(400);
    server.active = 0;
    clock.advance(200);
    await closed;
    expect(ipvs.table()).toEqual({});
    expect(clock.pendingCount()).toBe(0);
  });

  test("ends at the timeout, and at once in a hurry", async () => {
    const { engine, ipvs, clock } = createBench();
    await engine.apply([web()]);
    ipvs.services.get(webId)!.destinations.get("192.0.2.11:80")!.active = 1;
    const hurry = new AbortController();
    const closed = engine.close(10_000, hurry.signal);
    clock.advance(5000);
    expect(Object.keys(ipvs.table())).toEqual([webId]);
    hurry.abort();
    clock.advance(200);
    await closed;
    expect(ipvs.table()).toEqual({});
  });

  test("gives up a kernel that is gone, and says so", async () => {
    const { engine, ipvs, events } = createBench();
    await engine.apply([web()]);
    ipvs.isPermitted = false;
    await engine.close(0, new AbortController().signal);
    const text = "Cannot remove all services from IPVS: Cannot list IPVS services: EPERM";
    expect(events).toEqual([{ type: "log", level: "warning", text }]);
  });
});

test("many services are made in several turns, with a look held back meanwhile", async () => {
  const { engine, ipvs, clock } = createBench();
  const services = Array.from({ length: 100 }, (_, index) =>
    web({
      name: `web-${index}`,
      listen: [{ address: "192.0.2.100", portFirst: index + 1, portLast: index + 1 }],
    }),
  );
  const applied = engine.apply(services);
  let isDone = false;
  void applied.then(() => (isDone = true));
  await waitFor(() => isDone || clock.pendingCount() > 0, { what: "services in IPVS" });
  expect(await applied).toEqual([]);
  expect(Object.keys(ipvs.table())).toHaveLength(100);
  await engine.close(0, new AbortController().signal);
  expect(ipvs.table()).toEqual({});
});
