/**
 * Faults of the host under a director: a full disk, memory that is not there, a clock that jumps,
 * a flood of first packets. docs/faults.md has what clients see of each.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { formatService } from "../helpers/director-config.ts";
import { readServer, readSnapshot, runCommand, waitForHealth } from "../helpers/director-view.ts";
import { spawnDirector, startDirector } from "../helpers/director.ts";
import {
  createDirectorFolder,
  formatRouter,
  startNetnsDirector,
} from "../helpers/failover/netns-director.ts";
import { macOf } from "../helpers/failover/observation.ts";
import { waitForPair } from "../helpers/fire/fault.ts";
import { createMemoryGroup, requireMemoryGroup } from "../helpers/fire/memory-group.ts";
import { holdConnections } from "../helpers/held-connections.ts";
import { createLan } from "../helpers/netns.ts";
import { startNginx } from "../helpers/nginx.ts";
import { fetchPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import {
  requireAll,
  requireDescriptors,
  requireExecutable,
  requireNetns,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

setDefaultTimeout(60_000);

const needs = requireAll(requireExecutable(), requireRoot(), requirePeer("nginx"));
const netnsNeeds = requireAll(needs, requireNetns());
const pairNeeds = requireAll(netnsNeeds, requireBpf(), requirePeer("tcc"));

/** A file system of 256 KiB on a folder, gone at the end. */
async function mountSmall(path: string) {
  const options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", path];
  const { status, stderr } = await runProcess(["mount", ...options]);
  if (status !== 0) throw new Error(stderr);
  const filler = join(path, "filler");
  return {
    fill() {
      // Page by page, until nothing fits.
      for (let bytes = 256 * 1024; bytes > 0; bytes -= 4096) {
        try {
          writeFileSync(filler, new Uint8Array(bytes));
          return;
        } catch {
          rmSync(filler, { force: true });
        }
      }
      throw new Error("Cannot fill it");
    },
    free: () => rmSync(filler),
    async [Symbol.asyncDispose]() {
      await runProcess(["umount", "--lazy", path]);
    },
  };
}

test.skipIf(needs.skip)(
  "a full disk: changes are in force and say that they are not kept",
  async () => {
    using folder = createTempFolder();
    await using disk = await mountSmall(folder.path);
    await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
    const listen = `127.0.0.1:${await freePort()}`;
    using own = createTempFolder();
    const environment = {
      APPLIANCE_RUNTIME_DIR: join(own.path, "run"),
      APPLIANCE_STATE_DIR: folder.path,
    };
    const config = formatService({ listen, servers: [nginx.address] });
    await using director = await startDirector({ config, environment });
    expect((await runCommand(director, "weight", nginx.address, "3")).status).toBe(0);
    const path = join(folder.path, "overrides.json");
    const { size } = statSync(path);

    disk.fill();
    const changed = await runCommand(director, "weight", nginx.address, "5");
    expect(changed.stdout + changed.stderr).toContain("not kept over a restart");
    expect((await readServer(director, nginx.address)).weight).toBe(5);
    // The file of before is whole.
    expect(statSync(path).size).toBe(size);
    expect(await fetchPage(`http://${listen}/`)).toBe("page");
    expect((await runCommand(director, "reload")).status).toBe(0);
    expect(await fetchPage(`http://${listen}/`)).toBe("page");

    disk.free();
    const kept = await runCommand(director, "weight", nginx.address, "7");
    expect([kept.status, kept.stderr]).toEqual([0, ""]);
    expect(await Bun.file(path).text()).toContain("7");
  },
);

test.skipIf(needs.skip)("a full disk: a director starts, with the changes of before", async () => {
  using folder = createTempFolder();
  await using disk = await mountSmall(folder.path);
  await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
  const listen = `127.0.0.1:${await freePort()}`;
  using own = createTempFolder();
  const environment = {
    APPLIANCE_RUNTIME_DIR: join(own.path, "run"),
    APPLIANCE_STATE_DIR: folder.path,
  };
  const config = formatService({ listen, servers: [nginx.address] });
  {
    await using first = await startDirector({ config, environment });
    await runCommand(first, "weight", nginx.address, "9");
  }
  disk.fill();
  await using director = await startDirector({ config, environment });
  expect((await readServer(director, nginx.address)).weight).toBe(9);
  expect(await fetchPage(`http://${listen}/`)).toBe("page");
});

const memoryNeeds = requireAll(needs, requireMemoryGroup(), requireDescriptors(19_000));
/** More than a start needs, less than nine thousand clients. */
const spareBytes = 4 * 1024 * 1024;

test.skipIf(memoryNeeds.skip)(
  "out of memory in a control group: it is killed, and starts again on the same folders",
  async () => {
    await using group = createMemoryGroup();
    await using nginx = await startNginx({ pages: { "index.html": "page\n" } });
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    using folder = createTempFolder();
    const config = formatService({ listen, servers: [nginx.address] });
    const place = { config, folder: folder.path };
    {
      await using director = await startDirector({ ...place, prefix: group.prefix });
      expect(await fetchPage(`http://${listen}/`)).toBe("page");
      group.setLimit(group.usedBytes() + spareBytes);
      await using clients = holdConnections({ port, connections: 9_000, mode: "ask" });
      expect(await director.process.exited).toBe(128 + 9);
      await clients.waitUntil(({ open }) => open === 0, 30_000);
    }
    await using again = await spawnDirector(place);
    const isServed = async (): Promise<boolean> => {
      const answer = await fetch(`http://${listen}/`).catch(() => undefined);
      return (await answer?.text()) === "page\n";
    };
    await waitFor(isServed, { what: "a page from the director that was started again" });
    await waitForHealth(again, nginx.address, "up");
  },
);

