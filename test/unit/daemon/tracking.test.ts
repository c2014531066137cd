/**
 * Targets asked in turn over a clock that stands still.
 */
import { expect, test } from "bun:test";

import type { AskedTarget } from "../../../src/check/index.ts";
import { Tracking, trackName } from "../../../src/daemon/tracking.ts";
import type { TrackView } from "../../../src/daemon/tracking.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { settle } from "./director-fixture.ts";

const gateway: AskedTarget = {
  type: "ping",
  address: "192.0.2.1",
  intervalMs: 1000,
  timeoutMs: 500,
};
const script: AskedTarget = { ...gateway, type: "script", command: ["/bin/ok", "-v"] };

type Answer = "up" | "down" | "no-resources" | "never";

function setUp(first: Answer = "up") {
  const clock = createFakeClock();
  const world = { answer: first };
  const changes: TrackView[] = [];
  const asked: string[] = [];
  const users: string[] = [];
  const tracking = new Tracking({
    clock,
    user: () => "nobody",
    async ask(target, { user }) {
      asked.push(trackName(target));
      users.push(user);
      if (world.answer === "never") return new Promise(() => undefined);
      if (world.answer === "up") return undefined;
      if (world.answer === "down") return { reason: "timeout", detail: "no reply" };
      return { reason: "no-resources", detail: "EMFILE" };
    },
    onChange: (view) => void changes.push(view),
  });
  const pass = async (turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) {
      clock.advance(1000);
      await settle();
    }
  };
  return { clock, world, changes, asked, users, tracking, pass };
}

test("Tracking takes the first answer at once, then two in a row", async () => {
  const { tracking, world, changes, pass } = setUp();
  await tracking.apply([gateway]);
  expect(tracking.isUp(gateway)).toBe(true);
  world.answer = "down";
  await pass(1);
  expect(tracking.isUp(gateway)).toBe(true);
  world.answer = "up";
  await pass(1);
  world.answer = "down";
  await pass(1);
  expect(tracking.isUp(gateway)).toBe(true);
  await pass(1);
  expect(tracking.isUp(gateway)).toBe(false);
  world.answer = "up";
  await pass(2);
  expect(tracking.isUp(gateway)).toBe(true);
  expect(changes).toEqual([
    { name: "ping 192.0.2.1", isUp: false, reason: "no reply" },
    { name: "ping 192.0.2.1", isUp: true, reason: "" },
  ]);
});

test("Tracking tells of a target that is down from the start", async () => {
  const { tracking, changes, users } = setUp("down");
  await tracking.apply([script]);
  expect(changes).toEqual([{ name: "/bin/ok -v", isUp: false, reason: "no reply" }]);
  expect(users).toEqual(["nobody"]);
});

test("Tracking learns nothing from what this process lacks", async () => {
  const { tracking, world, pass } = setUp();
  await tracking.apply([gateway]);
  world.answer = "no-resources";
  await pass(5);
  expect(tracking.isUp(gateway)).toBe(true);
});

test("Tracking.apply() asks what several track once, and lets what was there go on", async () => {
  const { tracking, asked, clock } = setUp();
  await tracking.apply([gateway, { ...gateway }]);
  await tracking.apply([gateway, script]);
  expect(asked).toEqual(["ping 192.0.2.1", "/bin/ok -v"]);
  expect(tracking.views().map(({ isUp }) => isUp)).toEqual([true, true]);
  await tracking.apply([script]);
  expect(tracking.isUp(gateway)).toBeUndefined();
  tracking.close();
  expect(clock.pendingCount()).toBe(0);
});

test("Tracking.apply() waits two seconds for a first answer and no longer", async () => {
  const { tracking, clock } = setUp("never");
  let isOver = false;
  void tracking.apply([gateway]).then(() => (isOver = true));
  clock.advance(1999);
  await settle();
  expect(isOver).toBe(false);
  clock.advance(1);
  await settle();
  expect(isOver).toBe(true);
  expect(tracking.isUp(gateway)).toBeUndefined();
});

test("Tracking.askNow() asks beside the turns", async () => {
  const { tracking, world } = setUp();
  expect(await tracking.askNow(gateway)).toBe(true);
  world.answer = "down";
  expect(await tracking.askNow(gateway)).toBe(false);
});
