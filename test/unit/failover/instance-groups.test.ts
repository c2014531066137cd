import { expect, test } from "bun:test";

import { formGroups } from "../../../src/failover/instance-groups.ts";
import { backupRouter } from "../../helpers/vrrp/machine.ts";

test("formGroups() puts instances of one group together, in their order, and others nowhere", () => {
  const [a, b, c, d] = ["edge", undefined, "edge", "inside"].map((group) => {
    return { plan: { group }, router: backupRouter() };
  });
  const groups = formGroups([a!, b!, c!, d!]);
  expect([...groups.keys()]).toEqual(["edge", "inside"]);
  expect(groups.get("edge")).toEqual({ members: [a!, c!], routers: [a!.router, c!.router] });
  expect(groups.get("edge")!.routers[1]).toBe(c!.router);
});
