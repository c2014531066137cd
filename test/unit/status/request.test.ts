import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import { bodyBytesMax, parseBody } from "../../../src/status/request.ts";

const schema = v.strictObject({ text: v.string() });

function post(
  body: string | ReadableStream<Uint8Array> | undefined,
  type: string | undefined = "application/json",
) {
  return new Request("http://localhost/", {
    method: "POST",
    ...(body === undefined ? {} : { body }),
    headers: type === undefined ? {} : { "Content-Type": type },
  });
}

describe("parseBody", () => {
  test("puts characters together that arrive in pieces", async () => {
    const bytes = new TextEncoder().encode('{"text":"é"}');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect(await parseBody(post(body), schema)).toEqual({ text: "é" });
  });

  test("takes exactly 64 KiB", async () => {
    const frame = JSON.stringify({ text: "" }).length;
    const body = JSON.stringify({ text: "x".repeat(bodyBytesMax - frame) });
    expect((await parseBody(post(body), schema)).text.length).toBe(bodyBytesMax - frame);
    await expect(parseBody(post(` ${body}`), schema)).rejects.toMatchObject({
      code: "STATUS_BODY_TOO_LONG",
    });
  });

  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON"])(
    "takes %s",
    async (type) => {
      expect(await parseBody(post('{"text":"a"}', type), schema)).toEqual({ text: "a" });
    },
  );

  test("takes nothing as an empty object, whatever its type", async () => {
    const optional = v.strictObject({ text: v.optional(v.string()) });
    expect(await parseBody(post(undefined, "text/plain"), optional)).toEqual({});
  });

  test("names every fault", async () => {
    await expect(parseBody(post('{"text":1,"more":2}'), schema)).rejects.toMatchObject({
      code: "STATUS_BODY",
      message:
        'Cannot use the body: text: expected string, got 1; more: expected no such key, got "more"',
    });
  });
});
