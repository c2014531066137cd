/**
 * Files of Heartbeat found in public repositories, read where they are: beside the tree. Without
 * them the tests are skipped.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { parse } from "smol-toml";

import { importHeartbeat } from "../../src/config/import/heartbeat/index.ts";
import { ConfigError, parseConfig } from "../../src/config/index.ts";
import { missing, satisfied } from "../helpers/require-peer.ts";

const folder = new URL("../../../shared/corpus/", import.meta.url).pathname;
const requirement = existsSync(`${folder}hacf`)
  ? satisfied
  : missing("needs ../shared/corpus/hacf, which is not beside the tree");

/** Names of one kind's files. */
function list(kind: string): readonly string[] {
  return requirement.skip ? ["none"] : readdirSync(folder + kind).toSorted();
}

function read(kind: string, file: string) {
  return { file, text: readFileSync(`${folder}${kind}/${file}`, "utf8") };
}

const empty = { file: "none", text: "" };

/** Lines of a text that say something. */
function lines(text: string): readonly (readonly [number: number, words: string])[] {
  return text
    .split("\n")
    .map((line, index) => [index + 1, line.replace(/#.*/, "").trim()] as const)
    .filter(([, words]) => words !== "");
}

/** Directives that have a meaning in the result, so that no word need be said of them. */
const meant =
  /^(?:keepalive|deadtime|initdead|node|bcast|mcast|ucast|auto_failback|ping|ping_group|autojoin none|crm off|respawn \S+ \S*\/(?:ipfail|pingd)\b)/;

describe.skipIf(requirement.skip)("ha.cf corpus", () => {
  test.each(list("hacf"))("%s: each line has a meaning or a warning", (name) => {
    const haCf = read("hacf", name);
    const haresources = { file: "haresources", text: "node1 192.0.2.1/24/eth0\n" };
    const { toml, warnings, problems } = importHeartbeat(
      { haCf, haresources, authkeys: undefined },
      { nodeName: "node1" },
    );
    expect(problems).toEqual([]);
    expect(parse(toml)["vrrp"]).toHaveLength(1);
    const told = new Set(warnings.filter(({ file }) => file === name).map(({ line }) => line));
    const silent = lines(haCf.text).filter(
      ([line, words]) => !told.has(line) && !meant.test(words),
    );
    expect(silent).toEqual([]);
  });

  test.each(list("hacf"))("%s: gives timings that the director takes", (name) => {
    const haCf = read("hacf", name);
    const haresources = { file: "haresources", text: "node1 192.0.2.1/24/eth0\n" };
    const { toml } = importHeartbeat({ haCf, haresources, authkeys: undefined }, { nodeName: "x" });
    let refused: readonly string[] = [];
    try {
      parseConfig(toml, "native");
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      refused = error.problems.map(({ path, message }) => `${path}: ${message}`);
    }
    const other = refused.filter(
      (line) => !line.includes("not in this build yet") && !line.startsWith(": "),
    );
    expect(other).toEqual([]);
  });
});

/** Lines of templates, and what is no address in them. */
const templates = /02-amara-k|04-kingkami|10-poolparty/;

describe.skipIf(requirement.skip)("haresources corpus", () => {
  test.each(list("haresources"))("%s: each line is a virtual router or is told", (name) => {
    const haresources = read("haresources", name);
    const { toml, warnings, problems } = importHeartbeat(
      { haCf: { file: "ha.cf", text: "bcast eth0\n" }, haresources, authkeys: undefined },
      { nodeName: "node1" },
    );
    expect(problems).toEqual([]);
    const routers = (parse(toml)["vrrp"] ?? []) as Record<string, unknown>[];
    const left = warnings.filter(({ message }) => /^The line .*left out/.test(message));
    expect(routers.length + left.length).toBe(lines(haresources.text).length);
    expect(routers.length > 0).toBe(!templates.test(name));
  });

  test.each(list("haresources").filter((name) => !templates.test(name)))(
    "%s: has all its addresses and scripts",
    (name) => {
      const haresources = read("haresources", name);
      const { toml } = importHeartbeat(
        { haCf: empty, haresources, authkeys: undefined },
        { nodeName: "node1" },
      );
      const plain = lines(haresources.text).map(([, words]) => words);
      const words = plain.flatMap((line) => line.split(/\s+/).slice(1));
      const isAddress = (word: string): boolean => /^(?:IPaddr2?::)?\d+\.\d+\.\d+\.\d+/.test(word);
      const routers = parse(toml)["vrrp"] as Record<string, unknown[] | undefined>[];
      const count = (key: string): number =>
        routers.reduce((sum, router) => sum + (router[key]?.length ?? 0), 0);
      expect(count("addresses")).toBe(words.filter(isAddress).length);
      expect(count("resources")).toBe(words.filter((word) => !isAddress(word)).length);
    },
  );
});

describe.skipIf(requirement.skip)("authkeys corpus", () => {
  test.each(list("authkeys"))("%s: has a key, or says that it has none", (name) => {
    const authkeys = { ...read("authkeys", name), mode: 0o600 };
    const { toml, keyText, warnings, problems } = importHeartbeat(
      {
        haCf: { file: "ha.cf", text: "bcast eth0\n" },
        haresources: { file: "haresources", text: "node1 192.0.2.1/24/eth0\n" },
        authkeys,
      },
      { nodeName: "node1" },
    );
    expect(problems).toEqual([]);
    const active = /^auth\s+(\d+)/m.exec(authkeys.text)![1]!;
    const method = new RegExp(`^${active}\\s+(\\w+)(?:\\s+(\\S+))?`, "m").exec(authkeys.text)!;
    expect(keyText !== undefined).toBe(method[1] !== "crc");
    if (keyText !== undefined) expect(keyText).toMatch(new RegExp(`^${active} [\\da-f]{64}\n`));
    else expect(warnings.map(({ file }) => file)).toContain(name);
    const said = [toml, ...warnings.map(({ message }) => message)].join("\n");
    for (const [secret] of authkeys.text.matchAll(/dummy-key-\d+/g))
      expect(said).not.toContain(secret);
  });
});
