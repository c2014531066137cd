import { describe, expect, test } from "bun:test";

import {
  createMailQueue,
  mailCloseMs,
  mailRetryMs,
  mailsWaitingMax,
  mailTriesMax,
} from "../../../src/daemon/mail-queue.ts";
import type { Mail, MailResult } from "../../../src/daemon/mail-queue.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { notHurried, settle } from "./director-fixture.ts";
import { createFakeLogger } from "./fake-logger.ts";

const sent: MailResult = { ok: true, refused: [] };
const later: MailResult = { ok: false, reason: "451 later", isFinal: false };
const never: MailResult = { ok: false, reason: "554 never", isFinal: true };

function mail(subject: string, host = "192.0.2.25"): Mail {
  return { smtp: { host, port: 25 }, from: "a@b", to: ["c@d"], subject, text: "" };
}

/** A queue whose mail servers answer as the test says; undefined: not at all. */
function setUp(answer: (mail: Mail) => MailResult | undefined) {
  const clock = createFakeClock();
  const { logger, lines } = createFakeLogger();
  const tried: string[] = [];
  const queue = createMailQueue({
    clock,
    logger,
    send: (one) => {
      tried.push(one.subject);
      const result = answer(one);
      return result === undefined ? new Promise(() => undefined) : Promise.resolve(result);
    },
  });
  return { clock, queue, tried, lines };
}

describe("createMailQueue()", () => {
  test("sends in order, and logs what it sent", async () => {
    const { queue, tried, lines } = setUp(() => sent);
    queue.enqueue(mail("one"));
    queue.enqueue(mail("two"));
    await settle();
    expect(tried).toEqual(["one", "two"]);
    expect(lines()[0]).toBe("info mail server=192.0.2.25:25 subject=one to=c@d");
  });

  test("tries again later, then the others", async () => {
    let answer: MailResult = later;
    const { queue, tried, clock, lines } = setUp(() => answer);
    queue.enqueue(mail("one"));
    queue.enqueue(mail("two"));
    await settle();
    expect(tried).toEqual(["one"]);
    expect(lines()).toEqual([
      'warning mail-failed server=192.0.2.25:25 subject=one reason="451 later"',
    ]);
    answer = sent;
    clock.advance(mailRetryMs);
    await settle();
    expect(tried).toEqual(["one", "one", "two"]);
  });

  test("gives a mail up after some tries, and at once where trying is of no use", async () => {
    const { queue, tried, clock } = setUp(({ subject }) => (subject === "bad" ? never : later));
    queue.enqueue(mail("bad"));
    queue.enqueue(mail("one"));
    for (let count = 0; count < mailTriesMax + 3; count++) {
      await settle();
      clock.advance(mailRetryMs);
    }
    expect(tried).toEqual(["bad", ...Array<string>(mailTriesMax).fill("one")]);
    expect(clock.pendingCount()).toBe(0);
  });

  test("a mail server that does not answer delays its own mails only", async () => {
    const { queue, tried } = setUp(({ smtp }) => (smtp.host === "192.0.2.66" ? undefined : sent));
    queue.enqueue(mail("dead", "192.0.2.66"));
    queue.enqueue(mail("waits", "192.0.2.66"));
    queue.enqueue(mail("one"));
    await settle();
    expect(tried).toEqual(["dead", "one"]);
  });

  test("is bounded: the oldest goes, but not the one on its way", async () => {
    const { queue, lines } = setUp(() => undefined);
    for (let count = 0; count <= mailsWaitingMax; count++) queue.enqueue(mail(`mail-${count}`));
    expect(lines()).toEqual([
      "warning mail-failed server=192.0.2.25:25 subject=mail-1 " +
        `reason="more than ${mailsWaitingMax} mails wait, the oldest is dropped"`,
    ]);
  });

  test("tells who did not get it, and survives a bug", async () => {
    const { queue, lines } = setUp(({ subject }) => {
      if (subject === "bug") throw new Error("oops");
      return { ok: true, refused: ["c@d"] };
    });
    queue.enqueue(mail("bug"));
    queue.enqueue(mail("one"));
    await settle();
    expect(lines()).toEqual([
      "warning mail-failed server=192.0.2.25:25 subject=bug reason=oops",
      'warning mail-failed server=192.0.2.25:25 subject=one reason="refused for c@d"',
    ]);
  });
});

describe("close()", () => {
  test("tries once more what waits, then takes nothing", async () => {
    let answer: MailResult = later;
    const { queue, tried, clock } = setUp(() => answer);
    queue.enqueue(mail("one"));
    await settle();
    answer = sent;
    await queue.close(notHurried());
    expect(tried).toEqual(["one", "one"]);
    queue.enqueue(mail("two"));
    await settle();
    expect(tried).toHaveLength(2);
    expect(clock.pendingCount()).toBe(0);
  });

  test("waits for no mail server longer than it may, and says what is lost", async () => {
    const { queue, clock, lines } = setUp(() => undefined);
    queue.enqueue(mail("one"));
    queue.enqueue(mail("two"));
    const closed = queue.close(notHurried());
    clock.advance(mailCloseMs);
    await closed;
    expect(lines()).toEqual(["warning mail-failed server=192.0.2.25:25 mails=2 reason=stopped"]);
  });

  test("does not wait at all when it is hurried", async () => {
    const { queue, lines } = setUp(() => undefined);
    queue.enqueue(mail("one"));
    await queue.close(AbortSignal.abort());
    expect(lines()).toHaveLength(1);
  });
});