/** Connections that a client makes during the flood, one after the other. */
const visits = 40;

test.skipIf(netnsNeeds.skip)(
  "a flood of SYN packets: clients are served all the while",
  async () => {
    await using lan = await createLan(["director", "client", "flooder"]);
    const { director: host, client, flooder } = lan.hosts;
    await using nginx = await startNginx({
      pages: { "index.html": "page\n" },
      host: host.address,
      port: 8080,
      prefix: ["ip", "netns", "exec", host.netns],
      accepts: async () => {
        const url = `http://${host.address}:8080/`;
        const isUp = async (): Promise<boolean> =>
          (await client.run(["curl", "-sf", url])).status === 0;
        await waitFor(isUp, { what: "nginx" });
      },
    });
    const config = formatService({ listen: `${host.address}:80`, servers: [nginx.address] });
    await using director = await startDirector({
      config,
      prefix: ["ip", "netns", "exec", host.netns],
    });
    // Where answers to the flood go: to somebody who drops them.
    await host.run(["ip", "route", "add", "198.18.0.0/15", "via", flooder.address]);
    const script = new URL("../helpers/fire/syn-flood.ts", import.meta.url).pathname;
    const target = [await macOf(host), host.address, "80"];
    const flood = flooder.spawn([process.execPath, script, "eth0", ...target]);
    await flood.waitForOutput(/flooding/);
    // Too many for a queue: the kernel answers with cookies, which cost no memory.
    const cookies = async (): Promise<number> => {
      const { stdout } = await host.run(["cat", "/proc/net/netstat"]);
      const [names, values] = stdout.split("\n").map((line) => line.split(" "));
      return Number(values![names!.indexOf("SyncookiesSent")]);
    };
    await waitFor(async () => (await cookies()) > 1000, { what: "the flood at the director" });
    let served = 0;
    for (let visit = 0; visit < visits; visit++) {
      const command = ["curl", "-sf", "--max-time", "5", `http://${host.address}/`];
      if ((await client.run(command)).stdout === "page\n") served++;
    }
    flood.kill("SIGTERM");
    expect(served).toBe(visits);
    // Nobody but the kernel has seen any of it.
    const { services } = await readSnapshot(director);
    expect(services[0]!.connections).toBe(visits);
  },
);

describe.skipIf(pairNeeds.skip)("a clock that jumps", () => {
  /** Of the wall clock of the process alone: the host's is not touched. */
  async function compilePreload(folder: string): Promise<string> {
    const source = new URL("../helpers/fire/clock-offset.c", import.meta.url).pathname;
    const library = join(folder, "clock-offset.so");
    const { status, stderr } = await runProcess(["tcc", "-shared", "-o", library, source]);
    if (status !== 0) throw new Error(stderr);
    return library;
  }

  test("by hours, forth and back, on the active director and on the backup: nothing moves", async () => {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(createTempFolder());
    const preload = await compilePreload(folder.path);
    const lan = stack.use(await createLan(["one", "two"]));
    const pairs = [
      { host: lan.hosts.one, peer: lan.hosts.two, priority: 150 },
      { host: lan.hosts.two, peer: lan.hosts.one, priority: 100 },
    ];
    const keyFile = join(folder.path, "vrrp.key");
    writeFileSync(keyFile, `${"0123456789abcdef".repeat(4)}\n`, { mode: 0o600 });
    const directors = [];
    for (const { host, peer, priority } of pairs) {
      const offsetFile = join(folder.path, `${host.name}.offset`);
      writeFileSync(offsetFile, new Uint8Array(4096));
      const config = formatRouter({
        name: "web",
        vrid: 51,
        priority,
        addresses: ["10.99.0.100/24"],
        advertise_interval: "50ms",
        down_after: "1s",
        auth: undefined,
        key_file: keyFile,
      });
      const prefix = ["env", `LD_PRELOAD=${preload}`, `CLOCK_OFFSET_FILE=${offsetFile}`];
      const own = stack.use(createDirectorFolder());
      const place = { config, peer, prefix, folder: own.path };
      const director = stack.use(await startNetnsDirector(host, place));
      directors.push({ director, offsetFile });
      if (directors.length === 1) await director.waitForState("active");
    }
    const all = directors.map(({ director }) => director);
    await waitForPair(all);
    const before = await Promise.all(all.map((director) => director.router()));
    for (const hours of [24 * 365, -24 * 365, 0]) {
      for (const { director, offsetFile } of directors) {
        const bytes = new Uint8Array(4096);
        new DataView(bytes.buffer).setBigInt64(0, BigInt(hours * 3600), true);
        // In place: it is mapped.
        await Bun.write(offsetFile, bytes);
        const expected = Date.now() + hours * 3_600_000;
        await waitFor(
          async () => Math.abs(Date.parse((await readSnapshot(director)).at) - expected) < 60_000,
          { what: `a clock moved by ${hours} h` },
        );
        // As long as a dead time, with every advertisement that falls into it.
        const { advertisementsSent } = await all[0]!.router();
        await waitFor(
          async () => (await all[0]!.router()).advertisementsSent > advertisementsSent + 25,
          { what: "advertisements after the jump" },
        );
      }
    }
    const after = await Promise.all(all.map((director) => director.router()));
    expect(after.map(({ state }) => state)).toEqual(["active", "backup"]);
    expect(after.map(({ transitions }) => transitions)).toEqual(
      before.map(({ transitions }) => transitions),
    );
    expect(Object.keys(after[1]!.advertisementsReceived)).toEqual(["accepted"]);
  });
});
