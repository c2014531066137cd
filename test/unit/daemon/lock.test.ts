import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { lockRuntimeDirectory } from "../../../src/daemon/lock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

/** Leaves a socket behind that nobody listens on, as a killed director does. */
async function leaveSocket(path: string): Promise<void> {
  const script = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL");`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "ignore" });
  await child.exited;
}

describe("lockRuntimeDirectory()", () => {
  test("makes the directory; a second one is refused until the first lets go", async () => {
    using folder = createTempFolder();
    const runtime = join(folder.path, "run", "appliance");
    const lock = await lockRuntimeDirectory(runtime);
    await expect(lockRuntimeDirectory(runtime)).rejects.toMatchObject({ code: "DIRECTOR_RUNNING" });
    lock.release();
    (await lockRuntimeDirectory(runtime)).release();
  });

  test("two directories do not disturb each other", async () => {
    using folder = createTempFolder();
    const one = await lockRuntimeDirectory(join(folder.path, "one"));
    const two = await lockRuntimeDirectory(join(folder.path, "two"));
    one.release();
    two.release();
  });

  test("a lock held by another process is refused, and ends with it", async () => {
    using folder = createTempFolder();
    const lockModule = new URL("../../../src/daemon/lock.ts", import.meta.url).pathname;
    const script = `const { lockRuntimeDirectory } = await import(${JSON.stringify(lockModule)}); await lockRuntimeDirectory(${JSON.stringify(folder.path)}); console.log("locked"); await new Promise(() => setInterval(() => {}, 1000));`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    try {
      const { value } = await child.stdout.getReader().read();
      expect(new TextDecoder().decode(value)).toBe("locked\n");
      await expect(lockRuntimeDirectory(folder.path)).rejects.toMatchObject({
        code: "DIRECTOR_RUNNING",
      });
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
    (await lockRuntimeDirectory(folder.path)).release();
  });

  test("who answers on the control socket runs, even if its lock file is gone", async () => {
    using folder = createTempFolder();
    const unix = join(folder.path, "control.sock");
    const server = Bun.listen({ unix, socket: { data() {} } });
    try {
      await expect(lockRuntimeDirectory(folder.path)).rejects.toMatchObject({
        code: "DIRECTOR_RUNNING",
      });
      expect(existsSync(unix)).toBe(true);
    } finally {
      server.stop(true);
    }
    rmSync(unix, { force: true });
    (await lockRuntimeDirectory(folder.path)).release();
  });

  test("removes a socket that was left over", async () => {
    using folder = createTempFolder();
    const unix = join(folder.path, "control.sock");
    await leaveSocket(unix);
    expect(existsSync(unix)).toBe(true);
    const lock = await lockRuntimeDirectory(folder.path);
    expect(existsSync(unix)).toBe(false);
    lock.release();
  });

  test("says what to do when the directory cannot be used", async () => {
    using folder = createTempFolder();
    const file = join(folder.path, "file");
    writeFileSync(file, "");
    await expect(lockRuntimeDirectory(join(file, "run"))).rejects.toMatchObject({
      code: "DIRECTOR_RUNTIME_DIR",
      message: expect.stringContaining("APPLIANCE_RUNTIME_DIR"),
    });
    const blocked = join(folder.path, "blocked");
    mkdirSync(join(blocked, "director.lock"), { recursive: true });
    await expect(lockRuntimeDirectory(blocked)).rejects.toMatchObject({
      code: "DIRECTOR_RUNTIME_DIR",
    });
  });
});
