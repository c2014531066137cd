import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createEngineRecord, parseEngines } from "../../../src/daemon/engine-record.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("createEngineRecord() loads what another one has saved, and leaves nothing else", () => {
  using folder = createTempFolder();
  const state = join(folder.path, "state");
  expect([...createEngineRecord(state).load()]).toEqual([]);
  const engines = new Map([
    ["web", "bpf"],
    ["mail", "ipvs"],
  ]);
  expect(createEngineRecord(state).save(engines)).toBeUndefined();
  expect(createEngineRecord(state).load()).toEqual(engines);
  expect(readdirSync(state)).toEqual(["engines.json"]);
});

test("createEngineRecord() says why it cannot save", () => {
  using folder = createTempFolder();
  const file = join(folder.path, "file");
  writeFileSync(file, "");
  expect(createEngineRecord(join(file, "state")).save(new Map())).toContain("ENOTDIR");
});

test.each([
  ['{"web":"bpf"}', { web: "bpf" }],
  ['{"web":"bpf","odd":7,"none":null}', { web: "bpf" }],
  ['["bpf"]', {}],
  ["null", {}],
  ['"bpf"', {}],
  ['{"web":"b', {}],
  ["", {}],
])("parseEngines(%p)", (text, expected) => {
  expect(Object.fromEntries(parseEngines(text))).toEqual(expected);
});
