import { describe, expect, test } from "bun:test";

import { assessService } from "../../../src/daemon/assessment.ts";
import type { Health, ServiceAssessment } from "../../../src/daemon/assessment.ts";
import type { Mail } from "../../../src/daemon/mail-queue.ts";
import { createMailer, mailGatherMs, mailSettings } from "../../../src/daemon/mailer.ts";
import { mailOccasions } from "../../../src/model/index.ts";
import type { MailConfig, ServiceMail, VirtualService } from "../../../src/model/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { notHurried } from "./director-fixture.ts";
import { virtualService } from "./fixture.ts";

const mailConfig: MailConfig = {
  to: ["ops@example.com"],
  from: undefined,
  smtp: { host: "127.0.0.1", port: 25 },
  repeatMs: 0,
  when: mailOccasions,
};
const nothing: ServiceMail = {
  to: undefined,
  smtp: undefined,
  repeatMs: undefined,
  when: undefined,
};

/** Both real servers of a service, judged. */
function judged(service: VirtualService, first: Health, second: Health = "up"): ServiceAssessment {
  const source = {
    server: (_service: VirtualService, key: string) => ({
      address: key.slice(0, 10),
      health: key === "192.0.2.11:80" ? first : second,
      reason: "refused",
      override: undefined,
    }),
    addressOf: (host: string) => host,
  };
  return assessService(service, source, undefined);
}

function setUp(mail: Partial<MailConfig> = {}) {
  const clock = createFakeClock();
  const mails: Mail[] = [];
  const world = {
    mail: { ...mailConfig, ...mail },
    occasion: "running" as "starting" | "running",
    maintained: false,
    closed: false,
  };
  const mailer = createMailer({
    clock,
    queue: {
      enqueue: (one) => void mails.push(one),
      close: async () => void (world.closed = true),
    },
    config: () => world,
    occasion: () => world.occasion,
    isMaintained: () => world.maintained,
    host: "lb1",
  });
  /** Subjects of the mails since the last time, after what is gathered has gone out. */
  const subjects = (): string[] => {
    clock.advance(mailGatherMs);
    return mails.splice(0).map(({ subject }) => subject.replace("[appliance lb1] ", ""));
  };
  return { clock, mails, world, mailer, subjects };
}

const web = virtualService();
const downText = "web: real server 192.0.2.11:80 is down";

describe("createMailer()", () => {
  test("gathers what happens within a moment in one mail", () => {
    const { mailer, clock, mails, subjects } = setUp();
    mailer.follow([judged(web, "up")]);
    mailer.follow([judged(web, "down")]);
    clock.advance(mailGatherMs / 2);
    mailer.follow([judged(web, "down", "down")]);
    expect(mails).toEqual([]);
    expect(subjects()).toEqual(["2 real servers are down"]);
    mailer.follow([judged(web, "up", "down")]);
    expect(subjects()).toEqual(["web: real server 192.0.2.11:80 is up again"]);
  });

  test("the mail has its sender, readers and mail server", () => {
    const { mailer, mails, clock, world } = setUp();
    world.mail = { ...world.mail, from: "lb@example.com", smtp: { host: "mail", port: 26 } };
    mailer.follow([judged(web, "down")]);
    clock.advance(mailGatherMs);
    expect(mails).toMatchObject([
      { from: "lb@example.com", to: ["ops@example.com"], smtp: { host: "mail", port: 26 } },
    ]);
    world.mail = mailConfig;
    mailer.follow([judged(web, "up")]);
    clock.advance(mailGatherMs);
    expect(mails[1]!.from).toBe("appliance@lb1");
  });

  test("a service may have readers of its own, or none", () => {
    const { mailer, mails, clock } = setUp();
    const own = virtualService({ name: "own", mail: { ...nothing, to: ["dba@example.com"] } });
    const silent = virtualService({ name: "silent", mail: { ...nothing, to: [] } });
    mailer.follow([web, own, silent].map((service) => judged(service, "down")));
    clock.advance(mailGatherMs);
    expect(mails.map(({ to, subject }) => `${to.join()} ${subject}`)).toEqual([
      `ops@example.com [appliance lb1] ${downText}`,
      "dba@example.com [appliance lb1] own: real server 192.0.2.11:80 is down",
    ]);
  });

  test("nobody gets a mail on an occasion that is not wanted", () => {
    const { mailer, world, subjects } = setUp({ when: ["running"] });
    world.occasion = "starting";
    mailer.follow([judged(web, "down")]);
    world.occasion = "running";
    expect(subjects()).toEqual([]);
    mailer.follow([judged(web, "up")]);
    expect(subjects()).toEqual(["web: real server 192.0.2.11:80 is up again"]);
  });

  test("reminds as long as a server is down, without being asked", () => {
    const { mailer, clock, subjects } = setUp({ repeatMs: 60_000 });
    mailer.follow([judged(web, "up")]);
    mailer.follow([judged(web, "down")]);
    expect(subjects()).toEqual([downText]);
    clock.advance(59_000);
    expect(subjects()).toEqual(["web: real server 192.0.2.11:80 is still down"]);
    clock.advance(60_000);
    expect(subjects()).toEqual(["web: real server 192.0.2.11:80 is still down"]);
    mailer.follow([judged(web, "up")]);
    expect(subjects()).toHaveLength(1);
    expect(clock.pendingCount()).toBe(0);
  });

  test("reminds nobody of a server in maintenance", () => {
    const { mailer, clock, world, subjects } = setUp({ repeatMs: 60_000 });
    world.maintained = true;
    mailer.follow([judged(web, "down")]);
    expect(subjects()).toEqual([downText]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("without readers it does nothing, and keeps nothing", () => {
    const { mailer, clock, subjects } = setUp({ to: [], repeatMs: 60_000 });
    mailer.follow([judged(web, "down")]);
    expect(subjects()).toEqual([]);
    expect(clock.pendingCount()).toBe(0);
  });
});

describe("stop()", () => {
  test("sends what was gathered, then that the director stops, and closes the queue", async () => {
    const { mailer, mails, world, clock } = setUp({ repeatMs: 60_000 });
    mailer.follow([judged(web, "down")]);
    await mailer.stop([judged(web, "down")], notHurried());
    expect(mails.map(({ subject }) => subject)).toEqual([
      `[appliance lb1] ${downText}`,
      "[appliance lb1] the director stops, 1 virtual service ends",
    ]);
    expect(world.closed).toBe(true);
    expect(clock.pendingCount()).toBe(0);
  });

  test("says nothing where nobody wants to know of it", async () => {
    const { mailer, mails } = setUp({ when: ["running"] });
    await mailer.stop([judged(web, "up")], notHurried());
    expect(mails).toEqual([]);
  });
});

test("mailSettings() lays what a service says over the common settings", () => {
  const own = virtualService({ mail: { ...nothing, repeatMs: 5, when: [] } });
  expect(mailSettings(mailConfig, own)).toEqual({
    to: mailConfig.to,
    smtp: mailConfig.smtp,
    repeatMs: 5,
    when: [],
  });
});
