/**
 * Configurations that cannot be used: a running director says why and goes on as it was.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { formatService } from "../helpers/director-config.ts";
import { readMetric, readService, readSnapshot, runCommand } from "../helpers/director-view.ts";
import { spawnDirector, startDirector } from "../helpers/director.ts";
import type { Director } from "../helpers/director.ts";
import { startNginx } from "../helpers/nginx.ts";
import { fetchPage } from "../helpers/page.ts";
import { freePort, isListening } from "../helpers/port.ts";
import { runProcess } from "../helpers/process.ts";
import {
  executablePath,
  requireAll,
  requireDescriptors,
  requireExecutable,
  requirePeer,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { connectTcp, freePorts as tcpPorts, openTcpServer } from "../helpers/traffic/tcp.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireAll(requireExecutable(), requirePeer("nginx", "unshare"));
const root = requireAll(needs, requireRoot());

const outcomeMetric = "appliance_config_last_reload_successful";
/** Larger than any configuration may be; sparse, so it takes no room. */
const hugeBytes = 1 << 30;

describe.skipIf(needs.skip)("a running director", () => {
  const stack = new AsyncDisposableStack();
  let director: Director;
  let good: string;
  let listen: string;
  let url: string;

  beforeAll(async () => {
    const nginx = stack.use(await startNginx({ pages: { "index.html": "page\n" } }));
    listen = `127.0.0.1:${await freePort()}`;
    url = `http://${listen}/`;
    good = formatService({ listen, servers: [nginx.address] });
    director = stack.use(await startDirector({ config: good }));
  }, 20_000);
  afterAll(() => stack.disposeAsync());

  const write = (text: string | Uint8Array): void => writeFileSync(director.configPath, text);

  /** What makes the file unusable, the exit status of `reload`, and a part of what it says. */
  const faults: readonly (readonly [string, () => void, number, RegExp])[] = [
    ["syntax", () => director.configure(`${good}\n[[virtual_service]\n`), 65, /toml:\d+/],
    ["an unknown key", () => director.configure(good.replace("listen", "lisen")), 65, /lisen/],
    ["half a file", () => director.configure(good.slice(0, good.length / 2)), 65, /toml:\d+/],
    [
      "a key of the kernel's engines",
      () => director.configure(good.replace("listen", "mtu = 1400\nlisten")),
      65,
      /"masq", "gate" or "ipip" beside mtu/,
    ],
    ["an empty file", () => write(""), 65, /virtual_service/],
    ["binary", () => write(crypto.getRandomValues(new Uint8Array(4096))), 65, /toml/],
    ["no file", () => rmSync(director.configPath), 66, /appliance\.toml/],
    [
      "a directory",
      () => {
        rmSync(director.configPath);
        mkdirSync(director.configPath);
      },
      66,
      /appliance\.toml/,
    ],
    ["a huge file", () => truncateSync(director.configPath, hugeBytes), 65, /16777216 bytes/],
    ["a missing include", () => write(`include = ["gone.toml"]\n${good}`), 65, /gone\.toml/],
  ];

  test.each(faults)("goes on untouched with %s", async (_name, spoil, status, text) => {
    const { loadedAt } = (await readSnapshot(director)).configuration;
    try {
      spoil();
      const refused = await runCommand(director, "reload");
      expect({ status: refused.status, stdout: refused.stdout }).toEqual({ status, stdout: "" });
      expect(refused.stderr).toMatch(text);
      expect(await readMetric(director, outcomeMetric)).toBe(0);
      const { configuration, ready } = await readSnapshot(director);
      expect(ready).toBe(true);
      expect(configuration).toMatchObject({
        loadedAt,
        lastReloadSuccessful: false,
        lastReloadError: expect.stringMatching(text),
      });
      expect(await fetchPage(url)).toBe("page");
      expect(await readService(director)).toMatchObject({
        listen: [listen],
        state: "up",
        realServers: [{ health: "up", weight: 1 }],
      });
    } finally {
      rmSync(director.configPath, { recursive: true, force: true });
      director.configure(good);
    }
    expect(await runCommand(director, "reload")).toMatchObject({ status: 0, stderr: "" });
    expect(await readMetric(director, outcomeMetric)).toBe(1);
  });

  test("tells of a broken file after SIGHUP", async () => {
    const line = 'error reload by=SIGHUP reason="Cannot use the configuration:';
    const failures = (): number => director.process.output().split(line).length;
    const before = failures();
    write("half =");
    try {
      director.process.kill("SIGHUP");
      await waitFor(() => failures() > before, { what: "line in the log" });
      expect(await readMetric(director, outcomeMetric)).toBe(0);
      expect(await fetchPage(url)).toBe("page");
    } finally {
      director.configure(good);
    }
    director.process.kill("SIGHUP");
    await waitFor(async () => (await readMetric(director, outcomeMetric)) === 1, { what: "cure" });
  });

  test("keeps the other services when one cannot listen, and tells", async () => {
    await using taken = openTcpServer();
    const address = `127.0.0.1:${taken.port}`;
    const other = formatService({ name: "other", listen: address, servers: ["127.0.0.1:9"] });
    director.configure(`${good}\n${other}`);
    try {
      await runCommand(director, "reload");
      await director.process.waitForOutput(new RegExp(`other.*${address}.*use`));
      expect(await fetchPage(url)).toBe("page");
      // Once the port is free, the next reload takes it, if the director has not yet.
      await taken[Symbol.asyncDispose]();
      await waitFor(async () => !(await isListening(taken.port)), { what: "free port" });
      await runCommand(director, "reload");
      await director.process.waitForOutput(/info listener-open service=other/);
    } finally {
      director.configure(good);
    }
    expect(await runCommand(director, "reload")).toMatchObject({ status: 0 });
  });
});

