import { describe, expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { controlPath, createControlClient } from "../../../src/cli/client.ts";
import { ApplianceError } from "../../../src/errors/index.ts";
import { createCliFixture } from "../../helpers/cli-fixture.ts";
import { requireRoot } from "../../helpers/require-peer.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

function clientOf(runtime: string, signal = new AbortController().signal) {
  return createControlClient({ environment: { APPLIANCE_RUNTIME_DIR: runtime }, signal });
}

const root = requireRoot();

/** A server at the control socket that answers everything with `body`. */
function serveText(path: string, body: string, status = 200) {
  return Bun.serve({ unix: path, fetch: () => new Response(body, { status }) });
}

test.each([
  [undefined, "/run/appliance/control.sock"],
  ["", "/run/appliance/control.sock"],
  ["/tmp/x", "/tmp/x/control.sock"],
])("controlPath with APPLIANCE_RUNTIME_DIR %p", (folder, expected) => {
  expect(controlPath({ APPLIANCE_RUNTIME_DIR: folder })).toBe(expected);
});

describe("createControlClient", () => {
  test("asks everything there is to ask", async () => {
    await using fixture = await createCliFixture();
    const { source, runtime } = fixture;
    const client = clientOf(runtime);
    expect(await client.snapshot()).toEqual(source.snapshot());
    expect((await client.connections()).length).toBe(1);
    expect(await client.configuration()).toEqual({ virtual_service: [{ name: "web" }] });
    expect(await client.reload(true)).toEqual(["web: weight of 192.0.2.11:80 from 1 to 2"]);
    const answer = await client.change({ action: "drain", server: "192.0.2.11:80" });
    expect(answer.changed).toEqual([{ service: "web", server: "192.0.2.11:80" }]);
    expect(source.changes[0]!.by).toBe("uid 1000");
  });

  test("throws what the director refuses, with its code", async () => {
    await using fixture = await createCliFixture();
    fixture.source.changeResult = { ok: false, code: "SERVER_UNKNOWN", message: "No such server" };
    const change = clientOf(fixture.runtime).change({ action: "drain", server: "x" });
    await expect(change).rejects.toMatchObject({
      name: "ApplianceError",
      code: "SERVER_UNKNOWN",
      message: "No such server",
    });
  });

  test.each([
    ["no socket", () => undefined],
    ["a file where the socket should be", (path: string) => writeFileSync(path, "")],
  ])("%s means that none runs", async (_name, make) => {
    using folder = createTempFolder();
    make(join(folder.path, "control.sock"));
    await expect(clientOf(folder.path).snapshot()).rejects.toMatchObject({
      code: "CONTROL_NOT_RUNNING",
    });
  });

  test.each([
    ["no JSON", "hello", 200],
    ["an error that is no JSON", "hello", 500],
    ["another version", '{"version":2,"services":[]}', 200],
    ["something else", "[]", 200],
  ])("does not take %s", async (_name, body, status) => {
    using folder = createTempFolder();
    const server = serveText(join(folder.path, "control.sock"), body, status);
    try {
      const client = clientOf(folder.path);
      const asks = [
        () => client.snapshot(),
        () => client.connections(),
        () => client.reload(false),
      ];
      for (const ask of asks) {
        await expect(ask()).rejects.toMatchObject({ code: "CONTROL_ANSWER" });
      }
      await expect(client.change({ action: "enable", server: "x" })).rejects.toBeInstanceOf(
        ApplianceError,
      );
    } finally {
      await server.stop(true);
    }
  });

  test("gives up when it is interrupted", async () => {
    using folder = createTempFolder();
    const stop = new AbortController();
    const server = Bun.serve({
      unix: join(folder.path, "control.sock"),
      fetch: () => {
        stop.abort();
        return new Promise<Response>(() => undefined);
      },
    });
    try {
      await expect(clientOf(folder.path, stop.signal).snapshot()).rejects.toBeInstanceOf(
        ApplianceError,
      );
    } finally {
      await server.stop(true);
    }
  });

  test.skipIf(root.skip)("tells that permission is missing", async () => {
    using folder = createTempFolder();
    chmodSync(folder.path, 0o755);
    const path = join(folder.path, "control.sock");
    const server = serveText(path, "{}");
    chmodSync(path, 0o600);
    const client = join(import.meta.dir, "../../../src/cli/client.ts");
    const script = `
      process.setgid(65534);
      process.setuid(65534);
      const { createControlClient } = await import(${JSON.stringify(client)});
      const environment = { APPLIANCE_RUNTIME_DIR: ${JSON.stringify(folder.path)} };
      const signal = new AbortController().signal;
      try {
        await createControlClient({ environment, signal }).snapshot();
      } catch (error) {
        console.log(error.code);
      }`;
    try {
      const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
      expect((await child.stdout.text()).trim()).toBe("CONTROL_PERMISSION");
    } finally {
      await server.stop(true);
    }
  });
});
