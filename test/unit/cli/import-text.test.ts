import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readTextFile, writeOutput } from "../../../src/cli/import-text.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

describe("readTextFile()", () => {
  test("reads text of any encoding, with its mode", async () => {
    using folder = createTempFolder();
    const file = join(folder.path, "a");
    writeFileSync(file, Uint8Array.of(0xe9, 0x0a), { mode: 0o640 });
    expect(await readTextFile(file)).toEqual({ file, text: "é\n", mode: 0o640 });
  });

  test("says what is wrong with a file", async () => {
    using folder = createTempFolder();
    mkdirSync(join(folder.path, "d"));
    const codeOf = (name: string) =>
      readTextFile(join(folder.path, name)).then(
        () => "",
        (error: { code: string }) => error.code,
      );
    expect(await codeOf("nobody")).toBe("CONFIG_FILE_MISSING");
    expect(await codeOf("d")).toBe("CONFIG_FILE_UNREADABLE");
  });
});

describe("writeOutput()", () => {
  test("replaces a file only when forced, and gives it its mode", async () => {
    using folder = createTempFolder();
    const file = join(folder.path, "key");
    writeFileSync(file, "old", { mode: 0o644 });
    const write = (isForced: boolean) => writeOutput(file, "new", { isForced, mode: 0o600 });
    expect(write(false)).rejects.toMatchObject({ code: "IMPORT_OUTPUT_EXISTS" });
    expect(readFileSync(file, "utf8")).toBe("old");
    await write(true);
    expect(readFileSync(file, "utf8")).toBe("new");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test("says why it cannot write", async () => {
    const write = writeOutput("/nonexistent/a", "", { isForced: false, mode: 0o600 });
    expect(write).rejects.toMatchObject({ code: "IMPORT_OUTPUT_FAILED" });
  });
});
