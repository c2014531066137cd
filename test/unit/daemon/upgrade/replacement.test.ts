import { expect, test } from "bun:test";

import { successorSocketPath } from "../../../../src/daemon/upgrade/replacement.ts";

test("successorSocketPath() is beside the control socket, another one for each process", () => {
  const path = successorSocketPath("/run/appliance/control.sock", 4711);
  expect(path).toBe("/run/appliance/control.sock.4711");
});
