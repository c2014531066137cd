/**
 * Files of authorities.
 *
 * @module
 */
import { expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createTrustStore } from "../../../src/check/tls-trust.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("trust reads a file, and reads it anew when it has changed", () => {
  using folder = createTempFolder();
  const path = join(folder.path, "ca.pem");
  writeFileSync(path, "first");
  const store = createTrustStore();
  expect(store.trust(path)).toEqual({ ok: true, pem: "first" });
  writeFileSync(path, "second one");
  expect(store.trust(path)).toEqual({ ok: true, pem: "second one" });
});

test("trust says why a file cannot be read", () => {
  expect(createTrustStore().trust("/nonexistent/ca.pem")).toEqual({
    ok: false,
    message: expect.stringMatching(/^Cannot read \/nonexistent\/ca\.pem: ENOENT/),
  });
});

test("trust refuses a file longer than 4 MiB", () => {
  using folder = createTempFolder();
  const path = join(folder.path, "ca.pem");
  writeFileSync(path, "");
  truncateSync(path, 4 * 1024 * 1024 + 1);
  expect(createTrustStore().trust(path)).toEqual({
    ok: false,
    message: `Cannot read ${path}: ${path} is longer than 4194304 bytes`,
  });
});

test("trust without a file gives the system's authorities, or leaves it to the runtime", () => {
  const trust = createTrustStore().trust(undefined);
  expect(trust.ok).toBe(true);
  if (trust.ok && trust.pem !== undefined) expect(trust.pem).toContain("BEGIN CERTIFICATE");
});
