/**
 * The executable under the name ipvsadm: what it lists of a director that carries traffic.
 */
import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { formatService } from "../helpers/director-config.ts";
import { runCommand, waitForService } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { freePort } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import { executablePath, requireExecutable } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

const needs = requireExecutable();

/** Answers everything with itself. */
function listenForEcho(): Bun.TCPSocketListener {
  const data = (socket: Bun.Socket, bytes: Buffer): void => void socket.write(bytes);
  return Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data } });
}

/** A connection through which one byte has come back. */
async function connectThrough(port: number): Promise<Bun.Socket> {
  const { promise: echoed, resolve } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data: () => resolve() },
  });
  socket.write("x");
  await echoed;
  return socket;
}

test.skipIf(needs.skip)("ipvsadm lists the director's services and connections", async () => {
  using server = listenForEcho();
  using folder = createTempFolder();
  const ipvsadm = join(folder.path, "ipvsadm");
  symlinkSync(executablePath, ipvsadm);
  const port = await freePort();
  const config = formatService({
    listen: `127.0.0.1:${port}`,
    servers: [{ address: `127.0.0.1:${server.port}`, weight: 7 }],
    settings: ['scheduler = "wrr"', 'check = { type = "connect", interval = "100ms" }'],
  });
  await using director = await startDirector({ config });
  const called = (...args: string[]) =>
    runProcess([ipvsadm, ...args], { env: director.environment });
  await waitForService(director, ({ state }) => state === "up");
  using client = await connectThrough(port);
  await waitForService(director, ({ activeConnections }) => activeConnections === 1);

  const local = `127.0.0.1:${port}`;
  const remote = `127.0.0.1:${server.port}`;
  expect(await called("-Ln")).toMatchObject({
    status: 0,
    stdout: [
      "IP Virtual Server version 1.2.1 (size=4096)",
      "Prot LocalAddress:Port Scheduler Flags",
      "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn",
      `TCP  ${local} wrr`,
      `  -> ${remote.padEnd(28)} Masq    7      1          0         `,
      "",
    ].join("\n"),
  });
  const { stdout } = await called("-Lnc");
  const source = `127.0.0.1:${client.localPort}`;
  expect(stdout.split("\n")[2]?.replace(/ \d\d:\d\d /, " mm:ss ")).toBe(
    `TCP mm:ss  ESTABLISHED ${source.padEnd(18)} ${local.padEnd(18)} ${remote}`,
  );
  expect((await called("-Sn")).stdout).toBe(
    `-A -t ${local} -s wrr\n-a -t ${local} -r ${remote} -m -w 7\n`,
  );
  for (const view of ["--thresholds", "--persistent-conn", "--timeout"]) {
    const own = await runCommand(director, "list", "-n", view);
    expect(await called("-L", "-n", view)).toEqual(own);
  }
  const refused = await called("-d", "-t", local, "-r", remote);
  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toContain(`\tappliance disable ${remote}\n`);
});

test.skipIf(needs.skip)("ipvsadm without a director lists an empty table", async () => {
  using folder = createTempFolder();
  const ipvsadm = join(folder.path, "ipvsadm");
  symlinkSync(executablePath, ipvsadm);
  const env = { APPLIANCE_RUNTIME_DIR: folder.path };
  const { status, stdout, stderr } = await runProcess([ipvsadm, "-Ln"], { env });
  expect([status, stdout.split("\n").length]).toEqual([0, 4]);
  expect(stderr).toBe("ipvsadm: No director runs here, so the table is empty\n");
});
