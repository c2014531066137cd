/**
 * An ldirectord.cf with everything that tells others, and is told by them: imported and run, it
 * does what ldirectord did.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { importFile } from "../../src/config/index.ts";
import { waitForHealth, waitForService } from "../helpers/director-view.ts";
import { startDirector } from "../helpers/director.ts";
import { startMoodyServer } from "../helpers/moody-server.ts";
import { freePort } from "../helpers/port.ts";
import { requireExecutable } from "../helpers/require-peer.ts";
import { startSmtpSink } from "../helpers/smtp-sink.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

// Checks of ldirectord come once a second at most.
setDefaultTimeout(30_000);

const needs = requireExecutable();

/** The native text of a file, with programs run as a user that every system has. */
function imported(text: string): string {
  const result = importFile(text, "ldirectord.cf");
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.toml.replace("[director]\n", '[director]\nscript_user = "nobody"\n');
}

test.skipIf(needs.skip)("maintenancedir, monitorfile, fallbackcommand and emailalert", async () => {
  await using sink = await startSmtpSink();
  await using one = startMoodyServer("one");
  using folder = createTempFolder();
  chmodSync(folder.path, 0o755);
  const at = (name: string): string => join(folder.path, name);
  mkdirSync(at("maintenance"));
  writeFileSync(at("calls"), "");
  chmodSync(at("calls"), 0o666);
  writeFileSync(at("command"), `#!/bin/sh\necho "$@" >> ${at("calls")}\n`);
  chmodSync(at("command"), 0o755);
  const listen = `127.0.0.1:${await freePort()}`;
  await using director = await startDirector({
    config: imported(`checkinterval=1
negotiatetimeout=1
quiescent=yes
maintenancedir=${at("maintenance")}
emailalert="ops@example.com"
emailalertfrom=lb@example.com
emailalertstatus=running
smtp=${sink.address}
virtual=${listen}
\treal=${one.address} masq 3
\tservice=http
\tvirtualhost=www.example.com
\tfallbackcommand="${at("command")}"
\tmonitorfile=${at("monitor")}
`),
  });
  const calls = (): string => readFileSync(at("calls"), "utf8");
  const monitor = (): string =>
    existsSync(at("monitor")) ? readFileSync(at("monitor"), "utf8") : "";
  await waitFor(() => calls() === `stop ${listen} tcp\n`, { what: "stop" });

  writeFileSync(at(`maintenance/${one.address}`), "");
  await waitForHealth(director, one.address, "down");
  await waitFor(() => calls() === `stop ${listen} tcp\nstart ${listen} tcp\n`, { what: "start" });
  // What happens within a second would share a mail.
  await sink.waitForMails(1);
  rmSync(at(`maintenance/${one.address}`));
  await waitForService(director, ({ state }) => state === "up");
  const [mail, other] = await sink.waitForMails(2);
  const name = `tcp:${listen}: real server ${one.address}`;
  expect([mail!, other!].map(({ headers }) => headers["subject"]!.split("] ")[1])).toEqual([
    `${name} is down`,
    `${name} is up again`,
  ]);
  const port = one.address.split(":")[1]!;
  const line = `negotiate http tcp 127.0.0.1 ${port} www.example.com 3 masq /  `;
  await waitFor(() => monitor().includes(`${line}[down] Server in maintenance\n`), {
    what: "line of maintenance",
  });
  expect(monitor()).toContain(`${line}[up] -\n`);
});
