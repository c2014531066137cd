/**
 * The executable started in a directory of somebody else: nothing that lies there is read as code
 * or as configuration of the runtime. And in an environment of somebody else: what changes the
 * runtime is known, and the units take it away.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { formatService } from "../helpers/director-config.ts";
import { fetchPage, tryPage } from "../helpers/page.ts";
import { freePort } from "../helpers/port.ts";
import { runProcess, startProcess } from "../helpers/process.ts";
import { executablePath, requireExecutable } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const needs = requireExecutable();

/** Code that leaves a mark and ends the program that runs it. */
const evil = `
  require("node:fs").writeFileSync(process.env.MARK ?? "MARK", "was here");
  process.exit(13);
`;

/** What lies in the directory: each would be read by the runtime on its own. */
const injecting: Readonly<Record<string, string>> = {
  "evil.js": evil,
  "bunfig.toml": 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n',
  ".env":
    "APPLIANCE_RUNTIME_DIR=/nonexistent/env\nAPPLIANCE_EVIL=1\nBUN_OPTIONS=--preload=./evil.js\n",
  ".env.local": "APPLIANCE_RUNTIME_DIR=/nonexistent/env\nNODE_OPTIONS=--require=./evil.js\n",
  ".env.production": "APPLIANCE_RUNTIME_DIR=/nonexistent/env\n",
  "package.json": JSON.stringify({
    name: "evil",
    type: "commonjs",
    main: "evil.js",
    imports: { "*": "./evil.js" },
    exports: "./evil.js",
    browser: { hono: "./evil.js" },
  }),
  "tsconfig.json": JSON.stringify({
    extends: "./missing.json",
    compilerOptions: { baseUrl: ".", paths: { "*": ["./evil.js"], hono: ["./evil.js"] } },
  }),
  "worker.js": evil,
  "worker.ts": evil,
  "main.js": evil,
  "index.js": evil,
  "node_modules/hono/index.js": evil,
  "node_modules/re2js/index.js": evil,
  "node_modules/valibot/index.js": evil,
};

/** The same files so that whoever reads them fails. */
const broken: Readonly<Record<string, string>> = {
  "bunfig.toml": "preload = [[[",
  ".env": "\u0000\u0001=\n===\n",
  "package.json": "{ not json",
  "tsconfig.json": "{ not json",
};

/** As an operator's shell would have it: nothing of what a test runner sets. */
const operatorEnvironment = {
  MARK: undefined,
  APPLIANCE_RUNTIME_DIR: undefined,
  NODE_ENV: undefined,
};

function createHostileFolder(content: Readonly<Record<string, string>>) {
  const folder = createTempFolder();
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(join(folder.path, path)), { recursive: true });
    writeFileSync(join(folder.path, path), text);
  }
  return folder;
}

describe.skipIf(needs.skip).each([
  ["that injects code", injecting],
  ["whose files are broken", broken],
] as const)("in a directory %s", (_name, content) => {
  let folder: ReturnType<typeof createTempFolder>;
  let options: { cwd: string; env: Record<string, string | undefined> };

  beforeEach(() => {
    folder = createHostileFolder(content);
    options = { cwd: folder.path, env: operatorEnvironment };
  });
  afterEach(() => {
    try {
      expect(existsSync(join(folder.path, "MARK"))).toBe(false);
    } finally {
      folder[Symbol.dispose]();
    }
  });

  test("version and help answer as elsewhere", async () => {
    for (const command of ["version", "help"]) {
      const elsewhere = await runProcess([executablePath, command], { cwd: "/" });
      expect(elsewhere.status).toBe(0);
      expect(await runProcess([executablePath, command], options)).toEqual(elsewhere);
    }
  });

  test("status asks the director of this host, not the one that .env names", async () => {
    const elsewhere = await runProcess([executablePath, "status"], { ...options, cwd: "/" });
    const here = await runProcess([executablePath, "status"], options);
    expect(here.status).toBe(elsewhere.status);
    expect(here.stdout + here.stderr).not.toContain("nonexistent");
  });

  test("demo balances", async () => {
    await using demo = startProcess([executablePath, "demo"], options);
    const [, page] = await demo.waitForOutput(/balanced page +(\S+)/);
    await demo.waitForOutput(/info ready/);
    expect(await fetchPage(page!)).toContain("Hello from real server");
    demo.kill("SIGINT");
    expect(await demo.exited).toBe(0);
  });

  test("run takes its own configuration, and its workers are its own", async () => {
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("page") });
    try {
      const listen = `127.0.0.1:${await freePort()}`;
      // A pattern, so that the matcher is loaded too.
      const receive = 'check = { type = "negotiate", service = "http", receive = "page" }';
      const address = `127.0.0.1:${server.port}`;
      const service = formatService({ listen, servers: [address], settings: [receive] });
      writeFileSync(join(folder.path, "appliance.toml"), `[status]\nlisten = "off"\n\n${service}`);
      const env = {
        ...options.env,
        APPLIANCE_RUNTIME_DIR: join(folder.path, "run"),
        APPLIANCE_STATE_DIR: join(folder.path, "state"),
      };
      const command = [executablePath, "run", "--config", "appliance.toml"];
      await using director = startProcess(command, { ...options, env });
      await director.waitForOutput(/info service-up/);
      await waitFor(async () => (await tryPage(`http://${listen}/`)) === "page", { what: "page" });
    } finally {
      await server.stop(true);
    }
  });
});

