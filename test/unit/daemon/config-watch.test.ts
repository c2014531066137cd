import { expect, test } from "bun:test";
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseConfig } from "../../../src/config/index.ts";
import type { LoadedConfig } from "../../../src/config/index.ts";
import { watchConfig } from "../../../src/daemon/config-watch.ts";
import { lookIntervalMs } from "../../../src/daemon/file-watch.ts";
import type { Hook } from "../../../src/daemon/hooks.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";
import { createFakeLogger } from "./fake-logger.ts";

const service =
  '[[virtual_service]]\nname = "web"\nlisten = "127.0.0.1:80"\nreal_servers = [{ address = "192.0.2.1:80" }]\n';

/** A director on a file with these settings, and what has come of changing the file. */
async function changeFile(settings: string, isLdirectord = false) {
  using folder = createTempFolder();
  const path = join(folder.path, "a.toml");
  writeFileSync(path, "one");
  utimesSync(path, 1, 1);
  const named = { file: path, logfile: "", supervised: false, cleanstop: true, execute: [] };
  const run = { ...named, routers: [], others: [] };
  const loaded: LoadedConfig = {
    ...parseConfig(`[director]\n${settings}\n${service}`, path),
    ...(isLdirectord && { ldirectord: run }),
  };
  const clock = createFakeClock();
  const { logger, lines } = createFakeLogger();
  const hooks: Hook[] = [];
  const reloads: string[] = [];
  const changes: [string, boolean][] = [];
  const watch = await watchConfig(clock, [path]);
  // As happens while a director starts: after the files were read, before it runs.
  writeFileSync(path, "two");
  utimesSync(path, 2, 2);
  const director = {
    loaded: () => loaded,
    reload: (by: string) => {
      reloads.push(by);
      return Promise.resolve({ ok: true, plan: [] } as const);
    },
  };
  const parts = {
    logger,
    hooks: { enqueue: (hook: Hook) => void hooks.push(hook) },
    onChange: (file: string, isReread: boolean) => void changes.push([file, isReread]),
  };
  watch.follow(director, parts);
  for (let look = 0; look < 3; look++) {
    clock.advance(lookIntervalMs);
    await waitFor(() => clock.pendingCount() === 1, { what: "the next look" });
  }
  watch.close();
  return { path, hooks, reloads, changes, lines: lines() };
}

test("watchConfig() reloads if the configuration says so, and runs its program", async () => {
  const both = 'autoreload = true\non_config_change = ["/bin/true", "x"]\nscript_user = "nobody"';
  const { path, hooks, reloads, changes, lines } = await changeFile(both);
  expect(reloads).toEqual(["autoreload"]);
  expect(changes).toEqual([[path, true]]);
  expect(lines).toEqual([`info file-changed file=${path} reload=true`]);
  expect(hooks).toMatchObject([{ command: ["/bin/true", "x", path], user: "nobody" }]);
});

test("watchConfig() does not look at all where nobody wants to know", async () => {
  const { reloads, changes } = await changeFile("");
  expect([reloads, changes]).toEqual([[], []]);
});

test("watchConfig() tells of an ldirectord.cf that is not read again", async () => {
  const { path, hooks, reloads, changes } = await changeFile("", true);
  expect([reloads, hooks]).toEqual([[], []]);
  expect(changes).toEqual([[path, false]]);
});
