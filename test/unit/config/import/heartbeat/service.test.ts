import { describe, expect, test } from "bun:test";

import { ldirectordConfigs } from "../../../../../src/config/import/heartbeat/index.ts";
import { parseConfig } from "../../../../../src/config/index.ts";
import { told, translate } from "./fixture.ts";

const haresources = "lb1 192.0.2.100/24/eth0 ldirectord::a.cf ldirectord::b.cf ldirectord::a.cf\n";
const virtual = (address: string): string => `virtual=${address}:80\n\treal=192.0.2.11:80 masq\n`;

/** Texts by the name in haresources. */
function withFiles(files: Readonly<Record<string, string>>) {
  const readLdirectordFile = (name: string) => {
    const text = files[name];
    return text === undefined ? undefined : { file: `/etc/ha.d/${name}`, text };
  };
  return translate({ haresources }, { readLdirectordFile });
}

test("ldirectordConfigs() names each file once", () => {
  expect(ldirectordConfigs({ file: "r", text: haresources })).toEqual(["a.cf", "b.cf"]);
  expect(ldirectordConfigs({ file: "r", text: "lb1 ldirectord\n" })).toEqual(["ldirectord.cf"]);
  expect(ldirectordConfigs(undefined)).toEqual([]);
});

describe("translateServices()", () => {
  test("adds the services of all files to one that validates", () => {
    const result = withFiles({ "a.cf": virtual("192.0.2.100"), "b.cf": virtual("192.0.2.101") });
    const { config } = parseConfig(result.toml, "native");
    expect(config.virtualServices.map(({ name }) => name)).toEqual([
      "tcp:192.0.2.100:80",
      "tcp:192.0.2.101:80",
    ]);
    expect(config.virtualRouters).toHaveLength(1);
  });

  test("tables that a file has once are those of the first", () => {
    const mail = "emailalert=a@example.com\nautoreload=yes\n";
    const result = withFiles({
      "a.cf": mail + virtual("192.0.2.100"),
      "b.cf": mail + virtual("192.0.2.101"),
    });
    expect(result.toml.match(/^\[director\]$/gm)).toHaveLength(1);
    expect(result.toml.match(/^\[mail\]$/gm)).toHaveLength(1);
    expect(parseConfig(result.toml, "native").config.director.autoreload).toBe(true);
    expect(told(result)).toContain(
      'haresources:1: [director] and [mail] of "b.cf" are left out: ' +
        "those of the first file hold for all of them",
    );
  });

  test("tells of a file that is not there", () => {
    const result = withFiles({ "a.cf": virtual("192.0.2.100") });
    expect(told(result)).toContain(
      'haresources:1: ldirectord with "b.cf" is left out: there is no such file; ' +
        "translate it by itself and add its services",
    );
  });

  test("what ldirectord refuses is a problem at its own line", () => {
    const { problems } = withFiles({ "a.cf": "foo=1\n", "b.cf": virtual("192.0.2.101") });
    expect(problems).toMatchObject([{ file: "/etc/ha.d/a.cf", line: 1 }]);
  });

  test("warnings of its importer have its file and line", () => {
    const result = withFiles({ "a.cf": `logfile="x"\n${virtual("192.0.2.100")}`, "b.cf": "" });
    expect(told(result).join("\n")).toContain("/etc/ha.d/a.cf:1: logfile: ");
  });
});
