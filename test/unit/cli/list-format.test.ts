import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  formatConnections,
  formatLargeNumber,
  formatRules,
  formatServices,
  formatTimeouts,
} from "../../../src/cli/list-format.ts";
import type { ListFormatOptions } from "../../../src/cli/list-format.ts";
import { numericNames } from "../../../src/cli/list-name.ts";
import { sampleConnections, sampleServices } from "../../helpers/list-sample.ts";

function golden(name: string): string {
  return readFileSync(join(import.meta.dir, `../../golden/list/${name}.txt`), "utf8");
}

const options: ListFormatOptions = {
  mode: "standard",
  nameOf: numericNames,
  isExact: false,
  hasHeader: true,
};

describe("formatServices, byte for byte", () => {
  test.each([
    ["standard", {}],
    ["stats", { mode: "stats" }],
    ["stats-exact", { mode: "stats", isExact: true }],
    ["rate", { mode: "rate" }],
    ["thresholds", { mode: "thresholds" }],
    ["persistent-conn", { mode: "persistent-conn" }],
  ] as [string, Partial<ListFormatOptions>][])("%s", (name, changes) => {
    expect(formatServices(sampleServices, { ...options, ...changes })).toBe(golden(name));
  });

  test("one service", () => {
    const services = sampleServices.slice(0, 1);
    expect(formatServices(services, { ...options, hasHeader: false })).toBe(golden("one-service"));
  });

  test("an empty table is its titles", () => {
    expect(formatServices([], options)).toBe(
      golden("standard").split("\n").slice(0, 3).join("\n") + "\n",
    );
  });
});

describe("formatServices, names", () => {
  const nameOf = (): string => "a-name-that-is-longer-than-any-column-is:service";
  const first = (index: number): string[] => {
    const text = formatServices([sampleServices[index]!], { ...options, nameOf });
    return text.split("\n").slice(3, 5);
  };

  test("are cut with IPv4: 33 columns of the service, 28 of the server", () => {
    expect(first(0)).toEqual([
      "TCP  a-name-that-is-longer-than-a rr",
      "  -> a-name-that-is-longer-than-a Route   10     3          12        ",
    ]);
  });

  test("are not cut with IPv6", () => {
    expect(first(5)).toEqual([
      "TCP  a-name-that-is-longer-than-any-column-is:service wlc persistent 360 mask 64",
      "  -> a-name-that-is-longer-than-any-column-is:service Route   10     3          12        ",
    ]);
  });

  test("a range of ports is shown as one", () => {
    const service = { ...sampleServices[0]!, portLast: 89, servers: [] };
    expect(formatServices([service], options)).toContain("TCP  192.168.6.240:80-89 rr\n");
    expect(formatRules([service], numericNames)).toBe("-A -t 192.168.6.240:80-89 -s rr\n");
  });
});

describe("formatLargeNumber", () => {
  test.each([
    [0, "       0"],
    [12.9, "      12"],
    [99_999_999, "99999999"],
    [100_000_000, " 100000K"],
    [999_999_999, " 999999K"],
    [1_000_000_000, "   1000M"],
    [99_999_999_999, "  99999M"],
    [100_000_000_000, "    100G"],
    [99_999_999_999_999, "  99999G"],
    [100_000_000_000_000, "    100T"],
  ])("%d", (value, expected) => expect(formatLargeNumber(value, false)).toBe(expected));

  test("is exact when asked", () => {
    expect(formatLargeNumber(100_000_000_000_000, true)).toBe("100000000000000");
  });
});

test("formatRules, byte for byte", () => {
  expect(formatRules(sampleServices, numericNames)).toBe(golden("save"));
});

test("formatConnections, byte for byte", () => {
  expect(formatConnections(sampleConnections, numericNames)).toBe(golden("connections"));
});

test("formatTimeouts, byte for byte", () => {
  expect(formatTimeouts(900, 120, 300)).toBe(golden("timeout"));
});
