/**
 * Mails about real servers, sent to a mail server of the test: when, to whom, again after a while,
 * and what a dead mail server does not disturb.
 */
import { expect, setDefaultTimeout, test } from "bun:test";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import { runCommand, waitForHealth } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startMoodyServer } from "../helpers/moody-server.ts";
import { fetchPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { requireExecutable } from "../helpers/require-peer.ts";
import { startSmtpSink } from "../helpers/smtp-sink.ts";
import type { ReceivedMail, SmtpSink } from "../helpers/smtp-sink.ts";

// Programs, checks and mails take their turns; a busy machine takes some time for them.
setDefaultTimeout(30_000);

const needs = requireExecutable();

/** Subject without the name of the program and this host. */
function subjectOf({ headers }: ReceivedMail): string {
  return headers["subject"]!.replace(/^\[appliance [^\]]+\] /, "");
}

function subjects({ mails }: SmtpSink): string[] {
  return mails.map(subjectOf);
}

function mailTable(sink: SmtpSink, more = ""): string {
  return `[mail]\nto = ["ops@example.com"]\nfrom = "lb@example.com"\nsmtp = "${sink.address}"\n${more}\n`;
}

async function stop(director: Director): Promise<void> {
  director.process.kill("SIGTERM");
  expect(await director.process.exited).toBe(0);
}

test.skipIf(needs.skip)("mails tell of down, again, up and the stop", async () => {
  await using sink = await startSmtpSink();
  await using one = startMoodyServer("one");
  const listen = `127.0.0.1:${await freePort()}`;
  const service = formatService({ listen, servers: [one.address], settings: [quickHttpCheck] });
  const config = `${mailTable(sink, 'repeat = "1s"')}${service}`;
  await using director = await startDirector({ config });
  one.feel("ill");
  const [first, second, third] = await sink.waitForMails(3);
  expect([first!, second!, third!].map(subjectOf)).toEqual([
    `web: real server ${one.address} is down`,
    `web: real server ${one.address} is still down`,
    `web: real server ${one.address} is still down`,
  ]);
  // What delays a mail may bring two of them together, never further apart than they are due.
  expect(third!.atMs - first!.atMs).toBeGreaterThan(900);
  expect(first).toMatchObject({ from: "lb@example.com", to: ["ops@example.com"] });
  expect(first!.text).toContain("status 503");
  expect(first!.text).toContain(`web (tcp ${listen}): down, 0 of 1 real server serve`);

  one.feel("well");
  await waitForHealth(director, one.address, "up");
  await stop(director);
  expect(subjects(sink).at(-1)).toBe("the director stops, 1 virtual service ends");
  // A reminder of the same second may share its mail.
  expect(sink.mails.at(-2)!.text).toContain(`real server ${one.address} is up again at `);
});

test.skipIf(needs.skip)("a service has its own readers, mail server and occasions", async () => {
  await using sink = await startSmtpSink();
  await using own = await startSmtpSink();
  await using one = startMoodyServer("one");
  one.feel("ill");
  const settings = (mail: string): readonly string[] => [`mail = { ${mail} }`, quickHttpCheck];
  const rows = [
    ["dba", `to = ["dba@example.com", "root"], smtp = "${own.address}"`],
    ["silent", "to = []"],
    ["later", 'when = ["running"]'],
    ["web", ""],
  ] as const;
  let config = mailTable(sink, 'when = ["starting"]');
  for (const [name, mail] of rows) {
    const listen = `127.0.0.1:${await freePort()}`;
    config += formatService({ name, listen, servers: [one.address], settings: settings(mail) });
  }
  await using director = await startDirector({ config });
  await own.waitForMails(1);
  await sink.waitForMails(1);
  expect(subjects(own)).toEqual([`dba: real server ${one.address} is down`]);
  expect(own.mails[0]!.to).toEqual(["dba@example.com", "root@localhost"]);
  expect(own.mails[0]!.text).toContain("(starting)");
  expect(subjects(sink)).toEqual([`web: real server ${one.address} is down`]);
  // Now it runs: who wanted to know of the start hears no more.
  one.feel("well");
  await sink.waitForMails(2);
  await stop(director);
  expect(subjects(own)).toHaveLength(1);
  expect(subjects(sink).slice(1)).toEqual([`later: real server ${one.address} is up again`]);
});

test.skipIf(needs.skip)(
  "a reload tells of the servers it has brought, and changes readers",
  async () => {
    await using sink = await startSmtpSink();
    await using one = startMoodyServer("one");
    await using two = startMoodyServer("two");
    two.feel("ill");
    const listen = `127.0.0.1:${await freePort()}`;
    const settings = [quickHttpCheck];
    const before = formatService({ listen, servers: [one.address], settings });
    const after = formatService({ listen, servers: [one.address, two.address], settings });
    await using director = await startDirector({ config: before });
    director.configure(`${mailTable(sink)}${after}`);
    const reloaded = await runCommand(director, "reload");
    expect(reloaded.stdout).toContain('mail.to: [] -> ["ops@example.com"]');
    const [mail] = await sink.waitForMails(1);
    expect(subjectOf(mail!)).toBe(`web: real server ${two.address} is down`);
    expect(mail!.text).toContain("(reloading)");
  },
);

test.skipIf(needs.skip)(
  "a mail server that is silent disturbs nothing, not even the stop",
  async () => {
    await using silent = await startSmtpSink({ silent: true });
    await using sink = await startSmtpSink();
    await using one = startMoodyServer("one");
    await using two = startMoodyServer("two");
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const servers = [one.address, two.address];
    const settings = [quickHttpCheck];
    const other = `127.0.0.1:${await freePort()}`;
    const config =
      mailTable(silent) +
      formatService({ listen, servers, settings }) +
      formatService({
        name: "other",
        listen: other,
        servers: [one.address],
        settings: [`mail = { smtp = "${sink.address}" }`, quickHttpCheck],
      });
    await using director = await startDirector({ config });
    one.feel("ill");
    // The mails of the other server go their way.
    await sink.waitForMails(1);
    expect(silent.connections()).toBe(1);
    expect(await fetchPage(`http://${listen}/page`)).toBe("two");
    two.feel("ill");
    await waitForHealth(director, two.address, "down");
    two.feel("well");
    await waitForHealth(director, two.address, "up");
    await stop(director);
    // Its deadline is 20 s; a stop gives a mail up after 3.
    expect(director.process.output()).toMatch(
      new RegExp(`warning mail-failed server=${silent.address} mails=\\d+ reason=stopped`),
    );
  },
);

test.skipIf(needs.skip)(
  "a mail server that is not there is told in the log, with the reason",
  async () => {
    await using one = startMoodyServer("one");
    const listen = `127.0.0.1:${await freePort()}`;
    const service = formatService({ listen, servers: [one.address], settings: [quickHttpCheck] });
    const smtp = `127.0.0.1:${await freePort()}`;
    const config = `[mail]\nto = ["ops@example.com"]\nsmtp = "${smtp}"\n${service}`;
    await using director = await startDirector({ config });
    one.feel("ill");
    await director.process.waitForOutput(
      new RegExp(`warning mail-failed server=${smtp} .*(?:ECONNREFUSED|refused)`, "i"),
    );
  },
);
