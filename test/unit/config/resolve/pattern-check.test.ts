import { expect, test } from "bun:test";

import { createPatternCheck } from "../../../../src/config/resolve/pattern-check.ts";

test("createPatternCheck() answers alike when asked again", () => {
  const patternFault = createPatternCheck();
  for (let time = 0; time < 2; time++) {
    expect(patternFault("ok")).toBeUndefined();
    expect(patternFault("(")).toBe("missing closing ): `(`");
  }
});

test("a director without patterns does not load the engine for them", () => {
  const script = `
    const { parseConfig } = require("${import.meta.dir}/../../../../src/config/index.ts");
    const text = '[[virtual_service]]\\nname = "a"\\nlisten = "192.0.2.1:1"\\nreal_servers = [{ address = "a" }]\\n';
    const loaded = () => Object.keys(require.cache).filter((file) => /re2js|toml-eslint/.test(file)).length;
    parseConfig(text, "a");
    const before = loaded();
    parseConfig(text + 'quorum = 5\\ncheck = { type = 5, service = "http", receive = "x" }\\n', "a");
    console.log(before, loaded() > 1);`;
  const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { stderr: "inherit" });
  expect(stdout.toString()).toBe("0 true\n");
});
