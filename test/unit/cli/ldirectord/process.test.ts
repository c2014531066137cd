import { expect, test } from "bun:test";

import { sendSignal, waitForEnd } from "../../../../src/cli/ldirectord/process.ts";
import { endWithThisProcess } from "../../../helpers/process.ts";

test("sendSignal() ends a process, and does nothing to one that is gone", async () => {
  const child = endWithThisProcess(Bun.spawn(["cat"], { stdin: "pipe" }));
  sendSignal(child.pid, "SIGTERM");
  await child.exited;
  expect(child.signalCode).toBe("SIGTERM");
  expect(() => sendSignal(999_999_999, "SIGTERM")).not.toThrow();
});

test("waitForEnd() waits for what is asked, and not for ever", async () => {
  let asked = 0;
  expect(await waitForEnd(() => ++asked === 3, 60_000)).toBe(true);
  expect(asked).toBe(3);
  expect(await waitForEnd(() => Promise.resolve(false), 1)).toBe(false);
});
