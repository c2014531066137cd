/**
 * The scripts behind `npm start`, `npm run build` and the set-up, on a small tree of their own.
 */
import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";

import { runProcess, startProcess } from "../helpers/process.ts";
import { executablePath, requireExecutable } from "../helpers/require-peer.ts";
import { createSmallTree } from "../helpers/small-tree.ts";
import { treeRoot } from "../helpers/source-tree.ts";

/** Says what it sees of its surroundings, and ends with 7 when told to. */
const program = `
import { startWorker } from "./part/start.ts";
declare const APPLIANCE_VERSION: string;
declare const APPLIANCE_COMMIT: string;
const [command, ...rest] = process.argv.slice(2);
if (command === "wait") {
  process.on("SIGTERM", () => process.exit(7));
  setInterval(() => {}, 1000);
  console.log("waiting");
} else {
  const worker = startWorker();
  worker.onmessage = ({ data }) => {
    const seen = { command, rest, cwd: process.cwd(), planted: process.env.PLANTED ?? "none" };
    console.log(JSON.stringify({ ...seen, version: APPLIANCE_VERSION, commit: APPLIANCE_COMMIT, worker: data }));
    process.exit(command === "fail" ? 65 : 0);
  };
}
`;

const start = `
export const startWorker = (): Worker => new Worker(new URL("./worker.ts", import.meta.url).href);
`;

const tree = createSmallTree({
  "src/main.ts": program,
  "src/part/start.ts": start,
  "src/part/worker.ts": 'postMessage("from the worker");\n',
});
afterAll(() => tree[Symbol.dispose]());
mkdirSync(join(tree.path, "ffi"));

/** What a hostile or careless user may have in the directory the program is started in. */
function plant(folder: string): void {
  const path = (name: string): string => join(folder, name);
  tree.write(path("preload.ts").slice(tree.path.length), 'console.log("PRELOADED");\n');
  for (const [name, text] of [
    ["bunfig.toml", 'preload = ["./preload.ts"]\n'],
    [".env", "PLANTED=yes\n"],
    [".env.local", "PLANTED=yes\n"],
    ["package.json", '{"type":"commonjs","imports":{"#x":"./preload.ts"}}\n'],
    ["tsconfig.json", '{"compilerOptions":{"paths":{"*":["./preload.ts"]}}}\n'],
  ] as const) {
    tree.write(path(name).slice(tree.path.length), text);
  }
}

const node = (args: readonly string[], options = {}) =>
  runProcess(["node", ...args], { cwd: tree.path, ...options });

describe("packaging/build.mjs", () => {
  test("builds an executable with its worker, version and commit", async () => {
    const built = await node(["packaging/build.mjs"]);
    expect(built).toMatchObject({ status: 0, stdout: `${tree.path}/dist/appliance\n` });
    const run = await runProcess([`${tree.path}/dist/appliance`, "show", "a b"]);
    const { version } = JSON.parse(readFileSync(join(treeRoot, "package.json"), "utf8")) as {
      version: string;
    };
    expect(JSON.parse(run.stdout)).toMatchObject({
      command: "show",
      rest: ["a b"],
      version,
      commit: "unknown",
      worker: "from the worker",
    });
  }, 60_000);

  test("builds nothing when nothing has changed, and again when a file is newer", async () => {
    await node(["packaging/build.mjs"]);
    const path = join(tree.path, "dist/appliance");
    const before = statSync(path).mtimeMs;
    expect((await node(["packaging/build.mjs"])).stderr).toBe("");
    expect(statSync(path).mtimeMs).toBe(before);
    utimesSync(join(tree.path, "src/main.ts"), new Date(), new Date());
    expect((await node(["packaging/build.mjs"])).stderr).toBe("Building dist/appliance\n");
    expect(statSync(path).mtimeMs).toBeGreaterThan(before);
  }, 60_000);

  test("leaves no path of the tree in the executable", async () => {
    await node(["packaging/build.mjs"]);
    const bytes = readFileSync(join(tree.path, "dist/appliance"));
    expect(bytes.includes(tree.path)).toBe(false);
  }, 60_000);

  test("the executable takes nothing from the directory it is started in", async () => {
    await node(["packaging/build.mjs"]);
    const hostile = join(tree.path, "hostile");
    plant(hostile);
    const run = await runProcess([`${tree.path}/dist/appliance`, "show"], { cwd: hostile });
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout)).toMatchObject({ planted: "none", worker: "from the worker" });
  }, 60_000);

  test("refuses two workers of one name, which would hide each other", async () => {
    using other = createSmallTree({
      "src/main.ts": "",
      "src/a/worker.ts": "",
      "src/b/worker.ts": "",
    });
    mkdirSync(join(other.path, "ffi"));
    const built = await node(["packaging/build.mjs"], { cwd: other.path });
    expect(built).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "Building dist/appliance\n" +
        "Cannot build: workers need names of their own, got src/a/worker.ts, src/b/worker.ts\n",
    });
  });

  test("says what is wrong with its arguments", async () => {
    const unknown = await node(["packaging/build.mjs", "--target=bun-plan9"]);
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toBe(
      "Cannot build for bun-plan9: expected one of bun-linux-x64, bun-linux-x64-baseline, " +
        "bun-linux-arm64\n",
    );
    expect((await node(["packaging/build.mjs", "--fast"])).stderr).toBe(
      "Unknown argument --fast, expected --target=, --outfile= or --force\n",
    );
  });
});

