/**
 * What takes real servers out of service and brings them back: maintenance files, failed checks,
 * and what must not: a server that hangs, or one that nobody has checked yet.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatService, quickHttpCheck } from "../helpers/director-config.ts";
import {
  readServer,
  runCommand,
  waitForHealth,
  waitForServer,
  waitForService,
} from "../helpers/director-view.ts";
import { spawnDirector, startDirector } from "../helpers/director.ts";
import { startMoodyServer } from "../helpers/moody-server.ts";
import { countPages, fetchPage, tryPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { requireExecutable } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

// Programs, checks and mails take their turns; a busy machine takes some time for them.
setDefaultTimeout(30_000);

const needs = requireExecutable();

/** So that turns go round by the request. */
const oneWorker = "[proxy]\nworkers = 1\n";

test.skipIf(needs.skip)(
  "a maintenance file takes a server out, and its end brings it back",
  async () => {
    await using one = startMoodyServer("one");
    await using two = startMoodyServer("two");
    using folder = createTempFolder();
    const files = join(folder.path, "maintenance");
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/page`;
    const servers = [one.address, two.address];
    const settings = ['scheduler = "rr"', quickHttpCheck];
    const service = formatService({ listen: `127.0.0.1:${port}`, servers, settings });
    const config = `${oneWorker}[director]\nmaintenance_dir = "${files}"\n${service}`;
    // The directory need not be there yet.
    await using director = await startDirector({ config });
    expect(await countPages(url, 4)).toEqual({ one: 2, two: 2 });

    mkdirSync(files);
    writeFileSync(join(files, one.address), "");
    const out = await waitForHealth(director, one.address, "down");
    expect(out.reason).toBe(`in maintenance: file ${one.address}`);
    const [clients, checks] = [one.clientRequests(), one.checkRequests()];
    expect(await countPages(url, 6)).toEqual({ two: 6 });
    // The other one has been checked meanwhile, this one not.
    const others = two.checkRequests();
    await waitFor(() => two.checkRequests() >= others + 5, { what: "checks of the other server" });
    expect([one.clientRequests(), one.checkRequests()]).toEqual([clients, checks]);
    const listed = await runCommand(director, "status");
    expect(listed.stdout).toContain(`in maintenance: file ${one.address}`);

    rmSync(join(files, one.address));
    await waitForHealth(director, one.address, "up");
    expect(one.checkRequests()).toBeGreaterThan(checks);
    expect(await countPages(url, 4)).toEqual({ one: 2, two: 2 });

    // A file without a port is for all of them, and is in force before anything is asked.
    writeFileSync(join(files, "127.0.0.1"), "");
    await waitForService(director, ({ realServers }) =>
      realServers.every(({ health }) => health === "down"),
    );
    expect(await tryPage(url)).toBeUndefined();

    // A reload without the directory ends it.
    director.configure(`${oneWorker}${service}`);
    expect((await runCommand(director, "reload")).status).toBe(0);
    await waitForService(director, ({ state }) => state === "up");
  },
);

test.skipIf(needs.skip)("a maintenance file counts from the start on", async () => {
  await using one = startMoodyServer("one");
  await using two = startMoodyServer("two");
  using folder = createTempFolder();
  writeFileSync(join(folder.path, one.address), "");
  const port = await freePort();
  const servers = [one.address, two.address];
  const settings = [quickHttpCheck];
  const service = formatService({ listen: `127.0.0.1:${port}`, servers, settings });
  await using director = await startDirector({
    config: `${oneWorker}[director]\nmaintenance_dir = "${folder.path}"\n${service}`,
  });
  expect(await countPages(`http://127.0.0.1:${port}/page`, 4)).toEqual({ two: 4 });
  expect(await readServer(director, one.address)).toMatchObject({ health: "down" });
  expect(one.checkRequests()).toBe(0);
});

test.skipIf(needs.skip)("a failed server loses its persistent clients at once", async () => {
  await using one = startMoodyServer("one");
  await using two = startMoodyServer("two");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/page`;
  const servers = [one.address, two.address];
  const settings = ['persistent = "1h"', 'scheduler = "rr"', quickHttpCheck];
  const config = formatService({ listen: `127.0.0.1:${port}`, servers, settings });
  await using director = await startDirector({ config });
  const first = await fetchPage(url);
  expect(await countPages(url, 4)).toEqual({ [first]: 4 });
  const [mine, other] = first === "one" ? [one, two] : [two, one];
  expect(await readServer(director, mine.address)).toMatchObject({ persistentEntries: 1 });
  mine.feel("ill");
  await waitForHealth(director, mine.address, "down");
  expect(await readServer(director, mine.address)).toMatchObject({ persistentEntries: 0 });
  const second = first === "one" ? "two" : "one";
  expect(await countPages(url, 4)).toEqual({ [second]: 4 });
  // It comes back to nobody: who went to the other one stays there.
  mine.feel("well");
  await waitForHealth(director, mine.address, "up");
  expect(await countPages(url, 4)).toEqual({ [second]: 4 });
  expect(await readServer(director, other.address)).toMatchObject({ persistentEntries: 1 });
});

test.skipIf(needs.skip)("nothing is sent to a server before its first check", async () => {
  await using well = startMoodyServer("well");
  await using hanging = startMoodyServer("hanging");
  hanging.feel("hanging");
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/page`;
  const servers = [well.address, hanging.address];
  // Its check takes so long that clients come before it has ended.
  const check =
    'check = { type = "negotiate", service = "http", interval = "3s", timeout = "3s", fall = 1 }';
  const config = formatService({
    listen: `127.0.0.1:${port}`,
    servers,
    settings: ['scheduler = "rr"', check],
  });
  await using director = await spawnDirector({ config });
  await waitFor(() => hanging.checkRequests() > 0, { what: "check of the hanging server" });
  await waitForServer(director, well.address, ({ health }) => health === "up");
  expect(await readServer(director, hanging.address)).toMatchObject({ health: "unchecked" });
  expect(await countPages(url, 10)).toEqual({ well: 10 });
  expect(hanging.clientRequests()).toBe(0);
});

test.skipIf(needs.skip)("a hanging server delays the detection of no other", async () => {
  await using one = startMoodyServer("one");
  const hanging = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => startMoodyServer(`hanging-${index}`)),
  );
  await using stack = new AsyncDisposableStack();
  for (const server of hanging) stack.use(server);
  const port = await freePort();
  const check =
    'check = { type = "negotiate", service = "http", interval = "100ms", timeout = "20s", ' +
    'fall = 1, fast_interval = "20ms" }';
  const config = formatService({
    listen: `127.0.0.1:${port}`,
    servers: [one.address, ...hanging.map(({ address }) => address)],
    settings: [check],
  });
  await using director = await startDirector({ config });
  for (const server of hanging) server.feel("hanging");
  const before = hanging.map((server) => server.checkRequests());
  await waitFor(() => hanging.every((server, at) => server.checkRequests() > before[at]!), {
    what: "a hanging check of each server",
  });
  one.feel("ill");
  // Twenty timeouts one after the other would be minutes.
  await waitForHealth(director, one.address, "down");
  expect(await readServer(director, hanging[0]!.address)).toMatchObject({ health: "up" });
});
