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
  const subject = { service: "web", role: "real", key: "192.0.2.11:80" } as const;
  expect(table.service("web")).toBeUndefined();
  clock.advance(2000);
  expect(table.service("web")).toBeUndefined();
  connections = 80;
  clock.advance(2000);
  expect(table.service("web")).toMatchObject({ cps: 10 });
  expect(table.server(subject)).toMatchObject({ cps: 5 });
  expect(table.server({ ...subject, role: "fallback" })).toBeUndefined();
  isThere = false;
  clock.advance(2000);
  expect(table.service("web")).toBeUndefined();
  table.close();
  expect(clock.pendingCount()).toBe(0);
});
