import { describe, expect, test } from "bun:test";

import { createCliFixture, runLine } from "../../helpers/cli-fixture.ts";
import { serviceSnapshot } from "../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

describe("status", () => {
  test("prints the table once", async () => {
    await using fixture = await createCliFixture();
    const { status, stdout, stderr } = await fixture.run(["status"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("web  tcp 192.0.2.100:80 proxy wlc  up\n");
    expect(stdout).not.toContain("\u001b");
  });

  test("has colours where they are welcome", async () => {
    await using fixture = await createCliFixture();
    const { stdout } = await fixture.run(["status"], { color: true, isTerminal: true });
    expect(stdout).toContain("\u001b[32mup\u001b[0m");
  });

  test("--json is the snapshot", async () => {
    await using fixture = await createCliFixture();
    const { status, stdout } = await fixture.run(["status", "--json"]);
    expect([status, JSON.parse(stdout)]).toEqual([0, fixture.source.snapshot()]);
  });

  test("is 3 when no director runs", async () => {
    using folder = createTempFolder();
    const text = await runLine(folder.path, ["status"]);
    expect([text.status, text.stdout]).toEqual([3, ""]);
    expect(text.stderr).toStartWith("appliance status: Cannot reach the director: none runs here");
    const json = await runLine(folder.path, ["status", "--json"]);
    expect([json.status, json.stderr]).toEqual([3, ""]);
    expect(JSON.parse(json.stdout).error.code).toBe("CONTROL_NOT_RUNNING");
  });
});

describe("status --watch", () => {
  /** Ends the watch after its second picture. */
  async function watchTwice(args: readonly string[], isTerminal: boolean) {
    await using fixture = await createCliFixture();
    const stop = new AbortController();
    const pictures: string[] = [];
    const { status } = await fixture.run(args, {
      isTerminal,
      signal: stop.signal,
      onOutput(text) {
        pictures.push(text);
        fixture.source.set({ services: [serviceSnapshot({ name: "later" })] });
        if (pictures.length === 2) stop.abort();
      },
    });
    return { status, pictures };
  }

  test("draws the screen anew on a terminal", async () => {
    const { status, pictures } = await watchTwice(["status", "--watch"], true);
    expect(status).toBe(0);
    expect(pictures[0]).toStartWith("\u001b[H\u001b[Jappliance ");
    expect(pictures[0]).toContain("web");
    expect(pictures[1]).toContain("later");
  });

  test("appends elsewhere, with --json one line each", async () => {
    const { pictures } = await watchTwice(["status", "--watch", "--json"], false);
    expect(pictures.map((line) => JSON.parse(line).services[0].name)).toEqual(["web", "later"]);
    expect(pictures.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
  });

  test("waits for a director that is not there", async () => {
    using folder = createTempFolder();
    const stop = new AbortController();
    const { status, stdout } = await runLine(folder.path, ["status", "--watch"], {
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect(status).toBe(0);
    expect(stdout).toContain("none runs here");
  });
});
