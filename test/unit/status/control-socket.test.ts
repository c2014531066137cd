import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createStatusApp } from "../../../src/status/app.ts";
import { openControlSocket } from "../../../src/status/control-socket.ts";
import type { ControlSocketOptions } from "../../../src/status/control-socket.ts";
import { createFakeStatusSource, statusEvent } from "../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";

async function createFixture(options: Partial<ControlSocketOptions> = {}) {
  const folder = createTempFolder();
  const path = join(folder.path, "control.sock");
  const source = createFakeStatusSource();
  const app = createStatusApp(source);
  const control = await openControlSocket({ path, app, ...options });
  return {
    path,
    source,
    ask: (target: string, init: RequestInit = {}) =>
      fetch(`http://localhost${target}`, { ...init, unix: path }),
    stop: () => control.stop(),
    giveWay: (next: string) => control.giveWay(next),
    [Symbol.dispose]() {
      app.close();
      control.stop();
      folder[Symbol.dispose]();
    },
  };
}

/** Sends raw bytes and gathers the answer until the other side closes. */
async function talk(path: string, parts: readonly string[], endAfter = false): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = "";
  const socket = await Bun.connect({
    unix: path,
    socket: {
      data: (_socket, chunk) => void (answer += chunk.toString()),
      close: () => resolve(answer),
      end: (ended) => void ended.end(),
    },
  });
  for (const part of parts) {
    socket.write(part);
    socket.flush();
    await Bun.sleep(1);
  }
  if (endAfter) socket.shutdown();
  return promise;
}

