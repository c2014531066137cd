import { expect, test } from "bun:test";

import { Hono } from "hono";

import { sendError } from "../../../src/status/http-error.ts";
import { securityHeaders } from "../../../src/status/security.ts";

const app = new Hono();
app.use(securityHeaders());
app.get("/data", (context) => context.json({}));
app.get("/page", (context) => {
  context.header("Content-Security-Policy", "default-src 'self'");
  return context.html("");
});
app.get("/error", (context) => {
  const error = Object.assign(new Error("No"), { code: "STATUS_X", secret: "hidden" });
  return sendError(context, 418, error);
});

test("securityHeaders denies everything to data, and keeps the policy of a page", async () => {
  const data = await app.request("/data");
  expect(Object.fromEntries(data.headers)).toEqual({
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "content-type": "application/json",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  });
  const page = await app.request("/page");
  expect(page.headers.get("Content-Security-Policy")).toBe("default-src 'self'");
  expect((await app.request("/nowhere")).headers.get("X-Frame-Options")).toBe("DENY");
});

test("sendError tells code and message, and nothing else of the error", async () => {
  const response = await app.request("/error");
  expect([response.status, await response.json()]).toEqual([
    418,
    { code: "STATUS_X", message: "No" },
  ]);
});
