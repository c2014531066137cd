import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createTokenSet, parseTokens, readTokenFile } from "../../../src/status/token.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const secret = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";

describe("parseTokens", () => {
  test.each([
    ["a secret alone", secret, [secret]],
    ["an id before it", `2026-03 ${secret}\n`, [secret]],
    ["two while tokens rotate", `old ${secret}\nnew\t${other}\n`, [secret, other]],
    ["comments, blank lines, CRLF", `# tokens\r\n\r\n  ${secret}  \r\n`, [secret]],
    ["64 bytes", secret + secret, [secret + secret]],
  ])("takes %s", (_name, text, expected) => {
    expect(parseTokens(text, "token")).toEqual(expected);
  });

  test.each([
    ["nothing", "", "it holds no token"],
    ["comments only", "# none\n", "it holds no token"],
    ["31 bytes", secret.slice(1), "in line 1"],
    ["65 bytes", `${secret}${secret}x`, "in line 1"],
    ["three words", `a b ${secret}`, "line 1 is not [ID] SECRET"],
    ["a character that no header takes", `${secret}"`, "in line 1"],
    ["17 tokens", `${secret}\n`.repeat(17), "more than 16"],
  ])("refuses %s", (_name, text, why) => {
    expect(() => parseTokens(text, "token")).toThrow(
      expect.objectContaining({
        code: "STATUS_TOKEN_FILE",
        message: expect.stringContaining(why),
      }),
    );
  });

  test("never quotes a secret", () => {
    const nearly = `${secret}"`;
    expect(() => parseTokens(nearly, "token")).not.toThrow(secret);
  });
});

describe("readTokenFile", () => {
  test("reads a file of the group", () => {
    using folder = createTempFolder();
    const path = join(folder.path, "token");
    writeFileSync(path, `${secret}\n`, { mode: 0o640 });
    expect(readTokenFile(path)).toEqual([secret]);
  });

  test.each([
    ["missing", () => undefined],
    ["a folder", (path: string) => mkdirSync(path, { mode: 0o700 })],
    ["a FIFO", (path: string) => Bun.spawnSync(["mkfifo", "-m", "600", path])],
    [
      "readable by others",
      (path: string) => {
        writeFileSync(path, secret);
        chmodSync(path, 0o644);
      },
    ],
    ["too long", (path: string) => writeFileSync(path, "#".repeat(70_000), { mode: 0o600 })],
  ])("refuses a file that is %s", (_name, make) => {
    using folder = createTempFolder();
    const path = join(folder.path, "token");
    make(path);
    expect(() => readTokenFile(path)).toThrow(
      expect.objectContaining({ code: "STATUS_TOKEN_FILE" }),
    );
  });
});

describe("createTokenSet", () => {
  test("knows its tokens and no other", () => {
    const tokens = createTokenSet([secret, other]);
    expect(
      [secret, other, "", `${secret} `, secret.slice(1)].map((one) => tokens.has(one)),
    ).toEqual([true, true, false, false, false]);
    expect(tokens.size).toBe(2);
  });

  test("knows nothing when empty", () => {
    expect(createTokenSet([]).has("")).toBe(false);
  });
});
