import { describe, expect, test } from "bun:test";

import { diffConfig } from "../../../src/config/diff.ts";
import { configOf, serviceText } from "./fixture.ts";

function diffOf(before: string, after: string): readonly string[] {
  return diffConfig(configOf(before), configOf(after)).map(({ text }) => text);
}

/** A service with these real servers, and other lines. */
function web(servers: string, lines = ""): string {
  return serviceText(`real_servers = [${servers}]\n${lines}`);
}

const a = '{ address = "192.0.2.11:80" }';
const b = '{ address = "192.0.2.12:80" }';

describe("diffConfig()", () => {
  test("finds nothing between equals, however they are written", () => {
    expect(
      diffOf(
        web(a, 'persistent = "10m"'),
        `[defaults]\nscheduler = "wlc"\n${web('{ address = "192.0.2.11" }', 'persistent = "600s"')}`,
      ),
    ).toEqual([]);
  });

  test("tells that a secret differs, and neither the old nor the new one", () => {
    const check = (password: string): string =>
      `check = { type = "negotiate", service = "pop", login = "x", password = "${password}" }`;
    const router = (password: string): string =>
      '[[vrrp]]\nname = "r"\ninterface = "eth0"\nvrid = 5\nversion = 2\n' +
      `addresses = ["192.0.2.100/24"]\nadvertise_interval = "1s"\nauth_pass = "${password}"\n`;
    const own = '{ address = "192.0.2.11:80", check = { timeout = "1s" } }';
    expect(diffOf(web(a, check("old1")) + router("old2"), web(a, check("new1")) + router("new2")))
      // In the order of all differences.
      .toEqual([
        'vrrp "r" auth_pass: ******** -> ********',
        'service "web": check.password: ******** -> ********',
      ]);
    const pieces = diffOf(web(a, check("old1")), web(`${own}, ${b}`, check("new1"))).join("\n");
    expect(pieces).toContain("check");
    expect(pieces).not.toMatch(/old1|new1/);
    expect(diffOf(web(a), web(a, check("new1"))).join("\n")).not.toContain("new1");
  });

  test("tells which keys of the director need a restart", () => {
    const before = `[director]\nlog_level = "info"\nscript_user = "a"\n[proxy]\nworkers = 1\n${web(a)}`;
    const after =
      '[director]\nlog_level = "debug"\nscript_user = "b"\n[proxy]\nworkers = 2\nexperimental_sockmap = true\n' +
      `[status]\nlisten = "127.0.0.1:1"\nread_token_file = "/etc/t"\n${web(a)}`;
    expect(diffConfig(configOf(before), configOf(after))).toEqual([
      {
        kind: "director",
        key: "script_user",
        text: 'director.script_user: "a" -> "b" (at the next start)',
        needsRestart: true,
      },
      {
        kind: "director",
        key: "log_level",
        text: 'director.log_level: "info" -> "debug"',
        needsRestart: false,
      },
      {
        kind: "proxy",
        key: "workers",
        text: "proxy.workers: 1 -> 2 (at the next start)",
        needsRestart: true,
      },
      {
        kind: "proxy",
        key: "experimental_sockmap",
        text: "proxy.experimental_sockmap: false -> true (at the next start)",
        needsRestart: true,
      },
      {
        kind: "status",
        key: "listen",
        text: 'status.listen: "127.0.0.1:9780" -> "127.0.0.1:1"',
        needsRestart: false,
      },
      {
        kind: "status",
        key: "read_token_file",
        text: 'status.read_token_file: none -> "/etc/t"',
        needsRestart: false,
      },
    ]);
  });

  test("tells removed services first, then changed, then added ones", () => {
    const before = serviceText("", "old") + serviceText("", "stays", "192.0.2.100:81");
    const after =
      serviceText("", "new", "192.0.2.100:82-83") +
      serviceText('scheduler = "rr"', "stays", "192.0.2.100:81");
    expect(diffConfig(configOf(before), configOf(after))).toEqual([
      {
        kind: "service-removed",
        service: "old",
        text: 'service "old" removed',
        needsRestart: false,
      },
      {
        kind: "service-changed",
        service: "stays",
        key: "scheduler",
        text: 'service "stays": scheduler: "wlc" -> "rr"',
        needsRestart: false,
      },
      {
        kind: "service-added",
        service: "new",
        text: 'service "new" added: 1 address, 1 real server',
        needsRestart: false,
      },
    ]);
  });

  test("tells each key of a service", () => {
    const before = web(a, 'persistent = "10m"\ntimeouts = { idle = "1m" }');
    const after = web(
      a,
      'fallback = "127.0.0.1:80"\nallow = ["192.0.2.0/24"]\ntimeouts = { idle = "2m" }',
    );
    expect(diffOf(before, after)).toEqual([
      'service "web": persistent: "10m" -> none',
      'service "web": persistence_mask: {"ipv4":32,"ipv6":128} -> none',
      'service "web": fallback: none -> "127.0.0.1:80"',
      'service "web": allow: [] -> ["192.0.2.0/24"]',
      'service "web": timeouts.idle: "1m" -> "2m"',
    ]);
  });

  test("tells real servers one by one", () => {
    const before = web(`${a}, ${b}`);
    const after = web(
      '{ address = "192.0.2.12:80", weight = 5, upper_threshold = 9 }, { address = "web3:80", weight = 7 }',
    );
    expect(diffConfig(configOf(before), configOf(after))).toMatchObject([
      {
        kind: "server-removed",
        service: "web",
        server: "192.0.2.11:80",
        text: 'service "web": real server 192.0.2.11:80 removed',
      },
      {
        kind: "server-changed",
        server: "192.0.2.12:80",
        key: "weight",
        text: 'service "web": real server 192.0.2.12:80: weight: 1 -> 5',
      },
      {
        kind: "server-changed",
        key: "upper_threshold",
        text: 'service "web": real server 192.0.2.12:80: upper_threshold: 0 -> 9',
      },
      {
        kind: "server-added",
        server: "web3:80",
        text: 'service "web": real server web3:80 added with weight 7',
      },
    ]);
  });

  test("tells a check that all real servers share once", () => {
    const check = 'check = { type = "negotiate", service = "http", request = "/x" }';
    expect(diffOf(web(`${a}, ${b}`), web(`${a}, ${b}`, check))).toEqual([
      'service "web": check.type: "connect" -> "negotiate"',
      'service "web": check.service: none -> "http"',
      'service "web": check.connects_per_negotiate: none -> 0',
      'service "web": check.request: none -> "/x"',
      'service "web": check.method: none -> "GET"',
      'service "web": check.statuses: none -> ["200-299"]',
      'service "web": check.redirects: none -> 0',
    ]);
  });

  test("tells a check of one real server at that server", () => {
    const own = '{ address = "192.0.2.12:80", check = { port = 81 } }';
    expect(diffOf(web(`${a}, ${b}`), web(`${a}, ${own}`))).toEqual([
      'service "web": real server 192.0.2.12:80: check.port: none -> 81',
    ]);
  });

  test("tells of mails and of what a service tells others", () => {
    const before = `[mail]\nto = ["a@example.com"]\n${web(a)}`;
    const lines = 'monitor_file = "/m"\nfallback_command = "/bin/x"\nmail = { repeat = "1h" }';
    const after =
      '[director]\nmaintenance_dir = "/m"\non_config_change = "/bin/y"\n' +
      `[mail]\nto = ["b@example.com"]\nrepeat = "1m"\n${web(a, lines)}`;
    expect(diffOf(before, after)).toEqual([
      'director.maintenance_dir: none -> "/m"',
      'director.on_config_change: none -> ["/bin/y"]',
      'mail.to: ["a@example.com"] -> ["b@example.com"]',
      'mail.repeat: "off" -> "1m"',
      'service "web": fallback_command: none -> ["/bin/x"]',
      'service "web": monitor_file: none -> "/m"',
      'service "web": mail: none -> {"repeat":"1h"}',
    ]);
    expect(diffConfig(configOf(before), configOf(after)).some((one) => one.needsRestart)).toBe(
      false,
    );
  });
});