test.skipIf(needs.skip)("the runtime itself would run what lies in such a directory", async () => {
  using folder = createHostileFolder(injecting);
  using elsewhere = createTempFolder();
  const mark = join(elsewhere.path, "MARK");
  const env = { ...operatorEnvironment, MARK: mark };
  const { status } = await runProcess([process.execPath, "-e", "0"], { cwd: folder.path, env });
  expect([status, existsSync(mark)]).toEqual([13, true]);
});

describe.skipIf(needs.skip)("in an environment", () => {
  const evilPath = (folder: string): string => join(folder, "evil.js");

  test.each([
    ["NODE_OPTIONS", (folder: string) => `--require=${evilPath(folder)}`],
    ["NODE_PATH", (folder: string) => folder],
    ["BUN_CONFIG_PRELOAD", evilPath],
    ["BUN_INSPECT_PRELOAD", evilPath],
    ["BUN_CONFIG_FILE", (folder: string) => join(folder, "bunfig.toml")],
    ["BUN_RUNTIME_TRANSPILER_CACHE_PATH", (folder: string) => folder],
    ["HTTP_PROXY", () => "http://127.0.0.1:1"],
    ["XDG_CONFIG_HOME", (folder: string) => folder],
    ["HOME", (folder: string) => folder],
  ])("with %s it runs nothing else", async (name, valueOf) => {
    using folder = createHostileFolder({ ...injecting, ".bunfig.toml": injecting["bunfig.toml"]! });
    const mark = join(folder.path, "MARK");
    const env = { ...operatorEnvironment, MARK: mark, [name]: valueOf(folder.path) };
    const elsewhere = await runProcess([executablePath, "version"], { cwd: "/" });
    expect(await runProcess([executablePath, "version"], { cwd: "/", env })).toEqual(elsewhere);
    expect(existsSync(mark)).toBe(false);
  });

  // Who sets the environment of a process owns it: LD_PRELOAD alone is enough. So these are told in
  // docs/security.md and taken away by the units, and not fought in the program.
  test.each(["appliance.service", "appliance-realserver.service"])(
    "%s takes away what changes the runtime",
    async (unit) => {
      using folder = createHostileFolder(injecting);
      const mark = join(folder.path, "MARK");
      const options = `--preload=${evilPath(folder.path)}`;
      const env = { ...operatorEnvironment, MARK: mark, BUN_OPTIONS: options };
      await runProcess([executablePath, "version"], { cwd: "/", env });
      expect(existsSync(mark)).toBe(true);
      const asBun = { ...operatorEnvironment, BUN_BE_BUN: "1" };
      const { stdout } = await runProcess([executablePath, "--revision"], { cwd: "/", env: asBun });
      expect(stdout).toStartWith(Bun.version);

      const path = new URL(`../../packaging/debian/appliance/${unit}`, import.meta.url).pathname;
      const lines = [...readFileSync(path, "utf8").matchAll(/^UnsetEnvironment=(.*)$/gm)];
      const unset = lines.flatMap(([, names]) => names!.split(" "));
      for (const name of [
        "BUN_OPTIONS",
        "BUN_BE_BUN",
        "BUN_INSPECT",
        "NODE_OPTIONS",
        "LD_PRELOAD",
      ]) {
        expect(unset).toContain(name);
      }
    },
  );
});
