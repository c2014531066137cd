import { describe, expect, test } from "bun:test";

import { createStatusApp } from "../../../src/status/app.ts";
import { acceptsGzip } from "../../../src/status/compression.ts";
import {
  createFakeStatusSource,
  serverSnapshot,
  serviceSnapshot,
} from "../../helpers/fake-status-source.ts";

describe("acceptsGzip()", () => {
  test.each<[string | undefined, boolean]>([
    ["gzip", true],
    ["gzip, deflate, br, zstd", true],
    ["br, GZip;q=0.5", true],
    ["*", true],
    ["gzip;q=0", false],
    ["gzip; q=0.00", false],
    ["identity", false],
    ["", false],
    [undefined, false],
  ])("%s: %p", (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
  });
});

describe("compression()", () => {
  const realServers = Array.from({ length: 200 }, (_, index) =>
    serverSnapshot({ key: `192.0.2.${index}:80`, host: `192.0.2.${index}` }),
  );
  const source = createFakeStatusSource({ services: [serviceSnapshot({ realServers })] });
  const app = createStatusApp(source);
  const gzip = { "Accept-Encoding": "gzip", Host: "localhost" };

  async function ask(
    path: string,
    headers: Record<string, string>,
    via: "tcp" | "control" = "tcp",
  ) {
    const answer = await app.fetch(new Request(`http://localhost${path}`, { headers }), { via });
    const bytes =
      path === "/events" ? new Uint8Array() : new Uint8Array(await answer.arrayBuffer());
    return { answer, bytes, coding: answer.headers.get("Content-Encoding") };
  }

  test.each(["/", "/status", "/metrics"])("%s is the same text, a fifth as long", async (path) => {
    const plain = await ask(path, { Host: "localhost" });
    const packed = await ask(path, gzip);
    expect([plain.coding, packed.coding]).toEqual([null, "gzip"]);
    expect(packed.bytes.length).toBeLessThan(plain.bytes.length / 5);
    expect(new TextDecoder().decode(Bun.gunzipSync(packed.bytes))).toBe(
      new TextDecoder().decode(plain.bytes),
    );
    const { headers } = packed.answer;
    expect(headers.get("Content-Type")).toBe(plain.answer.headers.get("Content-Type"));
    expect(headers.get("Content-Security-Policy")).toBe(
      plain.answer.headers.get("Content-Security-Policy"),
    );
    expect(headers.get("X-Frame-Options")).toBe("DENY");
    expect(headers.get("Vary")).toBe("Accept-Encoding");
  });

  test("what is small, what is a stream, and the control socket stay as they are", async () => {
    expect((await ask("/healthz", gzip)).coding).toBeNull();
    const events = await ask("/events", gzip);
    expect(events.coding).toBeNull();
    await events.answer.body?.cancel();
    expect((await ask("/status", gzip, "control")).coding).toBeNull();
  });

  test("refusals keep their status", async () => {
    const { answer, bytes } = await ask("/status", { ...gzip, Host: "evil.example" });
    expect(answer.status).toBe(403);
    expect(new TextDecoder().decode(bytes)).toContain("STATUS_HOST");
    const none = await ask("/nowhere", gzip);
    expect(none.answer.status).toBe(404);
  });
});
