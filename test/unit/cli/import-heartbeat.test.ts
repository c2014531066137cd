import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readNamed, sortOperands } from "../../../src/cli/import-heartbeat.ts";
import { runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const virtual = "virtual=192.0.2.100:80\n\treal=192.0.2.11:80 masq\n";
const texts: Readonly<Record<string, string>> = {
  "ha.cf": "bcast eth0\nauto_failback off\nnode lb1\nnode lb2\n",
  haresources: "lb1 ldirectord::web.cf 192.0.2.100/24/eth0\n",
  authkeys: "auth 1\n1 sha1 topsecret\n",
  "web.cf": virtual,
};

/** A folder `ha.d`, and command lines that are about it. */
function createFixture() {
  const folder = createTempFolder();
  const path = join(folder.path, "ha.d");
  mkdirSync(path);
  for (const [name, text] of Object.entries(texts)) {
    writeFileSync(join(path, name), text, { mode: name === "authkeys" ? 0o600 : 0o644 });
  }
  return {
    path,
    output: join(folder.path, "out.toml"),
    key: join(folder.path, "vrrp.key"),
    run: (...args: string[]) => runLine(folder.path, ["import", ...args, "--node", "lb1"]),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("sortOperands()", () => {
  test("finds Heartbeat's files by name and in folders", () => {
    using fixture = createFixture();
    const { heartbeat, others } = sortOperands([fixture.path, "/a/b.cf"]);
    expect(Object.fromEntries(heartbeat)).toEqual({
      haCf: join(fixture.path, "ha.cf"),
      haresources: join(fixture.path, "haresources"),
      authkeys: join(fixture.path, "authkeys"),
    });
    expect(others).toEqual(["/a/b.cf"]);
  });

  test("a folder without a ha.cf is asked for one", () => {
    using folder = createTempFolder();
    expect([...sortOperands([folder.path]).heartbeat]).toEqual([
      ["haCf", join(folder.path, "ha.cf")],
    ]);
  });

  test("two of a kind are no pair's", () => {
    expect(() => sortOperands(["/a/ha.cf", "/b/ha.cf"])).toThrow("Expected one of /a/ha.cf and");
  });
});

test("readNamed() looks beside Heartbeat's files, below conf, and among the operands", async () => {
  using fixture = createFixture();
  mkdirSync(join(fixture.path, "conf"));
  writeFileSync(join(fixture.path, "conf", "deep.cf"), virtual);
  const heartbeat = new Map([["haCf", join(fixture.path, "ha.cf")] as const]);
  const names = ["web.cf", "deep.cf", "nobody.cf", "/nonexistent/x.cf"];
  const found = await readNamed(names, { heartbeat, others: [] });
  expect([...found].map(([name, { file }]) => [name, file])).toEqual([
    ["web.cf", join(fixture.path, "web.cf")],
    ["deep.cf", join(fixture.path, "conf", "deep.cf")],
  ]);
  const operand = join(fixture.path, "conf", "deep.cf");
  const meant = await readNamed(["deep.cf"], { heartbeat, others: [operand] });
  expect(meant.get("deep.cf")?.file).toBe(operand);
});

describe("import of a folder", () => {
  test("writes the text, and the key beside it for root alone", async () => {
    using fixture = createFixture();
    const { status, stdout, stderr } = await fixture.run(fixture.path, "-o", fixture.output);
    expect([status, stdout]).toEqual([0, ""]);
    const toml = readFileSync(fixture.output, "utf8");
    expect(toml).toContain(`key_file = "${fixture.key}"`);
    expect(toml).toContain('name = "tcp:192.0.2.100:80"');
    expect(toml).toContain("priority = 150");
    expect(statSync(fixture.key).mode & 0o777).toBe(0o600);
    // SHA-256 of "topsecret".
    const hash = "53336a676c64c1396553b2b7c92f38126768827c93b64d9142069c10eda7a721";
    expect(readFileSync(fixture.key, "utf8")).toBe(`1 ${hash}\n`);
    expect(stderr).toContain(`warning: ${fixture.path}/`);
    expect(stderr + toml).not.toContain("topsecret");
    expect(stderr + toml).not.toContain(hash);
  });

  test("replaces neither without --force", async () => {
    using fixture = createFixture();
    writeFileSync(fixture.output, "mine");
    const first = await fixture.run(fixture.path, "-o", fixture.output);
    expect(first.status).not.toBe(0);
    expect(existsSync(fixture.key)).toBe(false);
    expect((await fixture.run(fixture.path, "-o", fixture.output, "--force")).status).toBe(0);
    writeFileSync(fixture.key, "mine");
    const again = await fixture.run(fixture.path, "-o", fixture.output);
    expect(again.stderr).toContain(`Cannot write ${fixture.key}: it exists`);
    expect(readFileSync(fixture.key, "utf8")).toBe("mine");
  });

  test("prints without the key, and says where it would go", async () => {
    using fixture = createFixture();
    const { status, stdout, stderr } = await fixture.run(fixture.path);
    expect(status).toBe(0);
    expect(stdout).toContain('key_file = "/etc/appliance/vrrp.key"');
    expect(stderr).toContain("The key of authkeys is written only with --output");
    const json = await fixture.run(fixture.path, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: true, problems: [] });
    expect(stdout + stderr + json.stdout + json.stderr).not.toMatch(/topsecret|53336a676c/);
  });

  test("files one by one are the same; what haresources names is there once", async () => {
    using fixture = createFixture();
    const all = await fixture.run(fixture.path);
    const files = ["ha.cf", "haresources", "authkeys", "web.cf"];
    const each = await fixture.run(...files.map((name) => join(fixture.path, name)));
    expect(each.stdout).toBe(all.stdout);
    expect(each.stdout.match(/^\[\[virtual_service\]\]$/gm)).toHaveLength(1);
  });

  test("an authkeys that others can read is refused", async () => {
    using fixture = createFixture();
    chmodSync(join(fixture.path, "authkeys"), 0o644);
    const { status, stdout, stderr } = await fixture.run(fixture.path, "-o", fixture.output);
    expect([status, stdout, existsSync(fixture.output)]).toEqual([65, "", false]);
    expect(stderr).toContain("authkeys: Expected mode 0600");
  });

  test("a ha.cf alone is refused", async () => {
    using fixture = createFixture();
    const { status, stderr } = await fixture.run(join(fixture.path, "ha.cf"));
    expect(status).toBe(65);
    expect(stderr).toContain("haresources: Expected haresources beside ha.cf");
  });

  test("without --node this host is meant", async () => {
    using fixture = createFixture();
    const { stderr } = await runLine(fixture.path, ["import", fixture.path]);
    expect(stderr).toContain("none of the nodes: say which director the result is for");
  });
});
