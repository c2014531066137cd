/**
 * What files of keepalived become: each `NAME.conf` has its native file in `NAME.toml`, and what is
 * told of it in `NAME.txt`. `UPDATE_GOLDEN=1` writes them anew; read the difference.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";

import { importKeepalived } from "../../../../src/config/import/keepalived/index.ts";
import { parseConfig } from "../../../../src/config/index.ts";

const folder = import.meta.dir;
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".conf"))
  .map((name) => name.replace(/\.conf$/, ""));

function read(name: string) {
  const file = `${name}.conf`;
  const { toml, warnings, problems } = importKeepalived(
    readFileSync(`${folder}/${file}`, "utf8"),
    file,
  );
  const told = [
    ...warnings.map(({ line, message }) => `warning ${file}:${line}: ${message}\n`),
    ...problems.map(({ line, message }) => `problem ${file}:${line}: ${message}\n`),
  ];
  return { toml, told: told.join("") };
}

test("there are files", () => {
  expect(names).toContain("proxy");
});

describe.each(names)("%s", (name) => {
  const found = read(name);

  test.each([
    ["toml", found.toml],
    ["txt", found.told],
  ])("is as in the golden file .%s", (extension, text) => {
    const golden = `${folder}/${name}.${extension}`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, "utf8"));
  });
});

test("proxy.conf can be used as it is", () => {
  const { config } = parseConfig(read("proxy").toml, "proxy.toml");
  expect(config.virtualServices[0]).toMatchObject({
    quiescent: true,
    realServers: [
      { host: "198.51.100.11", weight: 1, check: { intervalMs: 2000, fall: 2 } },
      { host: "198.51.100.12", weight: 2, check: { fastIntervalMs: 500, timeoutMs: 1000 } },
    ],
  });
});
