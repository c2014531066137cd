import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { findHost } from "../../../src/daemon/hosts-file.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);

const hosts = `# comment
127.0.0.1\tlocalhost
::1 localhost ip6-localhost # the same
192.0.2.1   web1.example  Web1
#192.0.2.9 web1
192.0.2.2 web1
300.0.0.1 broken
fe80::1%lo0 zoned
`;

test.each([
  ["localhost", ["127.0.0.1", "::1"]],
  ["WEB1", ["192.0.2.1", "192.0.2.2"]],
  ["web1.example", ["192.0.2.1"]],
  ["example", []],
  ["broken", []],
  ["zoned", []],
  ["comment", []],
  ["192.0.2.1", []],
  ["", []],
])("findHost() finds %p", (name, expected) => {
  expect(findHost(hosts, name)).toEqual(expected);
});

test("findHost() never throws", () => {
  const property = fc.property(fc.string(), fc.string(), (text, name) => {
    findHost(text, name);
  });
  fc.assert(property, { seed, numRuns });
});
