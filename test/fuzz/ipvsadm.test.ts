/**
 * Properties of the command line of ipvsadm: whatever is typed ends with exit status 0 or 2, and
 * says something when it fails.
 *
 * @module
 */

import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { changeOptions } from "../../src/cli/ipvsadm-change.ts";
import { countForeignServices } from "../../src/cli/ipvsadm-kernel.ts";
import { createIpvsadm } from "../../src/cli/ipvsadm.ts";
import { listOptions } from "../../src/cli/list-request.ts";
import { runInContext } from "../helpers/cli-fixture.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

const ipvsadm = createIpvsadm({
  kernelTable: () => undefined,
  names: {
    hostOf: async () => undefined,
    addressOf: async () => undefined,
    services: () => "http 80/tcp\n",
  },
});

const options = [...listOptions, ...changeOptions].flatMap((option) => [
  `--${option.name}`,
  ...("short" in option ? [`-${option.short}`] : []),
]);
const argument = fc.oneof(
  fc.constantFrom(...options, "-Ln", "-lnc", "-L", "--", "-", "-h", "-v"),
  fc.constantFrom("192.0.2.1:80", "[2001:db8::1]:http", "www:http", "1", "0", "-1"),
  fc.string({ maxLength: 12 }),
);

test("any command line ends with exit status 0 or 2, and 2 with a reason", async () => {
  const property = fc.asyncProperty(fc.array(argument, { maxLength: 8 }), async (args) => {
    const { status, stdout, stderr } = await runInContext("/nonexistent", (context) =>
      ipvsadm.run(args, context),
    );
    expect([0, 2]).toContain(status);
    if (status === 2) expect(stdout).toBe("");
    if (status === 2) expect(stderr).toStartWith("ipvsadm: ");
  });
  await fc.assert(property, { seed, numRuns });
});

test("countForeignServices never throws, and counts no more than there are lines", () => {
  const word = fc.constantFrom(
    "TCP ",
    "UDP ",
    "FWM ",
    " ",
    "C0A806F0",
    ":0050",
    " rr",
    "\n",
    "[2001:",
  );
  const text = fc.array(fc.oneof(word, fc.string({ maxLength: 8 })), { maxLength: 40 });
  const property = fc.property(text, (parts) => {
    const table = parts.join("");
    const count = countForeignServices(table, []);
    expect(count).toBeLessThanOrEqual(table.split("\n").length);
  });
  fc.assert(property, { seed, numRuns });
});
