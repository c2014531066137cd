import { expect, test } from "bun:test";

import { isRefusal, NetlinkError, refused } from "../../../src/netlink/error.ts";

const silent = { offset: undefined, missingType: undefined };

test("refused() has the errno's name and the kernel's words", () => {
  const error = refused("add address", { errno: 19, text: "Device not found", ...silent });
  expect(error.message).toBe("Cannot add address: ENODEV (Device not found)");
  expect(error).toMatchObject({ code: "NETLINK_REFUSED", errno: 19, errnoName: "ENODEV" });
  const wordless = refused("add address", { errno: 1, text: undefined, ...silent });
  expect(wordless.message).toBe("Cannot add address: EPERM");
});

test("NetlinkError without an errno has no name of one", () => {
  const error = new NetlinkError("NETLINK_TIMEOUT", "late");
  expect(error).toMatchObject({ errno: 0, errnoName: "", kernelText: undefined });
});

test("isRefusal() knows the kernel's refusals only", () => {
  const error = new NetlinkError("NETLINK_SOCKET", "broken", { errno: 19 });
  expect(isRefusal(error, 19)).toBe(false);
  expect(isRefusal(refused("x", { errno: 19, text: undefined, ...silent }), 1, 19)).toBe(true);
});
