import { describe, expect, test } from "bun:test";

import { service, translate } from "./fixture.ts";

describe("nativeTableOf()", () => {
  test("what is told to others stands in the service", () => {
    const { fallbackCommand, monitorFile, mail } = service(
      "fallbackcommand=/bin/sorry\nmonitorfile=/var/log/m\nemailalert=root",
    ).service;
    expect([fallbackCommand, monitorFile, mail?.to]).toEqual([
      ["/bin/sorry"],
      "/var/log/m",
      ["root"],
    ]);
  });

  test("a netmask without persistent has no effect", () => {
    expect(service("netmask=255.255.255.0").service.persistence).toBeUndefined();
  });

  test("ops is one_packet, of UDP", () => {
    expect(service("protocol=udp\nops=yes\nchecktype=on").service.onePacket).toBe(true);
    expect(service("ops=yes\nchecktype=on").warnings).toEqual([
      "a.cf:3: ops: ops works with protocol=udp only",
    ]);
  });

  test.each([
    ["scheduler=sh\nschedflags=sh-port", ["sh-port"]],
    ["scheduler=mh\nschedflags=mh-port,mh-fallback", ["mh-fallback", "mh-port"]],
    ["scheduler=mh\nschedflags=flag-1", ["mh-fallback"]],
  ] as const)("%j has flags of the scheduler", (members, flags) => {
    const { service: made, warnings } = service(members);
    expect(made.schedulerFlags).toEqual([...flags]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ["schedflags=sh-port", 3, "schedflags"],
    ["scheduler=sh\nschedflags=mh-port,sh-port", 4, "schedflags"],
    ["monitorfile=m.log", 3, "monitorfile"],
    ['emailalert="a@"', 3, "emailalert"],
    ["cleanstop=no", 3, "cleanstop"],
    ["real=192.0.2.12:80 gate", 3, "real"],
    ["real=192.0.2.11:80 masq", 3, "real"],
    ["real=192.0.2.12:80 masq l:5", 3, "real"],
    ["fallback=192.0.2.9:80 gate", 3, "fallback"],
    ["persistent=60\nnetmask=255.0.255.0", 4, "netmask"],
  ])("%j has a warning", (members, line, key) => {
    const { warnings } = service(members);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toStartWith(`a.cf:${line}: ${key}: `);
  });

  test("gate cannot change the port: the service's is written, the server's is checked", () => {
    const { toml, warnings } = translate(
      "virtual=192.0.2.1:80\n\treal=192.0.2.2:8080 gate\n\tfallback=192.0.2.3:81\n",
    );
    expect(toml).toContain('fallback = "192.0.2.3:80"');
    expect(toml).toContain('{ address = "192.0.2.2:80", check = { port = 8080 } }');
    expect(warnings.filter((text) => text.includes("cannot change the port"))).toHaveLength(2);
  });
});
