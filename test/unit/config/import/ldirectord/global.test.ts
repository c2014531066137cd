import { describe, expect, test } from "bun:test";

import { read } from "./fixture.ts";

describe("globalReaders", () => {
  test.each([
    ["checktimeout = 3", { checktimeout: 3 }],
    ["checktimeout=-5", { checktimeout: 5 }],
    ["negotiatetimeout=7 # seven", { negotiatetimeout: 7 }],
    ["checkinterval=1", { checkinterval: 1 }],
    ["checkcount=2", { checkcount: 2 }],
    ["failurecount=4", { failurecount: 4 }],
    ["autoreload=yes", { autoreload: true }],
    ["autoreload=no   ", { autoreload: false }],
    ["autoreload=yes\r", { autoreload: true }],
    ["\uFEFFautoreload=yes", { autoreload: true }],
    ['callback="/bin/changed"', { callback: "/bin/changed" }],
    ["fallbackcommand=/bin/sorry", { fallbackcommand: "/bin/sorry" }],
    ['logfile="local0"', { logfile: "local0" }],
    ["execute=other.cf", { execute: ["other.cf"] }],
    ["fork=yes", { fork: true }],
    ["supervised=no", { supervised: false }],
    ["supervised", { supervised: true }],
    ["quiescent=yes", { quiescent: true }],
    ["readdquiescent=yes", { readdquiescent: true }],
    ['emailalert="a@example.com,b@example.com"', { emailalert: "a@example.com,b@example.com" }],
    ["emailalertfreq=0", { emailalertfreq: 0 }],
    ["emailalertstatus=none", { emailalertstatus: [] }],
    ["emailalertstatus=running,starting", { emailalertstatus: ["starting", "running"] }],
    ["emailalertfrom=lb@example.com", { emailalertfrom: "lb@example.com" }],
    ["smtp=mail.example.com", { smtp: "mail.example.com" }],
    ["cleanstop=no", { cleanstop: false }],
    ["maintenancedir=/etc/ha.d/maintenance", { maintenancedir: "/etc/ha.d/maintenance" }],
  ])("%j is read", (line, expected) => {
    const { config, problems } = read(`${line}\n`);
    expect(problems).toEqual([]);
    expect(config.globals).toMatchObject(expected);
  });

  test.each([
    ["autoreload=yes # now", "outside of a virtual service a comment needs a line of its own"],
    ["quiescent=maybe", 'Expected "yes" or "no", got "maybe"'],
    ["checktimeout=0", "checktimeout: Expected seconds 1..999999999"],
    ["checktimeout=soon", "checktimeout: Expected seconds 1..999999999"],
    ["callback=/bin/changed", "Expected a text in double quotes"],
    ["logfile=/var/log/x.log", "Expected a text in double quotes"],
    ["timeout=3", "this one does not exist any more"],
    ["connecttimeout=3", "this one does not exist any more"],
    ["emailalertstatus=none,running", "Expected none alone, or other words"],
    ["fallback=nonsense!", "Expected the address of a server"],
    ["fallback=192.0.2.9:80 nat", "Expected gate, masq, ipip or nothing"],
    ["checkintervall=3", 'did you mean "checkinterval"?'],
    ["Checktimeout=3", "Expected a directive of ldirectord"],
    ["autoreload", "Expected a directive of ldirectord"],
    ["  autoreload=yes", "starts in the first column"],
    ["    real=192.0.2.11:80 masq", "lines of a virtual service follow it"],
    ["[default]", "Expected a directive of ldirectord"],
  ])("%j is refused", (line, expected) => {
    const { problems } = read(`${line}\n`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith("a.cf:1: ");
    expect(problems[0]).toContain(expected);
  });
});
