import { describe, expect, test } from "bun:test";

import { parse } from "smol-toml";

import { importKeepalived } from "../../../../../src/config/import/keepalived/import.ts";
import { parseConfig } from "../../../../../src/config/index.ts";

const service = `virtual_server 192.0.2.100 80 {
  delay_loop 6
  lb_kind NAT
  real_server 192.0.2.11 80 {
    TCP_CHECK {
      connect_timeout 3
    }
  }
}
`;

describe("importKeepalived()", () => {
  test("gives a file that means the same", () => {
    const { toml, warnings, problems } = importKeepalived(service, "a.conf");
    expect(toml).toBe(`[[virtual_service]]
name = "192.0.2.100:80"
listen = "192.0.2.100:80"
forwarding = "masq"
check = { type = "connect", interval = "6s", timeout = "3s", fall = 2, fast_interval = "1s" }
real_servers = [
  { address = "192.0.2.11:80" },
]
`);
    expect(problems).toEqual([]);
    expect(warnings).toEqual([]);
    expect(parseConfig(toml, "a.toml").config.virtualServices).toHaveLength(1);
  });

  test("means the same with CRLF and a byte order mark", () => {
    const { toml } = importKeepalived(service, "a.conf");
    expect(importKeepalived(`\uFEFF${service.replaceAll("\n", "\r\n")}`, "a.conf").toml).toBe(toml);
  });

  test("tells of an empty file", () => {
    const { toml, warnings, problems } = importKeepalived("# nothing\n", "a.conf");
    expect(toml).toBe("");
    expect(warnings).toEqual([]);
    expect(problems.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      "0: Expected at least one [[virtual_service]] with name, listen and real_servers, " +
        "got an empty file",
    ]);
  });

  test.each([
    ["bfd_instance x {\n}", '1: "bfd_instance" is left out: it is unknown or has no equal here'],
    ["virtual_server 192.0.2.1 80", "1: virtual_server is left out: it has no braces"],
    ["}", '1: A "}" without a "{" before it: it is left out'],
  ])("warns of %p", (text, expected) => {
    const told = importKeepalived(text, "a.conf").warnings;
    expect(told.map(({ line, message }) => `${line}: ${message}`)).toEqual([expected]);
  });

  test("takes direct routing as it is", () => {
    const { toml, warnings, problems } = importKeepalived(service.replace("NAT", "DR"), "a.conf");
    expect(toml).toContain('forwarding = "gate"');
    expect(problems).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test("tells what must be mended, at the line of the server", () => {
    const loop = service.replace("192.0.2.11", "192.0.2.100");
    const { problems } = importKeepalived(loop, "a.conf");
    expect(problems.map(({ line, message }) => `${line}: ${message}`)).toEqual([
      "4: real_servers[0].address: Expected another address than the service listens on, " +
        'or it would call itself, got "192.0.2.100:80"',
    ]);
  });

  test("names the included file in its warnings", () => {
    const { warnings } = importKeepalived(`${service}\ninclude b.conf`, "a.conf", () => [
      { file: "b.conf", text: "\n\nodd 1" },
    ]);
    expect(warnings).toContainEqual({
      file: "b.conf",
      line: 3,
      message: '"odd" is left out: it is unknown or has no equal here',
    });
  });

  test("takes a server twice, a service twice and an instance twice only once", () => {
    const server = "real_server 192.0.2.11 80 {\n}\n";
    const instance =
      "vrrp_instance A {\n virtual_router_id 1\n interface e\n" +
      " virtual_ipaddress {\n 192.0.2.1\n }\n}\n";
    const twice = service.replace("real_server", `${server}real_server`);
    const text = `${twice}${service}${instance}${instance}`;
    const { toml, warnings } = importKeepalived(text, "a.conf");
    const table = parse(toml) as Record<string, Record<string, unknown>[]>;
    expect(table["virtual_service"]).toHaveLength(1);
    expect(table["virtual_service"]?.[0]?.["real_servers"]).toHaveLength(1);
    expect(table["vrrp"]).toHaveLength(1);
    const told = warnings.map(({ line, message }) => `${line}: ${message}`);
    expect(told).toContain("6: real_server is left out: 192.0.2.11:80 is there already");
    expect(told).toContain(
      "12: virtual_server is left out: 192.0.2.100:80 is that of line 1 already",
    );
    expect(told).toContain('28: vrrp_instance is left out: there is one named "A" already');
  });

  test("bounds what it tells", () => {
    const { warnings } = importKeepalived("odd\n".repeat(5000), "a.conf");
    expect(warnings).toHaveLength(2001);
    expect(warnings.at(-1)).toEqual({ file: "a.conf", line: 0, message: "And 3000 more" });
  });
});
