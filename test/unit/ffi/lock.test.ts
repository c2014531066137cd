import { expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";

import { tryLockFile } from "../../../ffi/lock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("tryLockFile() locks once, until the descriptor is closed", () => {
  using folder = createTempFolder();
  const path = join(folder.path, "lock");
  const first = openSync(path, "a");
  const second = openSync(path, "a");
  expect(tryLockFile(first)).toBe(true);
  expect(tryLockFile(second)).toBe(false);
  closeSync(first);
  expect(tryLockFile(second)).toBe(true);
  closeSync(second);
});

test("tryLockFile() throws for a descriptor that cannot be locked", () => {
  const readOnly = openSync("/etc/passwd", "r");
  expect(() => tryLockFile(readOnly)).toThrow(expect.objectContaining({ code: "EBADF" }));
  closeSync(readOnly);
});
