import { describe, expect, test } from "bun:test";

import { parseArguments } from "../../../src/cli/arguments.ts";
import { changeOptions, explainChange } from "../../../src/cli/ipvsadm-change.ts";

const service = ["tcp-service", "t"] as const;
const spec = {
  options: [...changeOptions, { name: service[0], short: service[1], takesValue: true }],
  operandsMax: 4,
};

function explain(line: string): string | undefined {
  return explainChange(parseArguments(line.split(" ").filter(Boolean), spec));
}

/** The commands to type, which come after a tab. */
function commandsOf(text: string | undefined): readonly string[] {
  return text?.match(/^\t.*$/gm)?.map((line) => line.slice(1)) ?? [];
}

describe("explainChange names what to type instead", () => {
  test.each([
    ["-A -t 192.0.2.1:80 -s rr -p 600", ["appliance reload"]],
    ["-E -t 192.0.2.1:80 -s wlc", ["appliance reload"]],
    ["-D -t 192.0.2.1:80", ["appliance reload"]],
    ["-C", ["systemctl stop appliance"]],
    ["-R", ["appliance reload"]],
    [
      "-a -t 192.0.2.1:80 -r 192.0.2.11:80 -m -w 2",
      ["appliance enable 192.0.2.11:80", "appliance reload"],
    ],
    ["-e -t 192.0.2.1:80 -r 192.0.2.11:80 -w 3", ["appliance weight 192.0.2.11:80 3"]],
    ["-et 192.0.2.1:80 -r 192.0.2.11:80 -w 0", ["appliance drain 192.0.2.11:80"]],
    ["-e -t 192.0.2.1:80 -r [2001:db8::1]:80 -w 0", ["appliance drain [2001:db8::1]:80"]],
    ["-e -t 192.0.2.1:80", ["appliance weight ADDRESS:PORT WEIGHT"]],
    [
      "-d -t 192.0.2.1:80 -r 192.0.2.11:80",
      ["appliance disable 192.0.2.11:80", "appliance drain 192.0.2.11:80 --wait"],
    ],
    ["--zero", ["appliance list --rate"]],
    ["--set 900 120 300", ["appliance reload"]],
    ["--start-daemon master --mcast-interface eth0 --syncid 7", []],
    ["--stop-daemon backup", []],
  ])("ipvsadm %s", (line, commands) => {
    const text = explain(line);
    expect(text).toStartWith("Cannot change the table with -");
    expect(text).toEndWith("\n");
    expect(commandsOf(text)).toEqual(commands);
  });

  test("what would need quotes is left to fill in", () => {
    const given = parseArguments(["-d", "-r", "$(reboot)"], spec);
    expect(commandsOf(explainChange(given))[0]).toBe("appliance disable ADDRESS:PORT");
  });

  test.each(["", "-t 192.0.2.1:80", "-w 3"])("%p changes nothing", (line) => {
    expect(explain(line)).toBeUndefined();
  });
});
