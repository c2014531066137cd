import { expect, test } from "bun:test";

import { SyscallError } from "../../../ffi/errno.ts";
import { openNeighbourSocket } from "../../../ffi/neighbour.ts";

test("openNeighbourSocket() tells why it cannot: no such interface, no right, no IPv6", () => {
  try {
    openNeighbourSocket("nosuch0");
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(SyscallError);
    expect(["ENODEV", "EPERM", "EAFNOSUPPORT"]).toContain((error as SyscallError).code);
  }
});
