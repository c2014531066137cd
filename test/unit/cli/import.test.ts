import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const good = 'logfile="local0"\nvirtual=192.0.2.1:80\n\treal=192.0.2.11:80 masq\n';

/** A folder with `a.cf`, and a command line that runs in it. */
function createFixture(text: string | Uint8Array) {
  const folder = createTempFolder();
  const file = join(folder.path, "a.cf");
  writeFileSync(file, text);
  return {
    file,
    output: join(folder.path, "a.toml"),
    run: (...args: string[]) => runLine(folder.path, ["import", ...args]),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

describe("import", () => {
  test("prints native text that validates, warnings on the other channel", async () => {
    using fixture = createFixture(good);
    const { status, stdout, stderr } = await fixture.run(fixture.file);
    expect(status).toBe(0);
    expect(stdout).toContain('listen = "192.0.2.1:80"');
    expect(stderr).toStartWith(`warning: ${fixture.file}:1: logfile: `);
    writeFileSync(fixture.output, stdout);
    const validated = await runLine("/nonexistent", ["validate", fixture.output]);
    expect(validated.status).toBe(0);
  });

  test("--output writes a file that others cannot read, once; --force again", async () => {
    using fixture = createFixture(good);
    const line = [fixture.file, "--output", fixture.output];
    expect(await fixture.run(...line)).toMatchObject({ status: 0, stdout: "" });
    expect(statSync(fixture.output).mode & 0o007).toBe(0);
    writeFileSync(fixture.output, "mine");
    const again = await fixture.run(...line);
    expect(again.status).not.toBe(0);
    expect(again.stderr).toContain("it exists; --force replaces it");
    expect(readFileSync(fixture.output, "utf8")).toBe("mine");
    expect((await fixture.run(...line, "--force")).status).toBe(0);
    expect(readFileSync(fixture.output, "utf8")).toContain("[[virtual_service]]");
  });

  test("a refused file is 65, with every problem, and writes nothing", async () => {
    using fixture = createFixture("foo=1\nvirtual=x\n");
    const { status, stdout, stderr } = await fixture.run(fixture.file, "-o", fixture.output);
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toContain(`${fixture.file}:1: `);
    expect(stderr).toContain(`${fixture.file}:2: `);
    expect(existsSync(fixture.output)).toBe(false);
  });

  test("--json has the text, or the problems", async () => {
    using fixture = createFixture(good);
    const { status, stdout } = await fixture.run(fixture.file, "--json");
    const answer = JSON.parse(stdout);
    expect([status, answer.valid, answer.problems]).toEqual([0, true, []]);
    expect(answer.toml).toContain("[[virtual_service]]");
    expect(answer.warnings).toMatchObject([{ file: fixture.file, line: 1, path: "logfile" }]);
    using broken = createFixture("foo=1\n");
    const refused = JSON.parse((await broken.run(broken.file, "--json")).stdout);
    expect([refused.valid, refused.problems.length, "toml" in refused]).toEqual([false, 1, false]);
  });

  test("several files are one text", async () => {
    using one = createFixture(good);
    using two = createFixture(good.replaceAll("192.0.2.1:", "192.0.2.2:"));
    const { stdout } = await one.run(one.file, two.file);
    expect(stdout.match(/^\[\[virtual_service\]\]$/gm)).toHaveLength(2);
  });

  test("follows includes of keepalived", async () => {
    using fixture = createFixture("# nothing");
    const main = join(dirname(fixture.file), "keepalived.conf");
    const part =
      "virtual_server 192.0.2.1 80 {\n lb_algo rr\n lb_kind NAT\n protocol TCP\n" +
      " real_server 192.0.2.11 80 {\n TCP_CHECK {\n }\n }\n}\n";
    writeFileSync(main, "include part-*.conf\n");
    writeFileSync(join(dirname(fixture.file), "part-1.conf"), part);
    const { status, stdout } = await fixture.run(main);
    expect(status).toBe(0);
    expect(stdout).toContain('listen = "192.0.2.1:80"');
  });

  test("comments may be in an old encoding", async () => {
    const bytes = Buffer.concat([Buffer.from([0x23, 0xe9, 0x0a]), Buffer.from(good)]);
    using fixture = createFixture(bytes);
    expect((await fixture.run(fixture.file)).status).toBe(0);
  });

  test.each([
    [["/nonexistent/a.cf"], 66],
    [["/"], 66],
    [[], 64],
    [["a.cf", "--frobnicate"], 64],
  ])("%j ends with %i", async (args, status) => {
    expect((await runLine("/nonexistent", ["import", ...args])).status).toBe(status);
  });
});
