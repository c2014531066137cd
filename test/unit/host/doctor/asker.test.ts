import { expect, test } from "bun:test";

import { SyscallError } from "../../../../ffi/errno.ts";
import { openAsker } from "../../../../src/host/doctor/asker.ts";
import { fakeInterface } from "../../../helpers/fake-host.ts";

// What it asks and hears on a LAN is in test/integration/host-doctor.test.ts.
test.each([4, 6] as const)("openAsker() of family %d on a missing interface throws", (family) => {
  const gone = fakeInterface("gone0", { index: 2_000_000_000 });
  expect(() => openAsker(family, gone)).toThrow(SyscallError);
});
