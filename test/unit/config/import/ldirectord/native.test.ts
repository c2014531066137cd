import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../../../src/config/index.ts";
import { service, translate } from "./fixture.ts";

describe("toNative()", () => {
  test("a file of what this build can do validates without a warning and means the same", () => {
    const text =
      "checkinterval=2\nchecktimeout=3\nfailurecount=2\nquiescent=yes\n" +
      "virtual=192.0.2.1:80\n\treal=192.0.2.11->192.0.2.12:8080 masq 3\n" +
      '\tfallback=127.0.0.1:81\n\tscheduler=wrr\n\trequest="alive.html"\n\treceive="ok"\n' +
      "\tvirtualhost=www.example.com\n\tpersistent=600\n\tnetmask=255.255.255.0\n";
    const { toml, warnings } = translate(text);
    expect(warnings).toEqual([]);
    expect(parseConfig(toml, "a.toml").config.virtualServices).toMatchObject([
      {
        name: "tcp:192.0.2.1:80",
        protocol: "tcp",
        listen: [{ address: "192.0.2.1", portFirst: 80, portLast: 80 }],
        forwarding: "masq",
        scheduler: "wrr",
        persistence: { timeoutMs: 600_000, ipv4PrefixBits: 24 },
        quiescent: true,
        fallback: { host: "127.0.0.1", port: 81 },
        realServers: [
          { host: "192.0.2.11", port: 8080, weight: 3 },
          { host: "192.0.2.12", port: 8080, weight: 3 },
        ],
      },
    ]);
    expect(service('request="alive.html"').service.realServers[0]!.check).toMatchObject({
      type: "negotiate",
      service: "http",
      http: { request: "/alive.html", redirectsMax: 7, verify: false, statuses: [[200, 299]] },
      intervalMs: 10_000,
      timeoutMs: 30_000,
      fall: 1,
    });
  });

  test("names of people stand as remarks above the service", () => {
    const { toml } = translate(
      "virtual=192.0.2.1:80\n\tservicename=Web Site\n\tcomment=main\n\treal=192.0.2.2:80 masq\n",
    );
    expect(toml).toStartWith("# Web Site\n# main\n[[virtual_service]]\n");
  });

  test.each([
    'logfile="local0"',
    "execute=other",
    "readdquiescent=yes",
    "cleanstop=no",
    'callback="bin/x"',
    'emailalert="a@"',
    "smtp=mail host",
    "maintenancedir=m",
    "emailalertfrom=<a",
  ])("the global %j has a warning", (line) => {
    const { warnings } = service("checktype=on", "virtual=192.0.2.1:80", `${line}\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`a.cf:1: ${line.split("=")[0]}: `);
  });

  test("what the native reader refuses is written, with one warning for each kind", () => {
    const one = "\treal=192.0.2.9:80 masq\n\tscheduler=xyz\n\n";
    const { toml, warnings } = translate(
      `virtual=192.0.2.1:80\n${one}virtual=192.0.2.2:80\n${one}`,
    );
    expect(toml).toContain('scheduler = "xyz"');
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith("a.cf:1: scheduler: validate of this build refuses it: ");
    expect(warnings[0]).toEndWith("; and 1 more like this");
  });
});
