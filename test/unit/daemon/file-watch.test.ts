import { expect, test } from "bun:test";
import { renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { lookIntervalMs, watchFiles } from "../../../src/daemon/file-watch.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";

/** A file that is watched; `look` lets one look happen. */
async function setUp() {
  const folder = createTempFolder();
  const path = join(folder.path, "a.cf");
  let seconds = 1_000_000;
  /** Writes with a time of its own, whatever the file system's clock is. */
  const write = (text: string): void => {
    writeFileSync(path, text);
    utimesSync(path, seconds, ++seconds);
  };
  write("one");
  const clock = createFakeClock();
  const seen: string[] = [];
  let files: readonly string[] = [path];
  const watch = await watchFiles({
    clock,
    files: () => files,
    onChange: (file) => Promise.resolve(void seen.push(file)),
  });
  return {
    path,
    clock,
    seen,
    write,
    watch,
    watchOnly: (next: readonly string[]) => void (files = next),
    /** Lets as many looks happen. */
    async look(count = 1) {
      for (let index = 0; index < count; index++) {
        await waitFor(() => clock.pendingCount() === 1, { what: "the next look" });
        clock.advance(lookIntervalMs);
      }
      await waitFor(() => clock.pendingCount() === 1, { what: "the next look" });
    },
    [Symbol.dispose]() {
      watch.close();
      folder[Symbol.dispose]();
    },
  };
}

test("watchFiles() tells of a new content once it has stayed as it is for two looks", async () => {
  using fixture = await setUp();
  fixture.write("two");
  await fixture.look();
  expect(fixture.seen).toEqual([]);
  // Still being written.
  fixture.write("two and more");
  await fixture.look();
  expect(fixture.seen).toEqual([]);
  await fixture.look();
  expect(fixture.seen).toEqual([fixture.path]);
  await fixture.look(3);
  expect(fixture.seen).toEqual([fixture.path]);
});

test("watchFiles() says nothing of a file that was only touched", async () => {
  using fixture = await setUp();
  fixture.write("one");
  await fixture.look(3);
  expect(fixture.seen).toEqual([]);
});

test("watchFiles() waits for a file that is gone, and sees one put in its place", async () => {
  using fixture = await setUp();
  rmSync(fixture.path);
  await fixture.look(3);
  expect(fixture.seen).toEqual([]);
  writeFileSync(`${fixture.path}.new`, "three");
  renameSync(`${fixture.path}.new`, fixture.path);
  await fixture.look(2);
  expect(fixture.seen).toEqual([fixture.path]);
});

test("watchFiles() takes a file that joins as it is, and forgets one that leaves", async () => {
  using fixture = await setUp();
  fixture.watchOnly([]);
  await fixture.look();
  fixture.write("two");
  await fixture.look(3);
  fixture.watchOnly([fixture.path]);
  await fixture.look(3);
  expect(fixture.seen).toEqual([]);
  fixture.write("three");
  await fixture.look(2);
  expect(fixture.seen).toEqual([fixture.path]);
});

test("watchFiles() does not read what is no file, and would keep it waiting", async () => {
  using fixture = await setUp();
  rmSync(fixture.path);
  expect(Bun.spawnSync(["mkfifo", fixture.path]).exitCode).toBe(0);
  await fixture.look(3);
  expect(fixture.seen).toEqual([]);
});

test("watchFiles() stops looking when it is closed", async () => {
  using fixture = await setUp();
  fixture.watch.close();
  expect(fixture.clock.pendingCount()).toBe(0);
});
