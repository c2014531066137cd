import { describe, expect, test } from "bun:test";

import { readAuthkeys } from "../../../../../src/config/import/heartbeat/authkeys.ts";
import { parseKeys } from "../../../../../src/peer/index.ts";
import { createLines } from "./fixture.ts";

function read(text: string, mode: number | undefined = 0o600) {
  const { told, warnings, problems } = createLines();
  const keys = readAuthkeys({ file: "authkeys", text, mode }, told);
  return { lines: keys?.keyLines, warnings: warnings(), problems: problems() };
}

/** SHA-256 of "secret" and of "other", as sha256sum(1) prints them. */
const secretHash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
const otherHash = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";

describe("readAuthkeys()", () => {
  test.each([
    ["sha1", "auth 1\n1 sha1 secret\n", [`1 ${secretHash}`]],
    ["md5, in the other order", "3 md5 secret\nauth 3\n", [`3 ${secretHash}`]],
    ["comments, CR LF", "# x\r\nauth 2\r\n2 sha1 secret\r\n", [`2 ${secretHash}`]],
    [
      "the key that signs first",
      "auth 2\n1 md5 other\n2 sha1 secret\n",
      [`2 ${secretHash}`, `1 ${otherHash}`],
    ],
    ["crc, which is no key", "auth 1\n1 crc\n", []],
    ["the last of two auth", "auth 1\nauth 2\n1 crc\n2 md5 secret\n", [`2 ${secretHash}`]],
    ["one secret twice", "auth 1\n1 md5 secret\n2 sha1 secret\n", [`1 ${secretHash}`]],
  ])("reads %s", (_, text, expected) => {
    const { lines, problems } = read(text);
    expect(problems).toEqual([]);
    expect(lines).toEqual(expected);
  });

  test("gives lines that a key file may have", () => {
    const { lines = [] } = read("auth 2\n1 md5 other\n2 sha1 secret\n");
    expect(parseKeys(lines.join("\n"))).toMatchObject({
      ok: true,
      keys: [{ id: "2" }, { id: "1" }],
    });
  });

  test.each([
    [0o644, "0: Expected mode 0600, so that nobody else reads the secret, got 0644"],
    [0o640, "0: Expected mode 0600, so that nobody else reads the secret, got 0640"],
    [0o602, "0: Expected mode 0600, so that nobody else reads the secret, got 0602"],
  ])("refuses mode %o", (mode, expected) => {
    expect(read("auth 1\n1 md5 secret\n", mode)).toEqual({
      lines: undefined,
      warnings: [],
      problems: [expected],
    });
  });

  test.each([[0o600], [0o400], [undefined]])("takes mode %p", (mode) => {
    expect(read("auth 1\n1 md5 secret\n", mode).problems).toEqual([]);
  });

  test.each([
    ["an empty file", "", '0: Expected a line such as "auth 1"'],
    ["no auth", "1 md5 secret\n", '0: Expected a line such as "auth 1"'],
    ["auth of no key", "auth 2\n1 md5 secret\n", "1: Expected a key 2 in a line of its own"],
    [
      "auth without a number",
      "auth\n1 md5 secret\n",
      "1: Expected auth with the number of one key",
    ],
    ["auth of 16", "auth 16\n16 md5 secret\n", "1: Expected auth with the number of one key"],
    ["a method that nobody knows", "auth 1\n1 rot13 secret\n", "2: Expected a number 1 to 15"],
    ["no number", "auth 1\nmd5 secret\n", "2: Expected a number 1 to 15"],
    ["no secret", "auth 1\n1 md5\n", "2: Expected a secret after md5"],
  ])("refuses %s", (_, text, expected) => {
    const { problems, lines } = read(text);
    expect(lines).toBeUndefined();
    expect(problems[0]).toStartWith(expected);
  });

  test.each([
    ["crc beside a key", "auth 1\n1 md5 secret\n2 crc\n", '3: Key "2" is left out: crc proves'],
    [
      "a third key",
      "auth 1\n1 md5 a\n2 md5 b\n3 md5 c\n",
      '4: Key "3" is left out: a key file has',
    ],
    ["a key twice", "auth 1\n1 md5 a\n1 md5 b\n", "3: Key 1 comes twice: this one holds"],
    ["words behind the key", "auth 1\n1 md5 a b\n", "2: What stands behind the key is left out"],
    ["crc alone", "auth 1\n1 crc\n", "2: crc proves nothing about a sender"],
  ])("tells of %s", (_, text, expected) => {
    const { warnings } = read(text);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(expected);
  });

  test.each([
    ["auth 1\n1 md5 topsecret rest\n"],
    ["auth topsecret\n"],
    ["1 topsecret topsecret\n"],
    ["topsecret\n"],
    ["auth 1\n1 md5 topsecret\n1 md5 topsecret\n2 md5 topsecret\n3 md5 topsecret4\n4 md5 x\n"],
  ])("says nothing of the secret in %j", (text) => {
    const { warnings, problems } = read(text);
    expect([...warnings, ...problems].join("\n")).not.toContain("topsecret");
  });
});