describe("packaging/start.mjs", () => {
  test("runs the executable in the user's directory and passes on its exit status", async () => {
    const run = await node(["packaging/start.mjs", "fail", "--config", "my.toml"], {
      env: { INIT_CWD: "/usr" },
    });
    expect(run.status).toBe(65);
    expect(JSON.parse(run.stdout)).toMatchObject({
      command: "fail",
      rest: ["--config", "my.toml"],
      cwd: "/usr",
    });
  }, 60_000);

  test("runs the demo without arguments", async () => {
    const run = await node(["packaging/start.mjs"], { env: { INIT_CWD: undefined } });
    expect(JSON.parse(run.stdout)).toMatchObject({ command: "demo", rest: [] });
  }, 60_000);

  test("passes SIGTERM on, once", async () => {
    await using run = startProcess(["node", "packaging/start.mjs", "wait"], { cwd: tree.path });
    await run.waitForOutput(/waiting/, 60_000);
    run.kill("SIGTERM");
    expect(await run.exited).toBe(7);
  }, 60_000);
});

describe("packaging/setup.mjs", () => {
  /** A tree in which npm has installed everything but was not allowed to run install scripts. */
  function createStubTree() {
    const stubbed = createSmallTree();
    rmSync(join(stubbed.path, "node_modules"));
    const stub = stubbed.write("node_modules/bun/bin/bun.exe", "#!/bin/sh\nexit 1\n");
    chmodSync(stub, 0o755);
    const record = readFileSync(join(treeRoot, "node_modules/.package-lock.json"), "utf8");
    stubbed.write("node_modules/.package-lock.json", record);
    // Where the install script did run, it has moved the executable away from this place.
    const arch = process.arch === "x64" ? "x64" : "aarch64";
    const platform = join(stubbed.path, `node_modules/@oven/bun-linux-${arch}/bin`);
    mkdirSync(platform, { recursive: true });
    symlinkSync(join(treeRoot, "node_modules/bun/bin/bun.exe"), join(platform, "bun"));
    return { ...stubbed, stub };
  }

  test("replaces Bun's stub by the executable of the platform package", async () => {
    using stubbed = createStubTree();
    const setup = await node(["packaging/setup.mjs"], { cwd: stubbed.path });
    expect(setup).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await runProcess([stubbed.stub, "--version"])).stdout).toBe(`${Bun.version}\n`);
  });

  test("says what to do when the platform package is missing", async () => {
    using stubbed = createStubTree();
    rmSync(join(stubbed.path, "node_modules/@oven"), { recursive: true });
    const setup = await node(["packaging/setup.mjs"], { cwd: stubbed.path });
    expect(setup.status).toBe(1);
    expect(setup.stderr).toMatch(
      /^Cannot find a Bun [\d.]+ that runs in node_modules: the package @oven\/bun-linux-\w+ is missing or broken; remove node_modules and try again\n$/,
    );
  });

  test("says so when the registry cannot be reached", async () => {
    using empty = createSmallTree();
    rmSync(join(empty.path, "node_modules"));
    const setup = await node(["packaging/setup.mjs"], {
      cwd: empty.path,
      env: {
        // Port 1 of loopback: nothing listens there.
        npm_config_registry: "http://127.0.0.1:1/",
        npm_config_cache: join(empty.path, "cache"),
        npm_config_fetch_retries: "0",
        npm_config_loglevel: "silent",
      },
    });
    expect(setup.status).toBe(1);
    expect(setup.stderr).toEndWith(
      "Cannot install the dependencies: npm cannot reach its registry. The first run installs the " +
        "dependencies and needs the network; later runs do not\n",
    );
  }, 60_000);

  test("says so when npm is missing", async () => {
    using empty = createSmallTree();
    rmSync(join(empty.path, "node_modules"));
    const folder = join(empty.path, "bin");
    mkdirSync(folder);
    const nodePath = Bun.which("node")!;
    const setup = await runProcess([nodePath, "packaging/setup.mjs"], {
      cwd: empty.path,
      env: { PATH: folder, npm_execpath: undefined },
    });
    expect(setup.status).toBe(1);
    expect(setup.stderr).toEndWith("npm is not installed; Debian has it in the package npm\n");
  });
});

const built = requireExecutable();

test.skipIf(built.skip)(
  "dist/appliance takes nothing from the directory it is started in",
  async () => {
    const hostile = join(tree.path, "hostile-real");
    plant(hostile);
    const run = await runProcess([executablePath, "version"], { cwd: hostile });
    expect(run.status).toBe(0);
    expect(run.stdout + run.stderr).not.toContain("PRELOADED");
    expect(run.stderr).toBe("");
  },
);