const kernelKey = `[[virtual_service]]
name = "a"
listen = "127.0.0.1:1"
mtu = 1400
real_servers = [{ address = "127.0.0.1:2" }]
`;

describe.skipIf(needs.skip)("a director that starts", () => {
  test.each<readonly [string, string, number, RegExp]>([
    ["syntax", "[[virtual_service]\n", 65, /toml:\d+/],
    ["nothing to do", "", 65, /virtual_service/],
    ["a key of the kernel's engines", kernelKey, 65, /beside mtu/],
  ])("refuses %s", async (_name, config, status, text) => {
    await using director = await spawnDirector({ config });
    expect(await director.process.exited).toBe(status);
    await director.process.waitForOutput(text);
  });

  test("refuses a missing file", async () => {
    using folder = createTempFolder();
    const path = join(folder.path, "gone.toml");
    const { status, stderr } = await runProcess([executablePath, "run", "--config", path]);
    expect([status, stderr]).toEqual([66, expect.stringContaining(path)]);
  });
});

/** So many that a pass over all of them at each step would show. */
const manyServices = 5000;
const manyNeeds = requireAll(needs, requireDescriptors(manyServices + 1000));

test.skipIf(manyNeeds.skip)("5,000 services start, reload and end like one", async () => {
  await using server = openTcpServer((peer) => peer.send("page"));
  const [basePort] = tcpPorts(1);
  const config = (lastName: string): string =>
    Array.from({ length: manyServices }, (_, index) =>
      formatService({
        name: index === manyServices - 1 ? lastName : `service-${index}`,
        listen: `127.1.${index >> 8}.${index & 255}:${basePort}`,
        servers: [`127.0.0.1:${server.port}`],
        // Each check alike, so that one does for all.
        settings: ['check = { type = "connect", interval = "5s" }'],
      }),
    ).join("\n");
  const withWorkers = (text: string): string =>
    `[director]\nstop_timeout = "0s"\n[proxy]\nworkers = 1\n\n${text}`;
  await using director = await startDirector({ config: withWorkers(config("last")) });
  const { services } = await readSnapshot(director);
  expect(services).toHaveLength(manyServices);
  expect(services.every(({ state }) => state === "up")).toBe(true);

  director.configure(withWorkers(config("renamed")));
  const { stdout } = await runCommand(director, "reload");
  expect(stdout.trim().split("\n")).toEqual([
    'service "last" removed',
    'service "renamed" added: 1 address, 1 real server',
  ]);
  const lastAddress = `127.1.${(manyServices - 1) >> 8}.${(manyServices - 1) & 255}`;
  await waitFor(
    async () => (await readService(director, "renamed")).realServers[0]!.health === "up",
    { what: "the renamed service" },
  );
  await (await connectTcp(basePort!, lastAddress)).untilText("page");
  const listed = await runCommand(director, "list", "-n");
  expect(listed.stdout.match(/^TCP /gm)).toHaveLength(manyServices);
});

test.skipIf(root.skip)("an unreadable file changes nothing, and is no start", async () => {
  const uid = 65_534;
  using folder = createTempFolder();
  // The tree and this folder may be closed to a user without privileges.
  const executable = join(folder.path, "appliance");
  copyFileSync(executablePath, executable);
  chownSync(folder.path, uid, uid);
  const config = formatService({
    listen: `127.0.0.1:${await freePort()}`,
    servers: ["127.0.0.1:9"],
  });
  const prefix = ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const options = { config, prefix, executable, folder: folder.path };
  await using director = await startDirector(options);
  chmodSync(director.configPath, 0o600);
  const refused = await runCommand(director, "reload");
  expect(refused).toMatchObject({ status: 77, stdout: "" });
  expect(refused.stderr).toContain(director.configPath);
  expect(await readMetric(director, outcomeMetric)).toBe(0);
  expect(await readService(director)).toMatchObject({ name: "web" });

  await director.process.stop();
  const again = await runProcess([...prefix, executable, "run", "-c", director.configPath], {
    env: director.environment,
  });
  expect([again.status, again.stderr]).toEqual([77, expect.stringContaining(director.configPath)]);
});
