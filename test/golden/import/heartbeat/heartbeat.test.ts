/**
 * What Heartbeat's files become: each folder has them, and for one of its nodes the native file in
 * `expected.toml` and what is told in `expected.txt`, without what a build cannot do yet.
 * `UPDATE_GOLDEN=1` writes them anew; read the difference.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { importHeartbeat } from "../../../../src/config/import/heartbeat/index.ts";
import type { HeartbeatHost } from "../../../../src/config/import/heartbeat/index.ts";
import { ConfigError } from "../../../../src/config/index.ts";
import { parseConfig } from "../../../../src/config/parse.ts";

const hosts: readonly (readonly [folder: string, host: HeartbeatHost])[] = [
  ["article", { nodeName: "loadb1", hosts: "192.168.0.1 loadb1\n192.168.0.2 loadb2\n" }],
  [
    "pair",
    {
      nodeName: "lb1.example.com",
      networks: [{ interface: "eth0", address: "192.0.2.11", prefixBits: 24 }],
      findScript: (name) => (name === "apache2" ? "/etc/init.d/apache2" : undefined),
    },
  ],
];

function translate(folder: string, host: HeartbeatHost) {
  const path = `${import.meta.dir}/${folder}`;
  const read = (file: string) => ({ file, text: readFileSync(`${path}/${file}`, "utf8") });
  const files = {
    haCf: read("ha.cf"),
    haresources: read("haresources"),
    authkeys: { ...read("authkeys"), mode: 0o600 },
  };
  const readLdirectordFile = (name: string) =>
    existsSync(`${path}/${name}`) ? read(name) : undefined;
  return importHeartbeat(files, { ...host, readLdirectordFile });
}

describe.each(hosts)("%s", (folder, host) => {
  const { toml, warnings, problems } = translate(folder, host);
  const told = warnings
    .map(({ file, line, message }) => `${file}:${line}: ${message}\n`)
    .filter((line) => !line.includes("not in this build yet"));

  test.each([
    ["toml", toml],
    ["txt", told.join("")],
  ])("is as in expected.%s", (extension, text) => {
    const golden = `${import.meta.dir}/${folder}/expected.${extension}`;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, "utf8"));
  });

  test("is refused for nothing but what is not in this build", () => {
    expect(problems).toEqual([]);
    let refused: readonly string[] = [];
    try {
      parseConfig(toml, "native");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refused = error.problems.map(({ message }) => message);
    }
    expect(refused.filter((message) => !message.includes("not in this build yet"))).toEqual([]);
  });
});
