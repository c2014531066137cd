import { expect, test } from "bun:test";

import { createLocalAddresses } from "../../../src/daemon/local-address.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

test.each([
  ["127.0.0.1", true],
  ["127.1.2.3", true],
  ["192.0.2.1", false],
  ["7f00::1", false],
  ["2001:db8::1", false],
])("createLocalAddresses() of %s: %p", (address, expected) => {
  expect(createLocalAddresses(createFakeClock())(address)).toBe(expected);
});
