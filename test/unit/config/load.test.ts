import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { ConfigError, formatProblem, formatWarning } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";
import { loadConfig, readHostNames } from "../../../src/config/load.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { serviceText } from "./fixture.ts";

let folder: ReturnType<typeof createTempFolder>;
beforeAll(() => {
  folder = createTempFolder();
});
afterAll(() => folder[Symbol.dispose]());

let cases = 0;

/** Writes files into a new folder; returns how to load some of them, with short names. */
function tree(files: Readonly<Record<string, string | Uint8Array>>) {
  const root = join(folder.path, String((cases += 1)));
  mkdirSync(root);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  const short = (text: string): string => text.replaceAll(`${root}/`, "");
  const load = (...names: readonly string[]): Promise<LoadedConfig> =>
    loadConfig(
      names.map((name) => join(root, name)),
      { cores: 2 },
    );
  const problems = async (...names: readonly string[]): Promise<readonly string[]> => {
    const error = await load(...names).catch((caught: unknown) => caught);
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => short(formatProblem(problem)));
  };
  return { root, load, problems, short };
}

function named(name: string, port: number, lines = ""): string {
  return serviceText(lines, name, `192.0.2.100:${port}`);
}

async function namesOf(loading: Promise<LoadedConfig>): Promise<readonly string[]> {
  return (await loading).config.virtualServices.map(({ name }) => name);
}

