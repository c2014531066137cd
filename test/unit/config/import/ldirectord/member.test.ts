import { describe, expect, test } from "bun:test";

import type { LdirectordVirtual } from "../../../../../src/config/import/ldirectord/index.ts";
import { read, readMember } from "./fixture.ts";

describe("memberReaders", () => {
  const cases: readonly (readonly [string, Partial<LdirectordVirtual>])[] = [
    ["checktype=connect", { checktype: "connect" }],
    ["checktype=external-perl", { checktype: "external-perl" }],
    ["checktype=5", { checktype: "count", connectsPerNegotiate: 5 }],
    ["service=ftp", { service: "ftp", login: "anonymous", passwd: "ldirectord@director.example" }],
    ["service=sip", { service: "sip", login: "ldirectord@director.example", passwd: "" }],
    ['checkcommand="/bin/check"', { checkcommand: "/bin/check" }],
    ["checkcommand=/bin/check", { checkcommand: "/bin/check" }],
    ["checktimeout=2", { checktimeout: 2 }],
    ["checkport=8080", { checkport: 8080 }],
    ['request="index.html"', { request: "/index.html" }],
    ['request="/index.html" # main page', { request: "/index.html" }],
    ['receive="a \\d+"', { receive: "a \\d+" }],
    ["httpmethod=HEAD", { httpmethod: "HEAD" }],
    ["virtualhost=www.example.com   ", { virtualhost: "www.example.com" }],
    ['virtualhost="www.example.com"', { virtualhost: "www.example.com" }],
    ['login="me"', { login: "me" }],
    ['passwd="a=b"', { passwd: "a=b" }],
    ['database="d"', { database: "d" }],
    ['secret="s"', { secret: "s" }],
    ['load="l"', { load: "l" }],
    ["scheduler=wlc", { scheduler: "wlc" }],
    ["scheduler=Wlc", { scheduler: "lc" }],
    ["persistent=600", { persistent: 600 }],
    ["schedflags=sh-port", { schedflags: "sh-port" }],
    ["protocol=udp", { protocol: "udp" }],
    ["ops=yes", { ops: true }],
    ["fallback=127.0.0.1", {}],
    ["quiescent=yes", { quiescent: true }],
    ["cleanstop=no", { cleanstop: false }],
    ["monitorfile=/var/log/m", { monitorfile: "/var/log/m" }],
    ["servicename=Web Site", { servicename: "Web Site" }],
    ["comment=for all", { comment: "for all" }],
    ["\t\tfailurecount=3", { failurecount: 3 }],
  ];
  test.each(cases)("%j is read", (line, expected) => {
    const { virtual, problems } = readMember(line);
    expect(problems).toEqual([]);
    expect(virtual).toMatchObject(expected);
  });

  test.each([
    ["checktype=http", 'Expected "connect", "external"'],
    ["checktype=0", "Expected a number 1..999999"],
    ["service=ssh", 'Expected "dns", "ftp"'],
    ["checkport=65536", "Expected a port 1..65535"],
    ["request=index.html", "Expected a text in double quotes"],
    ['request="a#b"', '"#" starts a comment within quotes too'],
    ["httpmethod=POST", 'Expected "GET" or "HEAD"'],
    ["scheduler=1", "Expected the name of a scheduler"],
    ["persistent=0", "Expected seconds 1..999999999"],
    ["netmask=24", "Expected a netmask such as 255.255.255.0"],
    ["protocol=fwm", 'Expected "tcp" or "udp"'],
    ["ops=1", 'Expected "yes" or "no"'],
    ["real=192.0.2.11:80", "and gate, masq or ipip"],
    ["real=192.0.2.11:80 nat", "and gate, masq or ipip"],
    ["real=192.0.2.300:80 masq", "Expected the address of a server"],
    ["real=192.0.2.11:nosuch masq", "Expected a port 1..65535"],
    ["real=192.0.2.9->192.0.2.8:80 masq", "whose first address is the lower one"],
    ["real=10.0.0.1->10.255.255.255:80 masq", "fewer real servers"],
    ["real=web1->web3:80 masq", "names in /etc/hosts"],
    ["real=[2001:db8::2]:80 masq", "IPv6 stands in virtual6"],
    ["real6=[2001:db8::2]:80 masq", "Expected real = …"],
    ["recieve=x", 'did you mean "receive"?'],
    ["autoreload=yes", "this one stands outside of virtual services"],
  ])("%j is refused", (line, expected) => {
    const { problems } = readMember(line);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toStartWith("a.cf:2: ");
    expect(problems[0]).toContain(expected);
  });

  test("secrets are not shown", () => {
    const { problems } = readMember("passwd=hunter2");
    expect(problems).toEqual([
      "a.cf:2: passwd: Expected a text in double quotes, got another text",
    ]);
  });

  test("protocol of a mark is fwm only", () => {
    expect(readMember("protocol=fwm", "virtual=1").problems).toEqual([]);
    expect(readMember("protocol=tcp", "virtual=1").problems).toHaveLength(1);
  });

  test("checkinterval counts with fork=yes only, netmask with persistent only", () => {
    const text = "virtual=192.0.2.1:80\n\tcheckinterval=3\n\tnetmask=255.255.255.0\n";
    const single = read(text);
    expect(single.config.virtuals[0]!.checkinterval).toBeUndefined();
    expect(single.warnings).toHaveLength(2);
    const forked = read(`fork=yes\n${text}\tpersistent=60\n`);
    expect(forked.config.virtuals[0]).toMatchObject({ checkinterval: 3, netmask: "255.255.255.0" });
    expect(forked.warnings).toEqual([]);
  });
});
