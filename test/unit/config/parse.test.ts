import { describe, expect, test } from "bun:test";

import { parseDocument } from "../../../src/config/document.ts";
import { ConfigError } from "../../../src/config/index.ts";
import { parseConfig, validate } from "../../../src/config/parse.ts";
import { createReport } from "../../../src/config/report.ts";
import { problemsOf, serviceText } from "./fixture.ts";

describe("parseConfig()", () => {
  test("names the file it was given", () => {
    const { files, warnings, config } = parseConfig(serviceText(), "/etc/a.toml");
    expect(files).toEqual(["/etc/a.toml"]);
    expect(warnings).toEqual([]);
    expect(config.virtualServices).toHaveLength(1);
  });

  test("has problems with line and column", () => {
    const error = (() => {
      try {
        return parseConfig(`${serviceText()}\n  quorum = 0`, "a.toml");
      } catch (caught) {
        return caught;
      }
    })();
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems).toEqual([
      {
        file: "a.toml",
        line: 7,
        column: 3,
        path: "virtual_service[0].quorum",
        expected: "a sum of weights 1..4294967295",
        found: "0",
        message: "Expected a sum of weights 1..4294967295",
      },
    ]);
  });

  test("does not follow include, but checks its shape", () => {
    expect(problemsOf(`include = ["no/such/file.toml"]\n${serviceText()}`)).toEqual([]);
  });

  test("takes 5,000 services, and tells a fault in the last with its line", () => {
    const texts = Array.from({ length: 5000 }, (_, index) =>
      serviceText("", `s${index}`, `10.0.${index >> 8}.${index & 255}:80`),
    );
    expect(parseConfig(texts.join(""), "a.toml").config.virtualServices).toHaveLength(5000);
    const last = texts[4999]!.replace("10.0.19.135", "10.0.0.0");
    expect(problemsOf([...texts.slice(0, 4999), last].join(""))).toEqual([
      "a.toml:24998: virtual_service[4999].listen: Expected an address and port that nobody else " +
        'listens on (taken by service "s0" at a.toml:3), got "10.0.0.0:80"',
    ]);
  });
});

test("validate() checks several documents as one", () => {
  const documents = [
    parseDocument("[proxy]\nworkers = 3\n", "a.toml"),
    parseDocument(serviceText(), "b.toml"),
  ];
  const { config, files } = validate(documents, { cores: 1 }, createReport());
  expect(config.proxy.workers).toBe(3);
  expect(files).toEqual(["a.toml", "b.toml"]);
});
