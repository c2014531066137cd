import { describe, expect, test } from "bun:test";

import { parseConfig } from "../../../../../src/config/index.ts";
import { service, translate } from "./fixture.ts";

const web = "virtual=192.0.2.1:80\n\treal=192.0.2.11:80 masq\n\tchecktype=connect\n";

describe("directorAlertsOf() and globalMailOf()", () => {
  test("directives of the file become [director] and [mail]", () => {
    const { toml, warnings } = translate(
      `maintenancedir=/etc/ha.d/m\ncallback="/bin/sync"\nemailalert="ops@example.com, root"\n` +
        `emailalertfrom=lb@example.com\nemailalertfreq=60\nemailalertstatus=running,stopping\n` +
        `smtp=mail.example.com\n${web}`,
    );
    expect(warnings).toEqual([]);
    const { director, mail, virtualServices } = parseConfig(toml, "a.toml").config;
    expect(director).toMatchObject({
      maintenanceDir: "/etc/ha.d/m",
      onConfigChange: ["/bin/sync"],
    });
    expect(mail).toEqual({
      to: ["ops@example.com", "root"],
      from: "lb@example.com",
      smtp: { host: "mail.example.com", port: 25 },
      repeatMs: 60_000,
      when: ["running", "stopping"],
    });
    expect(virtualServices[0]!.mail).toBeUndefined();
  });

  test("a file that says nothing of them has no such tables", () => {
    expect(translate(web).toml).toStartWith("[[virtual_service]]");
  });

  test("of the readers only those are left out that are none", () => {
    const { toml, warnings } = translate(`emailalert="ops@example.com,@"\n${web}`);
    expect(toml).toStartWith('[mail]\nto = ["ops@example.com"]\n');
    expect(warnings).toEqual(['a.cf:1: emailalert: Left out: "@" is no address']);
  });
});

describe("serviceAlertsOf()", () => {
  test("a service has its own readers, mail server, reminders and occasions", () => {
    const { mail } = service(
      "emailalert=ops@example.com\nsmtp=192.0.2.25\nemailalertfreq=0\nemailalertstatus=none",
    ).service;
    expect(mail).toEqual({
      to: ["ops@example.com"],
      smtp: { host: "192.0.2.25", port: 25 },
      repeatMs: 0,
      when: [],
    });
  });

  test("the command is split at blanks, and what a shell would do is told", () => {
    const plain = service("fallbackcommand=/bin/sorry eth0");
    expect(plain.service.fallbackCommand).toEqual(["/bin/sorry", "eth0"]);
    expect(plain.warnings).toEqual([]);
    const { warnings } = service("fallbackcommand=/bin/sorry $HOME");
    expect(warnings).toEqual([
      "a.cf:3: fallbackcommand: No shell reads it: it is split at blanks and nothing else",
    ]);
  });

  test("reminders longer than a duration can be are as long as it can be", () => {
    expect(service("emailalertfreq=999999999").service.mail?.repeatMs).toBe(2_073_600_000);
  });
});
