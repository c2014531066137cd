import { describe, expect, test } from "bun:test";

import { assert, boolean, constantFrom, nat, property, record, uniqueArray } from "fast-check";

import { planChanges } from "../../../../src/datapath/ipvs/reconcile.ts";
import type { FoundService, IpvsCommand } from "../../../../src/datapath/ipvs/reconcile.ts";
import { serviceId, wantedTable } from "../../../../src/datapath/ipvs/table.ts";
import type { WantedService } from "../../../../src/datapath/ipvs/table.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import type { IpvsDestination, IpvsService } from "../../../../src/netlink/generic/index.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 100);

const noStats: IpvsService["stats"] = {
  connections: 0n,
  inPackets: 0n,
  outPackets: 0n,
  inBytes: 0n,
  outBytes: 0n,
  connectionsPerSecond: 0n,
  inPacketsPerSecond: 0n,
  outPacketsPerSecond: 0n,
  inBytesPerSecond: 0n,
  outBytesPerSecond: 0n,
};
const noCounts = { activeConnections: 0, inactiveConnections: 0, persistentConnections: 0 };

/** The kernel's table as it is when everything wanted is in it. */
function fulfilled(wanted: readonly WantedService[]): Map<string, FoundService> {
  return new Map(
    wanted.map(({ key, settings, destinations }) => {
      const service: IpvsService = { key, ...settings, stats: noStats };
      const present = destinations.filter(({ isPresent }) => isPresent);
      const list = present.map((one): IpvsDestination => ({
        ...one.key,
        ...one.settings,
        ...noCounts,
        stats: noStats,
      }));
      return [serviceId(key), { service, destinations: list }];
    }),
  );
}

const listen = [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }];
const [one, two] = ["192.0.2.11", "192.0.2.12"].map((address) => serverAt({ address, port: 80 }));

function tableWith(changes: Partial<ForwardingService>): readonly WantedService[] {
  const { timeouts: _timeouts, ...rest } = changes;
  const base = { listen, forwarding: "gate", servers: [one!, two!] } as const;
  return wantedTable([serviceWith({ ...base, ...rest })], { isLocal: () => false });
}

/** What turns `before` into `after`, in words. */
function changesOf(before: Partial<ForwardingService>, after: Partial<ForwardingService>) {
  const found = fulfilled(tableWith(before));
  const commands = planChanges({ wanted: tableWith(after), found, owned: new Map() });
  return commands.map(({ type, difference }) => `${type}: ${difference}`);
}

describe("planChanges()", () => {
  test("sends nothing for what is right already", () => {
    expect(changesOf({}, {})).toEqual([]);
  });

  test("makes a service before its destinations", () => {
    const commands = planChanges({ wanted: tableWith({}), found: new Map(), owned: new Map() });
    expect(commands.map(({ type, difference }) => `${type}: ${difference}`)).toEqual([
      "add-service: tcp 192.0.2.100:80 is missing",
      "add-destination: 192.0.2.11:80 is missing in tcp 192.0.2.100:80",
      "add-destination: 192.0.2.12:80 is missing in tcp 192.0.2.100:80",
    ]);
    expect(commands.every(({ owner }) => owner === "web")).toBe(true);
  });

  test("changes what differs and nothing else", () => {
    expect(changesOf({}, { servers: [one!, { ...two!, weight: 5, upperThreshold: 9 }] })).toEqual([
      "set-destination: 192.0.2.12:80 in tcp 192.0.2.100:80: " +
        "weight is 1, not 5, upper threshold is 0, not 9",
    ]);
    const persistence = { timeoutMs: 60_000, ipv4PrefixBits: 24, ipv6PrefixBits: 64 };
    expect(changesOf({}, { scheduler: "sh", schedulerFlags: ["sh-port"], persistence })).toEqual([
      "set-service: tcp 192.0.2.100:80: scheduler is rr, not sh, flags is none, not [2], " +
        "persistence is none, not 60, mask is none, not 24",
    ]);
  });

  test("adds who serves before it takes the others away", () => {
    const fallback = serverAt({ address: "192.0.2.99", port: 80 }, { role: "fallback" });
    const down = { state: "down", weight: 0 } as const;
    const servers = [{ ...one!, ...down }, { ...two!, ...down, isListed: false }, fallback];
    expect(changesOf({}, { servers })).toEqual([
      "add-destination: 192.0.2.99:80 is missing in tcp 192.0.2.100:80",
      "set-destination: 192.0.2.11:80 in tcp 192.0.2.100:80: weight is 1, not 0",
      "delete-destination: 192.0.2.12:80 is in tcp 192.0.2.100:80, but is not configured",
    ]);
  });

  test("removes services that were made before and are not wanted any more, no others", () => {
    const found = fulfilled(tableWith({}));
    const [id, { service }] = [...found][0]!;
    expect(planChanges({ wanted: [], found, owned: new Map() })).toEqual([]);
    expect(planChanges({ wanted: [], found, owned: new Map([[id, service.key]]) })).toEqual([
      {
        type: "delete-service",
        owner: "",
        service: service.key,
        difference: "tcp 192.0.2.100:80 is not configured any more",
      },
    ]);
    expect(
      planChanges({ wanted: [], found: new Map(), owned: new Map([[id, service.key]]) }),
    ).toEqual([]);
  });

  test("does not mind the mask of a service without persistence", () => {
    const wanted = tableWith({});
    const found = fulfilled(wanted);
    const [[id, entry]] = [...found] as [[string, FoundService]];
    found.set(id, { ...entry, service: { ...entry.service, persistentBits: 0 } });
    expect(planChanges({ wanted, found, owned: new Map() })).toEqual([]);
  });
});

