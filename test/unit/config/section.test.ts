import { describe, expect, test } from "bun:test";

import { parseDocument } from "../../../src/config/document.ts";
import { ConfigError, formatProblem } from "../../../src/config/problem.ts";
import { createReport } from "../../../src/config/report.ts";
import { isSound, readSections } from "../../../src/config/section.ts";
import type { Sections } from "../../../src/config/section.ts";

function read(...texts: readonly string[]): { sections: Sections; problems: readonly string[] } {
  const documents = texts.map((text, index) => parseDocument(text, `${index}.toml`));
  const report = createReport();
  const sections = readSections(documents, report);
  try {
    report.finish(documents);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { sections, problems: error.problems.map(formatProblem) };
  }
  return { sections, problems: [] };
}

describe("readSections()", () => {
  test("collects the tables of all files", () => {
    const { sections, problems } = read(
      '[director]\nlog_level = "debug"\n[[virtual_service]]\nname = "a"\n',
      '[[virtual_service]]\nname = "b"\n[[virtual_service]]\nname = "c"\n[proxy]\nworkers = 2\n',
    );
    expect(problems).toEqual([]);
    expect(sections.director?.value.log_level).toBe("debug");
    expect(sections.proxy?.value.workers).toBe(2);
    expect(sections.status).toBeUndefined();
    expect(sections.services.map(({ value }) => value.name)).toEqual(["a", "b", "c"]);
    expect(sections.services[2]?.place.path).toEqual(["virtual_service", 1]);
    expect(sections.serviceCount).toBe(3);
  });

  test("refuses a table in two files", () => {
    expect(read("[director]\n", "\n[director]\n", "[peer]\n").problems[0]).toBe(
      "1.toml:2: director: Expected [director] in one file only (the first is at 0.toml:1), got a second one",
    );
  });

  test("leaves out a key with a fault, and knows which", () => {
    const { sections, problems } = read(
      '[director]\nlog_level = "loud"\nstop_timeout = "1s"\n' +
        '[[virtual_service]]\nname = 5\nscheduler = "rr"\nunknown = 1\n',
    );
    expect(problems).toHaveLength(3);
    expect(sections.director?.value).toEqual({ stop_timeout: 1000 });
    expect(isSound(sections.director!, "stop_timeout")).toBe(true);
    expect(isSound(sections.director!, "stop_timeout", "log_level")).toBe(false);
    expect(sections.services[0]?.value.scheduler).toBe("rr");
    expect([...sections.services[0]!.faulty]).toEqual(["name", "unknown"]);
  });

  test("leaves out a real server without an address, and keeps the others", () => {
    const { sections, problems } = read(
      '[[real_server_group]]\nname = "g"\n' +
        'real_servers = [{ weight = 1 }, { address = "a:1", weight = -1 }, 5, { address = "b:2" }]\n',
    );
    expect(problems).toHaveLength(3);
    const [group] = sections.groups;
    expect(group?.servers.map(({ value }) => value.address.host)).toEqual(["a", "b"]);
    expect(group?.servers[1]?.place.path).toEqual(["real_server_group", 0, "real_servers", 3]);
  });

  test("knows the names of groups that have a fault", () => {
    const { sections } = read(
      '[[real_server_group]]\nname = "g"\n[[real_server_group]]\nname = 1\n',
    );
    expect([...sections.groupNames]).toEqual(["g"]);
  });

  test.each([
    ["include = 5", 'include: Expected a list of files such as ["conf.d/*.toml"], got 5'],
    ["include = [5]", 'include: Expected a list of files such as ["conf.d/*.toml"], got a list'],
    ["vrrp = 5", "vrrp: Expected [[vrrp]] in double brackets, got 5"],
  ])("refuses %s", (text, problem) => {
    expect(read(text).problems).toEqual([`0.toml:1: ${problem}`]);
  });
});