describe("loadConfig()", () => {
  test("reads several files as one configuration", async () => {
    const { load, root } = tree({
      "a.toml": `[proxy]\nworkers = "auto"\n${named("a", 1)}`,
      "b.toml": named("b", 2),
    });
    const { config, files, warnings } = await load("a.toml", "b.toml", "a.toml");
    expect(config.virtualServices.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(config.proxy.workers).toBe(2);
    expect(files).toEqual([join(root, "a.toml"), join(root, "b.toml")]);
    expect(warnings).toEqual([]);
  });

  test("tells of problems across files", async () => {
    const { problems } = tree({ "a.toml": named("a", 1), "b.toml": named("a", 1, "x = 1") });
    expect(await problems("a.toml", "b.toml")).toEqual([
      "b.toml:2: virtual_service[0].name: Expected a name that no other has " +
        '(the other is at a.toml:1), got "a"',
      "b.toml:3: virtual_service[0].listen: Expected an address and port that nobody else " +
        'listens on (taken by service "a" at a.toml:3), got "192.0.2.100:1"',
      'b.toml:5: virtual_service[0].x: Expected a known key, got "x"',
    ]);
  });

  test("follows include, sorted, without hidden and other files", async () => {
    const { load } = tree({
      "main.toml": `include = ["conf.d/*.toml", "last.toml"]\n${named("main", 1)}`,
      "conf.d/20-b.toml": named("b", 2),
      "conf.d/10-a.toml": `include = ["../more/[x]?.toml"]\n${named("a", 3)}`,
      "conf.d/.swap.toml": "broken",
      "conf.d/note.txt": "broken",
      "more/x1.toml": named("x", 4),
      "last.toml": named("last", 5),
    });
    expect(await namesOf(load("main.toml"))).toEqual(["main", "a", "x", "b", "last"]);
  });

  test("takes absolute paths in include", async () => {
    const { load, root } = tree({ "b.toml": named("b", 2) });
    writeFileSync(join(root, "a.toml"), `include = ["${root}/b.toml"]\n`);
    expect(await namesOf(load("a.toml"))).toEqual(["b"]);
  });

  test("warns of a wildcard that matches nothing", async () => {
    const { load, short } = tree({
      "a.toml": `include = ["conf.d/*.toml", "none.d/*"]\n${named("a", 1)}`,
      "conf.d/note.txt": "",
    });
    const { warnings } = await load("a.toml");
    expect(warnings.map((warning) => short(formatWarning(warning)))).toEqual([
      expect.stringMatching(/^a\.toml:1: include\[0\]: No file in .*conf\.d matches "\*\.toml"$/),
      expect.stringMatching(/^a\.toml:1: include\[1\]: Cannot list .*none\.d: ENOENT/),
    ]);
  });

  test("refuses files that include themselves, and files included twice", async () => {
    const { problems } = tree({
      "a.toml": `include = ["b.toml", "c.toml"]\n${named("a", 1)}`,
      "b.toml": 'include = ["a.toml"]\n',
      "c.toml": 'include = ["b.toml", "./c.toml"]\n',
    });
    const expected = "Expected each file once, and no file that includes itself";
    expect(await problems("a.toml")).toEqual([
      `b.toml:1: include[0]: ${expected}, got "a.toml"`,
      `c.toml:1: include[0]: ${expected}, got "b.toml"`,
      `c.toml:1: include[1]: ${expected}, got "c.toml"`,
    ]);
  });

  test("sees through links that hide a cycle", async () => {
    const { problems, root } = tree({ "a.toml": `include = ["link.toml"]\n${named("a", 1)}` });
    symlinkSync(join(root, "a.toml"), join(root, "link.toml"));
    expect(await problems("a.toml")).toEqual([
      'a.toml:1: include[0]: Expected each file once, and no file that includes itself, got "link.toml"',
    ]);
  });

  test("bounds how deep and how many files are included", async () => {
    const deep = Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [`${n}.toml`, `include = ["${n + 1}.toml"]\n`]),
    );
    expect(await tree(deep).problems("0.toml")).toContain(
      "8.toml:1: include[0]: Expected include in at most 8 files within each other, got more",
    );
    const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`d/${n}.toml`, ""]));
    const wide = tree({ ...many, "a.toml": `include = ["d/*.toml"]\n${named("a", 1)}` });
    expect(await wide.problems("a.toml")).toEqual([
      "a.toml:1: include[0]: Expected at most 1000 files, got more",
    ]);
  });

  test.each(["**/*.toml", "*/a.toml", ""])("refuses wildcards in folders: %p", async (pattern) => {
    const { problems } = tree({ "a.toml": `include = ["${pattern}"]\n${named("a", 1)}` });
    expect(await problems("a.toml")).toEqual([
      'a.toml:1: include[0]: Expected wildcards in the last part only, such as "conf.d/*.toml", ' +
        `got "${pattern}"`,
    ]);
  });

  test("tells what is wrong with included files, beside all else", async () => {
    const { problems, short } = tree({
      "a.toml": `include = ["missing.toml", "broken.toml", "folder"]\n${named("a", 1, "x = 1")}`,
      "broken.toml": "a = ",
      "folder/x": "",
    });
    const found = await problems("a.toml");
    expect(found.map(short)).toEqual([
      expect.stringMatching(/^a\.toml:1: include\[0\]: Expected a file that can be read \(Cannot/),
      expect.stringMatching(/^a\.toml:1: include\[2\]: .*got a directory\), got "folder"$/),
      'a.toml:6: virtual_service[0].x: Expected a known key, got "x"',
      "broken.toml:1: Expected valid TOML (invalid value), got the end of the file",
    ]);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["latin1", Buffer.from("a = 1\nb = '\xe4'", "latin1"), /:2: Expected UTF-8 text \(the file is/],
    ["utf16", Buffer.from("\uFEFFa = 1\n", "utf16le"), /:1: Expected UTF-8 text \(the file is/],
    ["nul", new Uint8Array(100), /:1: Expected text \(the file is binary/],
    ["elf", Buffer.from("\x7fELF\x02\x01\x01\0\0\xff", "latin1"), /:1: Expected UTF-8 text/],
    [
      "empty",
      new Uint8Array(),
      /:1: Expected at least one \[\[virtual_service\]\].*an empty file$/,
    ],
    ["large", new Uint8Array(16 * 1024 * 1024 + 1).fill(32), /Expected a file of at most 16777216/],
  ])("refuses what is no text: %s", async (name, bytes, pattern) => {
    const found = await tree({ [name]: bytes }).problems(name);
    expect(found).toEqual([expect.stringMatching(pattern)]);
  });

  test("says that a file is missing", async () => {
    const { load, root } = tree({});
    await expect(load("a.toml")).rejects.toMatchObject({
      code: "CONFIG_FILE_MISSING",
      message: `Cannot read configuration ${root}/a.toml: it does not exist`,
    });
    await expect(load("a.toml/b")).rejects.toMatchObject({ code: "CONFIG_FILE_MISSING" });
  });

  test("says that a path is no file, and does not wait for a writer of a FIFO", async () => {
    const { load, root } = tree({ "folder/x": "" });
    Bun.spawnSync(["mkfifo", join(root, "fifo")]);
    await expect(load("folder")).rejects.toMatchObject({
      code: "CONFIG_FILE_UNREADABLE",
      message: `Cannot read configuration ${root}/folder: expected a regular file, got a directory`,
    });
    await expect(load("fifo")).rejects.toMatchObject({
      code: "CONFIG_FILE_UNREADABLE",
      message: expect.stringContaining("got a device, FIFO or socket"),
    });
  });

  test("says that a file must not be read", async () => {
    const { root } = tree({ "a.toml": named("a", 1) });
    chmodSync(join(root, "a.toml"), 0o000);
    chmodSync(folder.path, 0o755);
    // In a process of its own: root may read everything, so it takes another user.
    const script = `
      const { loadConfig } = require("${import.meta.dir}/../../../src/config/load.ts");
      if (process.getuid() === 0) process.setuid(65534);
      loadConfig(["${root}/a.toml"], { cores: 1 }).catch((error) => console.log(error.code));`;
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { stderr: "inherit" });
    expect(stdout.toString()).toBe("CONFIG_FILE_PERMISSION\n");
  });
});

