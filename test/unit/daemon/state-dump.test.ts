import { expect, test } from "bun:test";

import { dumpState } from "../../../src/daemon/state-dump.ts";
import type { ServiceSnapshot, Snapshot } from "../../../src/status/source.ts";
import { createFakeLogger } from "./fake-logger.ts";

// What the lines say is held by director.test.ts; here is the bound.
test("dumpState() stops after a thousand lines", () => {
  const { logger, lines } = createFakeLogger();
  const service = { name: "web", realServers: [] } as unknown as ServiceSnapshot;
  const services = Array.from({ length: 5000 }, () => service);
  dumpState({ services } as unknown as Snapshot, logger);
  expect(lines()).toHaveLength(1000);
});