describe("openControlSocket", () => {
  test("answers GET and POST, HEAD without a body", async () => {
    using fixture = await createFixture();
    const { source, ask } = fixture;
    expect(await (await ask("/status")).json()).toEqual(source.snapshot());
    const body = JSON.stringify({ action: "drain", server: "192.0.2.11:80" });
    const headers = { "Content-Type": "application/json" };
    const response = await ask("/servers/change", { method: "POST", headers, body });
    expect(((await response.json()) as { ok: boolean }).ok).toBe(true);
    expect(source.changes[0]!.by).toBe("control socket");
    const head = await ask("/status", { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  test("takes the uid of the peer from the kernel's answer", async () => {
    const descriptors: number[] = [];
    const peerUid = (fd: number) => {
      descriptors.push(fd);
      return 1000;
    };
    using fixture = await createFixture({ peerUid });
    await fixture.ask("/reload", { method: "POST" });
    expect(fixture.source.reloads).toEqual([{ dryRun: false, by: "uid 1000" }]);
    expect(descriptors[0]).toBeGreaterThan(2);
  });

  test("gives its path to another process without a moment in between", async () => {
    using first = await createFixture();
    const pathBefore = `${first.path}.next`;
    const app = createStatusApp(createFakeStatusSource());
    const next = await openControlSocket({ path: first.path, pathBefore, app });
    const events = await first.ask("/events");
    const reader = events.body!.getReader();
    first.giveWay(pathBefore);
    next.claim();
    expect([existsSync(first.path), existsSync(pathBefore)]).toEqual([true, false]);
    expect(statSync(first.path).mode & 0o777).toBe(0o660);
    expect((await first.ask("/readyz")).status).toBe(200);
    // Who was connected stays so until the old one ends, which takes nothing away.
    expect((await reader.read()).done).toBe(false);
    first.stop();
    expect((await first.ask("/readyz")).status).toBe(200);
    app.close();
    next.stop();
    expect(existsSync(first.path)).toBe(false);
  });

  test("takes the path itself if the other process is gone, or never had it", async () => {
    using first = await createFixture();
    const pathBefore = `${first.path}.next`;
    const app = createStatusApp(createFakeStatusSource());
    const next = await openControlSocket({ path: first.path, pathBefore, app });
    next.stop();
    expect([existsSync(first.path), existsSync(pathBefore)]).toEqual([true, false]);
    const again = await openControlSocket({ path: first.path, pathBefore, app });
    first.stop();
    again.claim();
    expect((await first.ask("/readyz")).status).toBe(200);
    app.close();
    again.stop();
  });

  test("has mode 0660 whatever the umask is", async () => {
    const umask = process.umask(0);
    try {
      using fixture = await createFixture();
      expect((statSync(fixture.path).mode & 0o777).toString(8)).toBe("660");
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(umask);
    }
  });

  test("stop removes the file", async () => {
    using fixture = await createFixture();
    fixture.stop();
    expect(existsSync(fixture.path)).toBe(false);
  });

  test("sends an answer of some megabytes whole", async () => {
    using fixture = await createFixture();
    const events = Array.from({ length: 100 }, (_, index) =>
      statusEvent(100 - index, { text: "x".repeat(40_000) }),
    );
    fixture.source.set({ events });
    expect(await (await fixture.ask("/status")).json()).toEqual(fixture.source.snapshot());
  });

  test("streams events, and lets go when the client leaves", async () => {
    using fixture = await createFixture();
    const { source, ask } = fixture;
    const leave = new AbortController();
    const response = await ask("/events", { signal: leave.signal });
    const reader = response.body!.getReader();
    await reader.read();
    source.emit(statusEvent(1));
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("id: 1\n");
    leave.abort();
    await waitFor(() => source.listenerCount() === 0, { what: "the end of the subscription" });
  });

  test("drops a follower that does not read, without filling memory", async () => {
    using fixture = await createFixture();
    const { path, source } = fixture;
    const socket = await Bun.connect({ unix: path, socket: { data: () => undefined } });
    socket.pause();
    socket.write("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    await waitFor(() => source.listenerCount() === 1, { what: "the subscription" });
    const text = "x".repeat(20_000);
    let id = 0;
    await waitFor(
      () => {
        for (let count = 0; count < 50; count++) source.emit(statusEvent(++id, { text }));
        return source.listenerCount() === 0;
      },
      { what: "the end of the subscription" },
    );
    expect(id).toBeLessThan(3000);
    socket.terminate();
  });
});

describe("openControlSocket, bytes of any kind", () => {
  const change = JSON.stringify({ action: "drain", server: "a" });
  const head = `POST /servers/change HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;

  test("takes a request in pieces", async () => {
    using fixture = await createFixture();
    const text = `${head}Content-Length: ${change.length}\r\n\r\n${change}`;
    const pieces = [text.slice(0, 5), text.slice(5, 120), text.slice(120, -3), text.slice(-3)];
    expect(await talk(fixture.path, pieces)).toStartWith("HTTP/1.1 200 OK\r\n");
    expect(fixture.source.changes.length).toBe(1);
  });

  test("answers a client that has ended its half", async () => {
    using fixture = await createFixture();
    const answer = await talk(fixture.path, ["GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"], true);
    expect(answer).toEndWith('{"healthy":true}');
  });

  test("does not look at a second request", async () => {
    using fixture = await createFixture();
    const one = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const answer = await talk(fixture.path, [one + one]);
    expect(answer.match(/HTTP\/1\.1 /g)!.length).toBe(1);
  });

  test.each([
    ["rubbish", "\u0000\u0001rubbish\r\n\r\n", "400 Error", "STATUS_HTTP"],
    ["a head without end", "GET /".padEnd(20_000, "x"), "431 Error", "STATUS_HTTP"],
    ["chunks", `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, "411 Error", "STATUS_HTTP"],
    ["a long body", `${head}Content-Length: 70000\r\n\r\n`, "413 Error", "STATUS_BODY_TOO_LONG"],
  ])("refuses %s", async (_name, text, status, code) => {
    using fixture = await createFixture();
    const answer = await talk(fixture.path, [text]);
    expect(answer).toStartWith(`HTTP/1.1 ${status}\r\n`);
    expect(answer).toContain(`"code":"${code}"`);
  });

  test("drops a client that ends in the middle of its request", async () => {
    using fixture = await createFixture();
    expect(await talk(fixture.path, ["GET / HT"], true)).toBe("");
    expect(await talk(fixture.path, [`${head}Content-Length: 9\r\n\r\n{`], true)).toBe("");
    expect((await fixture.ask("/healthz")).status).toBe(200);
  });

  test("has room for 128 connections and says so to the next", async () => {
    using fixture = await createFixture();
    const { path } = fixture;
    const connect = () => Bun.connect({ unix: path, socket: { data: () => undefined } });
    const sockets = await Promise.all(Array.from({ length: 128 }, connect));
    expect(await talk(path, [])).toContain('"code":"STATUS_TOO_MANY_CLIENTS"');
    for (const socket of sockets) socket.terminate();
    await waitFor(
      async () => (await fixture.ask("/healthz").catch(() => undefined))?.status === 200,
      { what: "room for another connection" },
    );
  });
});

describe("openControlSocket, what stands at its path", () => {
  test("replaces the socket of a director that was killed", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "control.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await child.exited;
    expect(statSync(path).isSocket()).toBe(true);
    const app = createStatusApp(createFakeStatusSource());
    const control = await openControlSocket({ path, app });
    expect((await fetch("http://localhost/healthz", { unix: path })).status).toBe(200);
    control.stop();
  });

  test("leaves the socket of a running director alone", async () => {
    using fixture = await createFixture();
    const app = createStatusApp(createFakeStatusSource());
    await expect(openControlSocket({ path: fixture.path, app })).rejects.toMatchObject({
      code: "STATUS_SOCKET_IN_USE",
    });
    expect((await fixture.ask("/healthz")).status).toBe(200);
  });

  test.each([
    ["a file", (path: string) => writeFileSync(path, "")],
    ["a folder", (path: string) => mkdirSync(path)],
  ])("does not remove %s", async (_name, make) => {
    using folder = createTempFolder();
    const path = join(folder.path, "control.sock");
    make(path);
    const app = createStatusApp(createFakeStatusSource());
    await expect(openControlSocket({ path, app })).rejects.toMatchObject({ code: "STATUS_LISTEN" });
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    ["is too long", join("/tmp", "x".repeat(110))],
    ["has no folder", "/nonexistent/control.sock"],
  ])("says that the path %s", async (_name, path) => {
    const app = createStatusApp(createFakeStatusSource());
    await expect(openControlSocket({ path, app })).rejects.toMatchObject({ code: "STATUS_LISTEN" });
  });
});