describe("loadConfig() of files of other programs", () => {
  const cf = "virtual=192.0.2.1:80\r\n\treal=192.0.2.2:80 masq\r\n";

  test("takes an ldirectord.cf as it is, beside native files", async () => {
    const { load, short } = tree({
      "web.cf": `\uFEFF${cf}`,
      "a.toml": '[status]\nlisten = "off"\n',
    });
    const loaded = await load("a.toml", "web.cf");
    expect(loaded.config.virtualServices.map(({ name }) => name)).toEqual(["tcp:192.0.2.1:80"]);
    expect(loaded.config.status.listen).toBeUndefined();
    expect(loaded.files.map(short)).toEqual(["a.toml", "web.cf"]);
    expect(short(loaded.ldirectord?.file ?? "")).toBe("web.cf");
    expect((await load("web.cf")).ldirectord?.supervised).toBe(false);
  });

  test("reads an ldirectord.cf in any encoding, under any name", async () => {
    const { load } = tree({ web: Buffer.from(`# \xe4\n${cf}`, "latin1") });
    expect((await load("web")).config.virtualServices).toHaveLength(1);
  });

  test("names each fault of an ldirectord.cf, and those of the other files", async () => {
    const { problems } = tree({ "web.cf": `bogus\n${cf}\tbogus=1\n`, "a.toml": "bogus = 1\n" });
    const found = await problems("a.toml", "web.cf");
    expect(found.map((text) => text.replace(/: .*$/, ""))).toEqual([
      "a.toml:1",
      "web.cf:1",
      "web.cf:4",
    ]);
  });

  test("says of a keepalived.conf how to translate it", async () => {
    const { problems } = tree({ "keepalived.conf": "vrrp_instance A {\n}\n" });
    expect(await problems("keepalived.conf")).toEqual([
      "keepalived.conf: Expected a native file or an ldirectord.cf (translate it with: " +
        "appliance import keepalived.conf), got a keepalived.conf",
    ]);
  });

  test("has no names of ldirectord without its file", async () => {
    const { load } = tree({ "a.toml": named("web", 80) });
    expect((await load("a.toml")).ldirectord).toBeUndefined();
  });
});

test("readHostNames() gives the texts of this host", async () => {
  const { services, hosts, hostName } = await readHostNames();
  expect(hostName).not.toBe("");
  expect([typeof services, typeof hosts]).toEqual(["string", "string"]);
});
