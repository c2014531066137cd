/**
 * Key files of virtual routers.
 */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readRouterKeys } from "../../../src/daemon/router-keys.ts";
import type { VirtualRouter } from "../../../src/model/index.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { configOf } from "../config/fixture.ts";

const one = "a".repeat(32);
const two = "b".repeat(32);
let folder: ReturnType<typeof createTempFolder>;

beforeEach(() => {
  folder = createTempFolder();
});
afterEach(() => folder[Symbol.dispose]());

function router(name: string, keyFile: string | undefined, address: string): VirtualRouter {
  const auth = keyFile === undefined ? 'auth = "none"' : `key_file = "${keyFile}"`;
  const text = `[[vrrp]]
name = "${name}"
interface = "eth0"
vrid = 1
addresses = ["${address}"]
${auth}
`;
  return configOf(text).virtualRouters[0]!;
}

function writeKeys(text: string, mode = 0o600): string {
  const path = join(folder.path, "vrrp.key");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

function readText(text: string, mode?: number): unknown {
  const path = writeKeys(text, mode);
  try {
    return readRouterKeys([router("web", path, "192.0.2.100")]).get("web");
  } catch (error) {
    return String(error).replace(path, "FILE");
  }
}

const hex = (text: string): string => new TextEncoder().encode(text).toHex();

test.each([
  ["a lone key", one, [{ id: 0, secret: hex(one) }]],
  ["a lone key with its number", `7 ${one}`, [{ id: 7, secret: hex(one) }]],
  [
    "two keys, the first signs",
    `255 ${one}\n0 ${two}\n`,
    [
      { id: 255, secret: hex(one) },
      { id: 0, secret: hex(two) },
    ],
  ],
])("readRouterKeys() of %s", (_name, text, expected) => {
  expect(readText(text)).toEqual(expected);
});

test.each([
  ["two keys without numbers", `${one}\n${two}`, "each line needs an ID of 0 to 255"],
  ["a number that is too great", `256 ${one}`, "expected an ID of 0 to 255, or none"],
  ["a name", `old ${one}`, "expected an ID of 0 to 255, or none"],
  ["one number twice", `1 ${one}\n1 ${two}`, "two keys have one ID"],
  ["no key", "", "it holds no key"],
])("readRouterKeys() refuses %s", (_name, text, why) => {
  expect(readText(text)).toBe(`ApplianceError: Cannot use key file FILE: ${why}`);
});

test("readRouterKeys() refuses a file that others can read", () => {
  expect(readText(one, 0o644)).toContain("others can read or change it");
});

test("readRouterKeys() takes one file for several, and none where none is named", () => {
  const path = writeKeys(one);
  const keys = readRouterKeys([
    router("a", path, "192.0.2.100"),
    router("b", path, "192.0.2.101"),
    router("c", undefined, "192.0.2.102"),
  ]);
  expect([...keys.keys()]).toEqual(["a", "b"]);
});
