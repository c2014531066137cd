import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseKeys, readKeys, requireKeys } from "../../../src/peer/key-file.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const secret = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";
const folder = createTempFolder();
afterAll(() => {
  folder[Symbol.dispose]();
});

function write(name: string, text: string, mode: number): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe("parseKeys()", () => {
  test.each([
    ["a secret alone", secret, [["", secret]]],
    ["an ID before it", `2026-03 ${secret}\n`, [["2026-03", secret]]],
    [
      "two while keys rotate, the first signs",
      `new\t${other}\nold ${secret}\n`,
      [
        ["new", other],
        ["old", secret],
      ],
    ],
    ["comments, blank lines, CRLF", `# keys\r\n\r\n  ${secret}  \r\n`, [["", secret]]],
    ["64 characters", secret + secret, [["", secret + secret]]],
  ])("takes %s", (_name, text, expected) => {
    const result = parseKeys(text);
    expect(result.ok).toBe(true);
    const keys = result.ok ? result.keys : [];
    expect(keys.map(({ id, secret: bytes }) => [id, new TextDecoder().decode(bytes)])).toEqual(
      expected,
    );
  });

  test.each([
    ["nothing", "", { code: "no-key" }],
    ["comments only", "# none\n", { code: "no-key" }],
    ["31 characters", `# a\n${secret.slice(1)}`, { code: "bad-secret", line: 2 }],
    ["65 characters", `${secret}${secret}x`, { code: "bad-secret", line: 1 }],
    ["a character that is not printable", `${secret}\u0007`, { code: "bad-secret", line: 1 }],
    ["three words", `a b ${secret}`, { code: "bad-line", line: 1 }],
    ["three keys", `${secret}\n${other}\n${secret}x`, { code: "too-many-keys" }],
    ["one key twice", `a ${secret}\nb ${secret}`, { code: "same-key" }],
  ])("refuses %s", (_name, text, problem) => {
    expect(parseKeys(text)).toEqual({ ok: false, problem } as ReturnType<typeof parseKeys>);
  });
});

describe("readKeys()", () => {
  test("reads a file that its owner and group can read", () => {
    expect(readKeys(write("good", secret, 0o640)).ok).toBe(true);
  });

  test.each([0o644, 0o642, 0o601])("refuses mode %o", (mode) => {
    const result = readKeys(write(`open-${mode}`, secret, mode));
    expect(result).toEqual({ ok: false, problem: { code: "open-to-others" } });
  });

  test("refuses what is no file, too long or not there", () => {
    const directory = join(folder.path, "directory");
    mkdirSync(directory, { mode: 0o700 });
    expect(readKeys(directory)).toEqual({ ok: false, problem: { code: "no-file" } });
    const long = write("long", "#".repeat(65_537), 0o600);
    expect(readKeys(long)).toEqual({ ok: false, problem: { code: "too-long" } });
    const absent = join(folder.path, "absent");
    expect(readKeys(absent)).toEqual({ ok: false, problem: { code: "unreadable" } });
  });
});

describe("requireKeys()", () => {
  test("throws what is wrong in words that do not quote the file", () => {
    const path = write("bad", `one two ${secret}`, 0o600);
    const expected = `Cannot use key file ${path}: expected [ID] SECRET in line 1`;
    expect(() => requireKeys(path)).toThrow(
      expect.objectContaining({ code: "PEER_KEY_FILE", message: expected }),
    );
  });
});
