import { describe, expect, test } from "bun:test";

import { parseLdirectord } from "../../../../../src/config/import/index.ts";
import { read } from "./fixture.ts";

describe("parseLdirectord()", () => {
  test("a comment does not end a virtual service, an empty line does", () => {
    const text = "virtual=192.0.2.1:80\n# note\n\treal=192.0.2.11:80 masq\n";
    expect(read(text).config.virtuals[0]!.reals).toHaveLength(1);
    const cut = read("virtual=192.0.2.1:80\n\n\treal=192.0.2.11:80 masq\n");
    expect(cut.problems).toHaveLength(1);
    expect(cut.problems[0]).toContain("the empty line 2 ended the virtual service");
  });

  test.each(["", "\t", "    ", "      ", "\r"])("a line of %j is an empty line", (line) => {
    const { config, problems } = read(`virtual=192.0.2.1:80\n${line}\nquiescent=yes\n`);
    expect([problems, config.globals.quiescent]).toEqual([[], true]);
  });

  test("a byte-order mark, CR LF and blanks at the end do no harm", () => {
    const text = "\uFEFFquiescent=yes \r\nvirtual=192.0.2.1:80\r\n\tvirtualhost=a.example \r\n";
    const { config, problems } = read(text);
    expect(problems).toEqual([]);
    expect(config.virtuals[0]!.virtualhost).toBe("a.example");
  });

  test("three blanks are not enough", () => {
    const { problems } = read("virtual=192.0.2.1:80\n   real=192.0.2.11:80 masq\n");
    expect(problems[0]).toContain("a.cf:2: ");
  });

  test("a line in the first column ends a virtual service", () => {
    const { config } = read("virtual=192.0.2.1:80\nquiescent=yes\nvirtual=192.0.2.2:80\n");
    expect(config.globals.quiescent).toBe(true);
    expect(config.virtuals[0]!.quiescent).toBeUndefined();
    expect(config.virtuals).toHaveLength(2);
  });

  test("every problem is told, in the order of the lines", () => {
    const { problems } = read("a=1\nvirtual=x\n\treal=1\n\tservice=2\n");
    expect(problems.map((text) => text.split(":")[1])).toEqual(["1", "2", "3", "4"]);
  });

  test("problems beyond the bound are counted", () => {
    const { problems, omitted } = parseLdirectord("x\n".repeat(1000), "a.cf");
    expect([problems.length, omitted]).toEqual([200, 800]);
  });
});