/** Carries commands out on a table. */
function carryOut(found: Map<string, FoundService>, commands: readonly IpvsCommand[]): void {
  for (const command of commands) {
    const id = serviceId(command.service);
    const known = found.get(id);
    if (command.type === "delete-service") {
      expect(found.delete(id)).toBe(true);
      continue;
    }
    if (command.type === "add-service" || command.type === "set-service") {
      expect(known === undefined).toBe(command.type === "add-service");
      const service = { key: command.service, ...command.settings, stats: noStats };
      found.set(id, { service, destinations: known?.destinations ?? [] });
      continue;
    }
    if (!("destination" in command)) throw new Error(command.type);
    const { address, port } = command.destination;
    const others = known!.destinations.filter((o) => o.address !== address || o.port !== port);
    expect(others.length === known!.destinations.length).toBe(command.type === "add-destination");
    const added =
      command.type === "delete-destination" || !("tunnel" in command.settings)
        ? []
        : [{ ...command.destination, ...command.settings, ...noCounts, stats: noStats }];
    found.set(id, { ...known!, destinations: [...others, ...added] });
  }
}

test("planChanges() leads from any table to any other, and then has nothing left to do", () => {
  const server = record({
    address: constantFrom("192.0.2.11", "192.0.2.12", "192.0.2.13"),
    weight: nat(2),
    state: constantFrom("active" as const, "down" as const, "reset" as const),
    isListed: boolean(),
  });
  const service = record({
    name: constantFrom("a", "b", "c"),
    scheduler: constantFrom("rr" as const, "sh" as const),
    servers: uniqueArray(server, { selector: ({ address }) => address, maxLength: 3 }),
  });
  const table = uniqueArray(service, { selector: ({ name }) => name, maxLength: 3 }).map(
    (services) =>
      wantedTable(
        services.map(({ name, scheduler, servers }) =>
          serviceWith({
            name,
            scheduler,
            forwarding: "gate",
            listen: [
              { ...listen[0]!, portFirst: name.charCodeAt(0), portLast: name.charCodeAt(0) },
            ],
            servers: servers.map(({ address, ...rest }) => serverAt({ address, port: 1 }, rest)),
          }),
        ),
        { isLocal: () => false },
      ),
  );
  assert(
    property(table, table, (before, wanted) => {
      const found = fulfilled(before);
      const owned = new Map(before.map(({ key }) => [serviceId(key), key]));
      carryOut(found, planChanges({ wanted, found, owned }));
      expect(planChanges({ wanted, found, owned })).toEqual([]);
      expect([...found.keys()].toSorted()).toEqual(
        wanted.map(({ key }) => serviceId(key)).toSorted(),
      );
    }),
    { seed, numRuns },
  );
});
