import { describe, expect, test } from "bun:test";

import { readLdirectord } from "../../../../../src/config/import/ldirectord/document.ts";
import { parseLdirectord, toNative } from "../../../../../src/config/import/ldirectord/index.ts";
import { ConfigError, formatProblem, formatWarning } from "../../../../../src/config/index.ts";
import { parseConfig, validate } from "../../../../../src/config/parse.ts";
import { createReport } from "../../../../../src/config/report.ts";

function load(text: string, routers: readonly string[] = []) {
  const { document, run, ...findings } = readLdirectord({ text, file: "a.cf", routers }, {});
  const report = createReport();
  report.foreign(findings);
  return { run, loaded: () => validate([document], { cores: 1 }, report) };
}

function problemsOf(text: string): readonly string[] {
  try {
    load(text).loaded();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(formatProblem);
    throw error;
  }
}

describe("readLdirectord()", () => {
  test("gives the configuration that importing the file would give", () => {
    const text =
      "checktimeout=3\ncheckinterval=5\nautoreload=yes\nquiescent=yes\n" +
      'virtual=192.0.2.1:80\n\treal=192.0.2.11->192.0.2.13:80 masq 5 "a.html", "ok"\n' +
      "\tfallback=127.0.0.1:80 gate\n\tpersistent=600\n\tservice=http\n\n" +
      "virtual6=[2001:db8::1]:53\n\treal6=[2001:db8::2]:53 masq\n\tprotocol=udp\n\tchecktype=ping\n";
    const { config } = parseLdirectord(text, "a.cf");
    expect(load(text).loaded().config).toEqual(parseConfig(toNative(config).toml, "a").config);
  });

  test.each([
    ["virtual=192.0.2.1:80\n\n\n\nbogus=1\n", ["a.cf:5: "]],
    ["checkinterval=x\nvirtual=192.0.2.1:80\n\treal=bad\n", ["a.cf:1: ", "a.cf:3: "]],
    ["checkinterval=1\n", ["a.cf: Expected at least one virtual = ADDRESS:PORT, got none"]],
    ["virtual=192.0.2.1:80\n\tscheduler=wlc\n\treal=192.0.2.2:80 gate\n", []],
    ["virtual=7\n\treal=192.0.2.2 masq\n", []],
    [
      "virtual=7\n\treal=192.0.2.2:80 masq\nvirtual=7\n\treal=192.0.2.2:80 masq\n",
      ["a.cf:3: virtual: "],
    ],
    ["virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n\tscheduler=xyz\n", ["a.cf:3: scheduler: "]],
    ['virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n\treceive="(?=x)"\n', ["a.cf:3: receive: "]],
    [
      "checkinterval=999999\nvirtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n",
      ["a.cf:1: checkinterval: "],
    ],
    [
      "virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n\treal=192.0.2.2:80 masq\n" +
        "\treal=192.0.2.3:80 masq 70000\n",
      ["a.cf:4: real"],
    ],
  ])("names file and line of what is wrong with %j", (text, expected) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(expected.length);
    for (const [index, start] of expected.entries()) expect(problems[index]).toStartWith(start);
  });

  test("warns with the directive's line, once for all services", () => {
    const service = (port: number): string =>
      `virtual=192.0.2.1:${port}\n\treal=192.0.2.2:80 masq\n\tops=yes\n`;
    const { warnings } = load(service(80) + service(81) + service(82)).loaded();
    expect(warnings.map(formatWarning)).toContain(
      "a.cf:3: ops: ops works with protocol=udp only; and 2 more like this",
    );
  });

  test.each([
    ["checktimeout=20\n", "a.cf:1: checktimeout: A timeout"],
    ["\n\nnegotiatetimeout=20\n", "a.cf:3: negotiatetimeout: A timeout"],
  ])("names the timeout that is written: %j", (lines, expected) => {
    const text = `${lines}virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n\tservice=http\n`;
    const { warnings } = load(text).loaded();
    expect(warnings.map(formatWarning).filter((one) => one.startsWith(expected))).toHaveLength(1);
  });

  test("knows what only a director that runs from the file needs", () => {
    expect(load("virtual=1.2.3.4:80\n").run).toEqual({
      file: "a.cf",
      logfile: "/var/log/ldirectord.log",
      supervised: false,
      cleanstop: true,
      execute: [],
      routers: [],
    });
    const text = 'logfile="local0"\nsupervised\ncleanstop=no\nexecute=b\nexecute=c\n';
    const { run, loaded } = load(`${text}virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n`);
    expect(run).toEqual({
      file: "a.cf",
      logfile: "local0",
      supervised: true,
      cleanstop: false,
      execute: ["b", "c"],
      routers: [],
    });
    expect(loaded().warnings.map(({ path }) => path)).not.toContain("logfile");
  });

  test("services of a resource belong to its virtual routers", () => {
    const text = "virtual=192.0.2.1:80\n\treal=192.0.2.2:80 masq\n";
    expect(load(text, ["lb1"]).run.routers).toEqual(["lb1"]);
    const named = { text, file: "a.cf", routers: ["lb1", "lb2"] };
    const { document } = readLdirectord(named, {});
    expect(document.table?.["virtual_service"]).toMatchObject([{ vrrp: ["lb1", "lb2"] }]);
    const { config } = parseLdirectord(text, "a.cf");
    expect(toNative(config, ["lb1"]).toml).toMatch(/^name = .*\nvrrp = "lb1"$/m);
    expect(toNative(config).toml).not.toContain("vrrp");
  });
});
