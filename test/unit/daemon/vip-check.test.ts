import { expect, test } from "bun:test";

import { requireVipChecks } from "../../../src/daemon/vip-check.ts";
import type { Config } from "../../../src/model/index.ts";
import { connectCheck, realServer, virtualService } from "./fixture.ts";

function configOf(type: "vip" | "connect"): Config {
  const check = { ...connectCheck, type };
  const realServers = [realServer("192.0.2.11", 80), realServer("192.0.2.12", 80, { check })];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no other field is looked at.
  return { virtualServices: [virtualService({ realServers })] } as unknown as Config;
}

const findObstacle = (): string => "this kernel is old";

test("an obstacle is told with the services that have such a check", () => {
  expect(() => requireVipChecks(configOf("vip"), findObstacle)).toThrow(
    'The check type "vip" of web cannot be used here: this kernel is old',
  );
});

test("without an obstacle, or without such a check, nothing is told", () => {
  expect(() => requireVipChecks(configOf("vip"), () => undefined)).not.toThrow();
  expect(() => requireVipChecks(configOf("connect"), findObstacle)).not.toThrow();
});
