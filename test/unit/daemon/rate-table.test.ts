import { expect, test } from "bun:test";

import { createRateTable } from "../../../src/daemon/rate-table.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { serverCounters, serviceCounters } from "./fixture.ts";

test("createRateTable() samples each 2 s, forgets what is gone, and stops", () => {
  const clock = createFakeClock();
  let connections = 0;
  let isThere = true;
  const table = createRateTable(clock, () =>
    isThere
      ? [
          serviceCounters({
            connections,
            servers: [serverCounters({ connections: connections / 2 })],
          }),
        ]
      : [],
  );
  expect(table.service("web")).toBeUndefined();
  clock.advance(2000);
  const server = { role: "real", key: "192.0.2.11:80" };
  expect(table.service("web")).toMatchObject({ rates: undefined, servers: [server] });
  connections = 80;
  clock.advance(2000);
  expect(table.service("web")).toMatchObject({
    rates: { cps: 10 },
    servers: [{ ...server, rates: { cps: 5 } }],
  });
  isThere = false;
  clock.advance(2000);
  expect(table.service("web")).toBeUndefined();
  table.close();
  expect(clock.pendingCount()).toBe(0);
});

test("createRateTable() knows a server again, wherever it stands in the list", () => {
  const clock = createFakeClock();
  const real = serverCounters({ key: "192.0.2.11:80", connections: 8 });
  const fallback = serverCounters({ key: "192.0.2.11:80", role: "fallback" });
  const other = serverCounters({ key: "192.0.2.12:80", connections: 800 });
  let servers = [real, other, fallback];
  const table = createRateTable(clock, () => [serviceCounters({ servers })]);
  clock.advance(2000);
  servers = [fallback, { ...other, connections: 808 }, { ...real, connections: 24 }];
  clock.advance(2000);
  const rates = table.service("web")?.servers.map(({ role, rates: of }) => [role, of?.cps]);
  expect(rates).toEqual([
    ["fallback", 0],
    ["real", 1],
    ["real", 2],
  ]);
  table.close();
});
