import { describe, expect, test } from "bun:test";

import { createSerial } from "../../../src/daemon/serial.ts";

describe("createSerial()", () => {
  test("runs tasks one after the other, in order", async () => {
    const serial = createSerial(10);
    const done: string[] = [];
    const task = (name: string, turns: number) => async () => {
      done.push(`${name} begins`);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      done.push(`${name} ends`);
      return name;
    };
    const results = await Promise.all([serial.run(task("a", 5)), serial.run(task("b", 0))]);
    expect(results).toEqual(["a", "b"]);
    expect(done).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  test("a task that fails does not stop the next one", async () => {
    const serial = createSerial(10);
    const failed = serial.run(() => Promise.reject(new Error("no")));
    const next = serial.run(async () => "yes");
    await expect(failed).rejects.toThrow("no");
    expect(await next).toBe("yes");
  });

  test("refuses when too many wait, and takes tasks again later", async () => {
    const serial = createSerial(2);
    const first = serial.run(async () => 1);
    const second = serial.run(async () => 2);
    expect(serial.run(async () => 3)).toBeUndefined();
    await Promise.all([first, second]);
    await Promise.resolve();
    await Promise.resolve();
    expect(await serial.run(async () => 4)).toBe(4);
  });
});
