import { describe, expect, test } from "bun:test";

import { commands } from "../../../src/cli/commands.ts";
import { runCli } from "../../../src/cli/run-cli.ts";
import { createCliFixture, runInContext, runLine } from "../../helpers/cli-fixture.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const nowhere = "/nonexistent";

describe("runCli", () => {
  test("without a command prints the help to stderr, 64", async () => {
    const { status, stdout, stderr } = await runLine(nowhere, []);
    expect([status, stdout]).toEqual([64, ""]);
    expect(stderr).toStartWith("usage: appliance COMMAND");
  });

  test.each([["help"], ["--help"], ["-h"]])("%s lists every command", async (name) => {
    const { status, stdout } = await runLine(nowhere, [name]);
    expect(status).toBe(0);
    for (const command of commands)
      expect(stdout).toMatch(new RegExp(`^  ${command.name} +\\S`, "m"));
  });

  test.each(commands.map(({ name }) => name))(
    "%s --help and help %s are the same",
    async (name) => {
      const { status, stdout } = await runLine(nowhere, [name, "--help"]);
      expect(status).toBe(0);
      expect(stdout).toStartWith(`usage: appliance ${name}`);
      expect(await runLine(nowhere, ["help", name])).toEqual({ status, stdout, stderr: "" });
      expect(await runLine(nowhere, [name, "x", "-h"])).toEqual({ status, stdout, stderr: "" });
    },
  );

  test("lines of the help fit a terminal", async () => {
    for (const name of ["", ...commands.map((command) => command.name)]) {
      const { stdout } = await runLine(nowhere, ["help", ...(name === "" ? [] : [name])]);
      const lines = stdout.split("\n").filter((line) => !line.startsWith("usage:"));
      for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test("an unknown command is 64, with a suggestion", async () => {
    const { status, stderr } = await runLine(nowhere, ["drian"]);
    expect(status).toBe(64);
    expect(stderr).toStartWith('appliance: Unknown command drian (did you mean "drain"?)\n');
    expect((await runLine(nowhere, ["help", "drian"])).status).toBe(64);
  });

  test("an error is JSON on stdout with --json, also of the command line", async () => {
    const { status, stdout, stderr } = await runLine(nowhere, ["status", "--json", "--nope"]);
    expect([status, stderr, JSON.parse(stdout).error.code]).toEqual([64, "", "CLI_USAGE"]);
  });

  test("called as another program it answers in its place, --help too", async () => {
    const called = (...args: string[]) =>
      runInContext(nowhere, (context) => runCli(args, context, "/usr/sbin/ipvsadm"));
    expect((await called("--help")).stdout).toStartWith("usage: ipvsadm ");
    expect((await called("status")).status).toBe(2);
    const own = await runInContext(nowhere, (context) => runCli(["-Ln"], context, "./appliance"));
    expect(own.status).toBe(64);
  });

  test("an interrupted command is 130 and silent", async () => {
    using folder = createTempFolder();
    const stop = new AbortController();
    stop.abort();
    expect(await runLine(folder.path, ["list"], { signal: stop.signal })).toEqual({
      status: 130,
      stdout: "",
      stderr: "",
    });
  });

  test("a bug in the answer does not escape", async () => {
    await using fixture = await createCliFixture();
    fixture.source.set({ services: [{}] as never });
    const { status, stderr } = await fixture.run(["list", "-n"]);
    expect(status).toBe(70);
    expect(stderr).toContain("TypeError");
  });
});
