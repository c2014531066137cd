import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { keyTextOfAuthkeys } from "../../../src/peer/authkeys.ts";
import { requireKeys } from "../../../src/peer/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

/** SHA-256 of "secret" and of "other", as sha256sum(1) prints them. */
const secretHash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
const otherHash = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";

describe("keyTextOfAuthkeys()", () => {
  test.each([
    ["one key", "auth 1\n1 sha1 secret\n", `1 ${secretHash}\n`],
    [
      "the one that signs first",
      "# x\n1 md5 other\n2 md5 secret\nauth 2\n",
      `2 ${secretHash}\n1 ${otherHash}\n`,
    ],
    [
      "two at most",
      "auth 1\n1 md5 secret\n2 md5 other\n3 md5 x\n",
      `1 ${secretHash}\n2 ${otherHash}\n`,
    ],
    ["a secret once", "auth 1\r\n1 md5 secret\r\n2 sha1 secret\r\n", `1 ${secretHash}\n`],
  ])("has %s", (_, text, expected) => {
    expect(keyTextOfAuthkeys(text)).toBe(expected);
  });

  test.each([
    ["crc", "auth 1\n1 crc\n"],
    ["no auth", "1 md5 secret\n"],
    ["a key in a comment only", "auth #1\n#1 md5 secret\n"],
    ["a key file", `1 ${secretHash}\n`],
    ["nothing", ""],
  ])("is none of %s", (_, text) => {
    expect(keyTextOfAuthkeys(text)).toBeUndefined();
  });
});

test("requireKeys() takes an authkeys", () => {
  using folder = createTempFolder();
  const path = join(folder.path, "authkeys");
  writeFileSync(path, "auth 1\n1 sha1 secret\n", { mode: 0o600 });
  expect(requireKeys(path)).toEqual([{ id: "1", secret: new TextEncoder().encode(secretHash) }]);
});
