/**
 * How a director ends: nothing new is accepted, what is under way comes to its end, within bounds.
 */
import { expect, test } from "bun:test";
import { existsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatService } from "../helpers/director-config.ts";
import { readService, runCommand } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startNginx } from "../helpers/nginx.ts";
import { freePort } from "../helpers/port.ts";
import { requireAll, requireExecutable, requirePeer } from "../helpers/require-peer.ts";
import type { TcpPeer } from "../helpers/traffic/tcp-peer.ts";
import { connectTcp, isRefused } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx"));

/** More than all buffers on the way hold, so that a paused client holds the download up. */
const downloadBytes = 64 * 1024 * 1024;

interface Site extends AsyncDisposable {
  readonly director: Director;
  readonly port: number;
}

async function startSite(stopTimeout: string): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const nginx = stack.use(await startNginx({ pages: { "index.html": "page\n" } }));
  const path = join(nginx.root, "big.bin");
  writeFileSync(path, "");
  truncateSync(path, downloadBytes);
  const port = await freePort();
  const service = formatService({ listen: `127.0.0.1:${port}`, servers: [nginx.address] });
  const config = `[director]\nstop_timeout = "${stopTimeout}"\n\n${service}`;
  const director = stack.use(await startDirector({ config }));
  const moved = stack.move();
  return { director, port, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

/** Starts a download and stops reading once it has begun. */
async function startDownload(port: number): Promise<TcpPeer> {
  const peer = await connectTcp(port);
  peer.send("GET /big.bin HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
  await peer.untilReceived(1);
  return peer.pause();
}

/** Sends a signal and waits until new connections are refused. */
async function stop({ director, port }: Site, signal: NodeJS.Signals): Promise<void> {
  director.process.kill(signal);
  await waitFor(() => isRefused(port), { what: "refused connections" });
}

/** A process that has ended is gone from here. */
function isRunning({ process }: Director): boolean {
  return existsSync(`/proc/${process.pid}/fd/0`);
}

test.skipIf(needs.skip).each(["SIGTERM", "SIGINT"] as const)(
  "%s lets a download come to its end",
  async (signal) => {
    await using site = await startSite("1m");
    const { director, port } = site;
    const download = await startDownload(port);
    await stop(site, signal);
    expect(isRunning(director)).toBe(true);
    // It can still be asked how far it is, but takes no changes any more.
    expect(await readService(director)).toMatchObject({ activeConnections: 1 });
    const refused = await runCommand(director, "reload");
    expect(refused).toMatchObject({ status: 75, stdout: "" });

    expect(download.ending).toBeUndefined();
    await download.resume().untilReceived(downloadBytes, 10_000);
    expect(await download.untilEnding()).toBe("end");
    download.shutdown();
    const headBytes = download.text.indexOf("\r\n\r\n") + 4;
    expect(download.receivedBytes).toBe(headBytes + downloadBytes);
    expect(await director.process.exited).toBe(0);
    expect(director.process.output()).toEndWith("info stopped\n");
    expect(existsSync(join(director.environment.APPLIANCE_RUNTIME_DIR, "control.sock"))).toBe(
      false,
    );
  },
);

test.skipIf(needs.skip)("a second signal ends what is left at once", async () => {
  await using site = await startSite("1m");
  const { director, port } = site;
  const download = await startDownload(port);
  await stop(site, "SIGTERM");
  expect(isRunning(director)).toBe(true);
  director.process.kill("SIGTERM");
  expect(await director.process.exited).toBe(0);
  expect(await download.resume().untilEnding()).toBe("reset");
  expect(download.receivedBytes).toBeLessThan(downloadBytes);
});

test.skipIf(needs.skip)("stop_timeout ends what is left", async () => {
  await using site = await startSite("300ms");
  const { director, port } = site;
  const download = await startDownload(port);
  await stop(site, "SIGTERM");
  expect(await director.process.exited).toBe(0);
  expect(await download.resume().untilEnding()).toBe("reset");
  expect(download.receivedBytes).toBeLessThan(downloadBytes);
});

test.skipIf(needs.skip)("a director without connections ends at once", async () => {
  await using site = await startSite("24d");
  site.director.process.kill("SIGTERM");
  expect(await site.director.process.exited).toBe(0);
});

test.skipIf(needs.skip)("SIGUSR1 writes the state to the log and changes nothing", async () => {
  await using site = await startSite("0s");
  site.director.process.kill("SIGUSR1");
  await site.director.process.waitForOutput(/info state-service service=web state=up/);
  expect(await readService(site.director)).toMatchObject({ state: "up" });
});
