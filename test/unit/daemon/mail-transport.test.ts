import { expect, test } from "bun:test";

import type { Mail } from "../../../src/daemon/mail-queue.ts";
import { sendMail } from "../../../src/daemon/mail-transport.ts";
import { freePort } from "../../helpers/port.ts";
import { startSmtpSink } from "../../helpers/smtp-sink.ts";

function mailTo(port: number, more: Partial<Mail> = {}): Mail {
  return {
    smtp: { host: "127.0.0.1", port },
    from: "Director <lb@example.com>",
    to: ["ops@example.com", "root"],
    subject: "web: real server 192.0.2.11:80 is down",
    text: "First line\n.\nan umlaut: ü\n",
    ...more,
  };
}

test("sendMail() hands a mail over as it is", async () => {
  await using sink = await startSmtpSink();
  expect(await sendMail(mailTo(sink.port))).toEqual({ ok: true, refused: [] });
  const [mail] = sink.mails;
  expect(mail).toMatchObject({
    from: "lb@example.com",
    to: ["ops@example.com", "root@localhost"],
    text: "First line\n.\nan umlaut: ü\n",
    headers: {
      from: "Director <lb@example.com>",
      to: "ops@example.com, root@localhost",
      subject: "web: real server 192.0.2.11:80 is down",
      "auto-submitted": "auto-generated",
    },
  });
  expect(Object.keys(mail!.headers)).toContain("date");
});

test("sendMail() tells what will not get better from what may", async () => {
  await using sink = await startSmtpSink({ replies: ["554 never", "451 later"] });
  const never = await sendMail(mailTo(sink.port));
  expect(never).toMatchObject({ ok: false, isFinal: true });
  expect(never).toMatchObject({ reason: expect.stringContaining("554 never") });
  expect(await sendMail(mailTo(sink.port))).toMatchObject({ ok: false, isFinal: false });
  const refused = await sendMail(mailTo(await freePort()));
  expect(refused).toMatchObject({ ok: false, isFinal: false });
});

test("sendMail() gives a silent server up at its deadline, and closes the connection", async () => {
  await using sink = await startSmtpSink({ silent: true });
  const result = await sendMail(mailTo(sink.port), 100);
  expect(result).toEqual({ ok: false, isFinal: false, reason: "no end within 0.1 s" });
  expect(sink.connections()).toBe(1);
});
