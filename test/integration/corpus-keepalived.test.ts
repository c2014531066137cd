/**
 * Files of keepalived found in public repositories, read where they are: beside the tree. Without
 * them the tests are skipped.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";

import { parse } from "smol-toml";

import { importKeepalived } from "../../src/config/import/keepalived/index.ts";
import { parseConfig } from "../../src/config/index.ts";
import { missing, satisfied } from "../helpers/require-peer.ts";

const folder = new URL("../../../shared/corpus/keepalived/", import.meta.url).pathname;
const requirement = existsSync(folder)
  ? satisfied
  : missing("needs ../shared/corpus/keepalived, which is not beside the tree");
const names = requirement.skip
  ? ["none"]
  : readdirSync(folder)
      .filter((name) => name.endsWith(".conf"))
      .toSorted();

function read(name: string) {
  const text = readFileSync(folder + name, "utf8");
  return { text, ...importKeepalived(text, name) };
}

const later = /not in this build yet/;

/** Files that cannot be used as they are, and why. */
const withProblems: Readonly<Record<string, RegExp>> = {
  // Only an include of files that are not there.
  "05-kailongli-include.conf": /got an empty file/,
  // All ports of an address, and checks that do not say which one they ask.
  "19-shidg.conf": /Expected the key "port" in check/,
  // Placeholders instead of addresses.
  "26-mykernelpanic.conf": /at least one \[\[virtual_service\]\]/,
  "31-python-confd.conf": /got an empty file/,
  // A real server that is one of the addresses of its group.
  "38-sample-vsgroup.conf": /it would call itself/,
};

describe.skipIf(requirement.skip)("keepalived corpus", () => {
  describe.each(names)("%s", (name) => {
    test("becomes TOML, each warning with its line", () => {
      const { text, toml, warnings, problems } = read(name);
      parse(toml);
      const lines = text.split("\n").length;
      for (const { file, line, message } of [...warnings, ...problems]) {
        expect(file).toBe(name);
        expect(message).not.toMatch(/[\n\r]/);
        // What the file as a whole lacks has no line.
        if (!message.startsWith("Expected at least one")) expect(line).toBeWithin(1, lines + 1);
      }
    });

    test("has no problem but the one known", () => {
      const { problems } = read(name);
      const known = withProblems[name];
      const unknown = problems.filter(({ message }) => known?.test(message) !== true);
      expect(unknown).toEqual([]);
      expect(problems.length > 0).toBe(known !== undefined);
    });

    test("validates if all it says is in this build", () => {
      const { toml, warnings, problems } = read(name);
      const isLater = warnings.some(({ message }) => later.test(message));
      const validate = () => parseConfig(toml, "imported.toml");
      if (isLater || problems.length > 0) expect(validate).toThrow();
      else {
        const { virtualServices, virtualRouters } = validate().config;
        expect(virtualServices.length + virtualRouters.length).toBeGreaterThan(0);
      }
    });

    test("loses no virtual server, real server and instance without a word", () => {
      const { text, toml, warnings } = read(name);
      const plain = text.replace(/[#!].*/g, "");
      const count = (pattern: RegExp): number => plain.match(pattern)?.length ?? 0;
      const left = (keyword: string): number =>
        warnings.filter(({ message }) => message.startsWith(`${keyword} is left out`)).length;
      const table = parse(toml) as Record<string, { real_servers?: unknown[] }[] | undefined>;
      const instances = table["vrrp"] ?? [];
      expect(instances.length + left("vrrp_instance")).toBe(count(/^\s*vrrp_instance\b/gm));
      const services = table["virtual_service"] ?? [];
      const isPlain = !/virtual_server\s+group/.test(plain);
      if (!isPlain) return;
      expect(services.length + left("virtual_server")).toBe(count(/^\s*virtual_server\s/gm));
      // Servers of a virtual server that is left out go with it.
      if (left("virtual_server") > 0) return;
      const servers = services.flatMap(({ real_servers: list = [] }) => list);
      expect(servers.length + left("real_server")).toBe(count(/^\s*real_server\b/gm));
    });
  });

  test("files of what this build has do validate", () => {
    const valid = names.filter((name) => {
      const { warnings, problems } = read(name);
      return problems.length === 0 && !warnings.some(({ message }) => later.test(message));
    });
    expect(valid.length).toBeGreaterThan(0);
  });
});
