/**
 * Which virtual router is fit, by services, scripts and pings.
 */
import { describe, expect, test } from "bun:test";

import type { AskedTarget } from "../../../src/check/index.ts";
import { judgeRouters, judgeServing, unitsOf } from "../../../src/daemon/fitness.ts";
import type { IsUp, JudgedService } from "../../../src/daemon/fitness.ts";
import type { TrackTarget, VirtualRouter } from "../../../src/model/index.ts";
import { configOf, serviceOf, serviceText } from "../config/fixture.ts";

const times = { intervalMs: 1000, timeoutMs: 1000 };
const gateway = { type: "ping", address: "192.0.2.1", ...times } as const;
const other = { type: "ping", address: "192.0.2.2", ...times } as const;
const script = { type: "script", command: ["/bin/ok"], ...times } as const;

function router(
  name: string,
  address: string,
  changes: Partial<Pick<VirtualRouter, "group" | "track" | "witness">> = {},
): VirtualRouter {
  const text = `
[[vrrp]]
name = "${name}"
interface = "eth0"
vrid = 1
addresses = ["${address}"]
auth = "none"
`;
  return { ...configOf(text).virtualRouters[0]!, ...changes };
}

/** A service with this state and so many servers up and one down. */
function service(listen: string, state: JudgedService["state"], upCount: number): JudgedService {
  const servers = [...Array<string>(upCount).fill("up"), "down"].map((health) => ({ health }));
  return {
    service: serviceOf(serviceText("", "web", listen)),
    servers: servers as unknown as JudgedService["servers"],
    state,
  };
}

function judge(routers: readonly VirtualRouter[], services: readonly JudgedService[], isUp: IsUp) {
  return judgeRouters(routers, judgeServing(routers, services), isUp);
}

const nothingKnown = (): undefined => undefined;
const allUp = (): boolean => true;

describe("judgeRouters()", () => {
  const a = router("a", "192.0.2.100");
  const b = router("b", "192.0.2.101");

  test("a service counts for the routers that have its address", () => {
    const services = [service("192.0.2.100:80", "fallback", 2), service("192.0.2.101:80", "up", 3)];
    expect(judge([a, b], services, allUp)).toEqual([
      { name: "a", isFit: false, liveServers: 2, isWitnessReached: true },
      { name: "b", isFit: true, liveServers: 3, isWitnessReached: true },
    ]);
  });

  test("a service counts for the routers that it belongs to, whatever its address", () => {
    const one = service("192.0.2.100:80", "down", 1);
    const services = [{ ...one, service: { ...one.service, routers: ["b"] } }];
    expect(judge([a, b], services, allUp)).toMatchObject([
      { name: "a", isFit: true, liveServers: 0 },
      { name: "b", isFit: false, liveServers: 1 },
    ]);
  });

  test("a service on none of the addresses counts for all", () => {
    const services = [service("0.0.0.0:80", "down", 1)];
    expect(judge([a, b], services, allUp)).toMatchObject([
      { isFit: false, liveServers: 1 },
      { isFit: false, liveServers: 1 },
    ]);
  });

  test("without services a director is fit", () => {
    expect(judge([a], [], allUp)).toEqual([
      { name: "a", isFit: true, liveServers: 0, isWitnessReached: true },
    ]);
  });

  test("routers of one group are judged together, in the order of the configuration", () => {
    const outside = router("outside", "192.0.2.100", { group: "edge" });
    const inside = router("inside", "192.0.2.101", { group: "edge", track: [script] });
    const services = [service("192.0.2.100:80", "up", 4)];
    expect(judge([outside, inside], services, () => false)).toMatchObject([
      { name: "outside", isFit: false, liveServers: 4 },
      { name: "inside", isFit: false, liveServers: 4 },
    ]);
  });

  test.each([
    ["up", true, true],
    ["down", false, false],
    ["not known yet", undefined, true],
  ])("a script that is %s", (_name, answer, isFit) => {
    const routers = [router("a", "192.0.2.100", { track: [script] })];
    expect(judge(routers, [], () => answer)).toMatchObject([{ isFit }]);
  });

  const isUp =
    (states: Readonly<Record<string, boolean | undefined>>) =>
    (target: AskedTarget): boolean | undefined =>
      target.type === "ping" ? states[target.address] : undefined;

  test.each<[string, Record<string, boolean>, "prefer" | "require", boolean]>([
    ["any that answers is enough", { "192.0.2.2": true }, "require", true],
    ["none answers", { "192.0.2.1": false, "192.0.2.2": false }, "prefer", false],
    ["one does not, the other is not known", { "192.0.2.1": false }, "prefer", true],
    ["not known is not enough where it is required", { "192.0.2.1": false }, "require", false],
  ])("witnesses: %s", (_name, states, witness, isWitnessReached) => {
    const track: TrackTarget[] = [gateway, other, { type: "interface", interface: "eth1" }];
    const routers = [router("a", "192.0.2.100", { track, witness })];
    expect(judge(routers, [], isUp(states))).toMatchObject([{ isWitnessReached, isFit: true }]);
  });
});

test("unitsOf() keeps a router and a group of one name apart", () => {
  const routers = [
    router("edge", "192.0.2.100"),
    router("in", "192.0.2.101", { group: "edge" }),
    router("out", "192.0.2.102", { group: "edge" }),
  ];
  const names = unitsOf(routers).map((unit) => unit.map(({ name }) => name));
  expect(names).toEqual([["edge"], ["in", "out"]]);
  expect(judge(routers, [], nothingKnown)).toHaveLength(3);
});
