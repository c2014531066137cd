import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readSecretFile } from "../../../src/config/secret.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

let folder: ReturnType<typeof createTempFolder>;
beforeAll(() => {
  folder = createTempFolder();
});
afterAll(() => folder[Symbol.dispose]());

function write(name: string, content: string, mode = 0o600): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

const secret = "0123456789abcdef";

describe("readSecretFile()", () => {
  test.each([
    ["bare", secret],
    ["line", `${secret}\n`],
    ["crlf", `${secret}\r\n`],
  ])("reads a secret in one line (%s)", async (name, content) => {
    expect(await readSecretFile(write(name, content))).toBe(secret);
  });

  test("reads what the group may read, and through a link", async () => {
    const path = write("group", secret, 0o640);
    const link = join(folder.path, "link");
    symlinkSync(path, link);
    expect(await readSecretFile(link)).toBe(secret);
  });

  test("reads the longest secret", async () => {
    expect(await readSecretFile(write("longest", `${"x".repeat(512)}\n`))).toHaveLength(512);
  });

  test.each([
    ["short", "0123456789abcde\n", "16 to 512 characters, got 15"],
    ["empty", "", "16 to 512 characters, got 0"],
    ["long", "x".repeat(513), "16 to 512 characters, got more"],
    ["huge", "x".repeat(100_000), "16 to 512 characters, got more"],
    ["two-lines", `${secret}\n${secret}\n`, "one line of visible ASCII characters"],
    ["blank", "0123456789 abcdef", "one line of visible ASCII characters"],
    ["binary", "0123456789\0abcdef", "one line of visible ASCII characters"],
    ["umlaut", "0123456789äbcdef", "one line of visible ASCII characters"],
  ])("refuses another content, and does not show it (%s)", async (name, content, text) => {
    const error = await readSecretFile(write(name, content)).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "SECRET_INVALID" });
    expect(String(error)).toContain(text);
    expect(String(error)).not.toContain("0123456789");
  });

  test.each([0o604, 0o602, 0o601, 0o666])("refuses a file that others may use", async (mode) => {
    const path = write("open", secret, mode);
    const error = await readSecretFile(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "SECRET_EXPOSED" });
    expect(String(error)).toContain(`got mode 0${mode.toString(8)} (chmod 0640 ${path})`);
  });

  test("refuses a folder", async () => {
    const path = join(folder.path, "folder");
    mkdirSync(path);
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: "SECRET_INVALID" });
  });

  test("does not wait for a writer of a FIFO", async () => {
    const path = join(folder.path, "fifo");
    Bun.spawnSync(["mkfifo", path]);
    await expect(readSecretFile(path)).rejects.toMatchObject({ code: "SECRET_INVALID" });
  });

  test("says that a file is missing", async () => {
    for (const name of ["missing", "missing/file"]) {
      await expect(readSecretFile(join(folder.path, name))).rejects.toMatchObject({
        code: "SECRET_MISSING",
      });
    }
  });

  test("says that a path cannot be read", async () => {
    const loop = join(folder.path, "loop");
    symlinkSync(loop, loop);
    await expect(readSecretFile(loop)).rejects.toMatchObject({ code: "SECRET_UNREADABLE" });
  });
});
