import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";

import { formatEndpoint } from "../../../src/net/address.ts";
import { startStatusServer } from "../../../src/status/server.ts";
import type { StatusServerOptions } from "../../../src/status/server.ts";
import { createFakeStatusSource, statusEvent } from "../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";

const readToken = "read-0123456789abcdef0123456789ab";
const loopback = { address: "127.0.0.1", port: 0 };

async function createFixture(options: Partial<StatusServerOptions> = {}) {
  const folder = createTempFolder();
  const unixPath = join(folder.path, "control.sock");
  const source = createFakeStatusSource();
  const server = await startStatusServer({ source, listen: loopback, unixPath, ...options });
  return {
    source,
    server,
    unixPath,
    url: server.endpoint === undefined ? "" : `http://${formatEndpoint(server.endpoint)}`,
    async [Symbol.asyncDispose]() {
      await server.stop();
      folder[Symbol.dispose]();
    },
  };
}

describe("startStatusServer", () => {
  test("serves TCP with tokens and the control socket without", async () => {
    await using fixture = await createFixture({ readTokens: [readToken] });
    const { url, unixPath } = fixture;
    expect((await fetch(`${url}/status`)).status).toBe(401);
    const headers = { Authorization: `Bearer ${readToken}` };
    expect((await fetch(`${url}/status`, { headers })).status).toBe(200);
    expect((await fetch("http://localhost/status", { unix: unixPath })).status).toBe(200);
  });

  test("serves the control socket alone", async () => {
    await using fixture = await createFixture({ listen: undefined });
    expect(fixture.server.endpoint).toBeUndefined();
    const { unixPath } = fixture;
    expect((await fetch("http://localhost/healthz", { unix: unixPath })).status).toBe(200);
  });

  test("serves IPv6", async () => {
    await using fixture = await createFixture({ listen: { address: "::1", port: 0 } });
    expect((await fetch(`${fixture.url}/healthz`)).status).toBe(200);
  });

  test("streams events over TCP, and lets go when the client leaves", async () => {
    await using fixture = await createFixture();
    const { url, source } = fixture;
    const leave = new AbortController();
    const response = await fetch(`${url}/events`, { signal: leave.signal });
    const reader = response.body!.getReader();
    await reader.read();
    source.emit(statusEvent(1));
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("id: 1\n");
    leave.abort();
    await waitFor(() => source.listenerCount() === 0, { what: "the end of the subscription" });
  });

  test("drops a follower over TCP that does not read", async () => {
    await using fixture = await createFixture();
    const { source, server } = fixture;
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: server.endpoint!.port,
      socket: { data: () => undefined },
    });
    socket.pause();
    socket.write("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
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
    expect(id).toBeLessThan(5000);
    socket.terminate();
  });

  test("refuses a body above 64 KiB over TCP as JSON", async () => {
    const writeToken = "write-0123456789abcdef0123456789a";
    await using fixture = await createFixture({ writeTokens: [writeToken] });
    const response = await fetch(`${fixture.url}/servers/change`, {
      method: "POST",
      headers: { Authorization: `Bearer ${writeToken}`, "Content-Type": "application/json" },
      body: " ".repeat(65_537),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      413,
      "STATUS_BODY_TOO_LONG",
    ]);
  });

  test("stop ends streams, closes both listeners and removes the socket", async () => {
    await using fixture = await createFixture();
    const { url, unixPath, server } = fixture;
    const response = await fetch(`${url}/events`);
    const ended = response.text().catch(() => "broken off");
    await server.stop();
    expect(await ended).toBeString();
    await expect(fetch(`${url}/healthz`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(existsSync(unixPath)).toBe(false);
  });

  test.each(["192.0.2.1", "0.0.0.0", "::"])(
    "does not listen at %s without a read token",
    async (address) => {
      const source = createFakeStatusSource();
      await expect(
        startStatusServer({ source, listen: { address, port: 0 } }),
      ).rejects.toMatchObject({
        code: "STATUS_TOKEN_REQUIRED",
      });
    },
  );

  test("tells that the port is taken, and leaves nothing open", async () => {
    await using fixture = await createFixture();
    const { server, source } = fixture;
    using folder = createTempFolder();
    const unixPath = join(folder.path, "control.sock");
    const listen = server.endpoint!;
    await expect(startStatusServer({ source, listen, unixPath })).rejects.toMatchObject({
      code: "STATUS_LISTEN",
    });
    expect(existsSync(unixPath)).toBe(false);
  });

  test("closes TCP again when the control socket is taken", async () => {
    await using fixture = await createFixture();
    const { source, unixPath, server } = fixture;
    await server.stop();
    await using first = await createFixture({ listen: server.endpoint, unixPath });
    const second = startStatusServer({ source, listen: loopback, unixPath });
    await expect(second).rejects.toMatchObject({ code: "STATUS_SOCKET_IN_USE" });
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
  });
});
