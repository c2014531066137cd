import { describe, expect, test } from "bun:test";

import { detectKind, importFile } from "../../../../src/config/import/index.ts";

describe("detectKind()", () => {
  test.each([
    ["virtual=1\n", "/etc/ha.d/ldirectord.cf", "ldirectord"],
    ["virtual=1\n", "old", "ldirectord"],
    ["vrrp_instance A {\n}\n", "old", "keepalived"],
    ["", "/etc/keepalived/keepalived.conf", "keepalived"],
    ["vrrp_instance A {\n}\n", "mine.cf", "ldirectord"],
  ] as const)("%j in %s is of %s", (text, path, kind) => {
    expect(detectKind(text, path)).toBe(kind);
  });
});

describe("importFile()", () => {
  test("gives native text", () => {
    const result = importFile("virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n", "a.cf");
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && result.toml).toContain('name = "tcp:192.0.2.1:80"');
  });

  test("gives every problem of a file that is refused", () => {
    const result = importFile("virtual=x\nfoo=1\n", "a.cf");
    expect(result.ok ? [] : result.problems.map(({ line }) => line)).toEqual([1, 2]);
  });
});
