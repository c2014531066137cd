/**
 * Whole directors in this process: real sockets on loopback, real files, real engines.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { runDirector } from "../../../src/daemon/run.ts";
import type { Snapshot } from "../../../src/status/source.ts";
import { freePorts, isListening } from "../../helpers/port.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";

/** Ends what a test has started, also when it failed. */
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A real server that answers with its name; `status` may be changed. */
function startRealServer(name: string) {
  const state = { status: 200, requests: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch() {
      state.requests += 1;
      return new Response(name, { status: state.status, headers: { Connection: "close" } });
    },
  });
  cleanups.push(() => server.stop(true));
  return { port: server.port!, state, stop: () => server.stop(true) };
}

interface Options {
  readonly engine?: "native" | "portable";
  readonly servers: readonly { readonly port: number; readonly weight?: number }[];
  readonly more?: string;
  readonly stopTimeout?: string;
}

function configText(
  page: number,
  { engine = "native", servers, more = "", stopTimeout = "5s" }: Options,
) {
  const list = servers.map(
    ({ port, weight = 1 }) => `  { address = "127.0.0.1:${port}", weight = ${weight} },`,
  );
  return `
[director]
stop_timeout = "${stopTimeout}"
[proxy]
workers = 1
engine = "${engine}"
[status]
listen = "off"
[[virtual_service]]
name = "web"
listen = "127.0.0.1:${page}"
scheduler = "rr"
check = { type = "negotiate", service = "http", request = "/", interval = "100ms", timeout = "5s", fall = 1 }
${more}
real_servers = [
${list.join("\n")}
]
`;
}

/** Prepares files and runs a director on them. */
async function setUp(options: Options) {
  const folder = createTempFolder();
  cleanups.push(() => folder[Symbol.dispose]());
  const [page] = await freePorts(1);
  const file = join(folder.path, "appliance.toml");
  const write = (text: string): void => writeFileSync(file, text);
  write(configText(page!, options));
  const environment = {
    APPLIANCE_STATE_DIR: join(folder.path, "state"),
    APPLIANCE_RUNTIME_DIR: join(folder.path, "run"),
  };
  const control = join(folder.path, "run", "control.sock");
  let log = "";
  const run = (files = [file]) => {
    const abort = new AbortController();
    const { promise: started, resolve } = Promise.withResolvers<boolean>();
    const exited = runDirector({
      files,
      environment,
      stdout: () => undefined,
      stderr: (text) => (log += text),
      signal: abort.signal,
      onStarted: () => resolve(true),
    });
    cleanups.push(async () => {
      abort.abort();
      await exited;
    });
    return { started: Promise.race([started, exited.then(() => false)]), exited, abort };
  };
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`http://localhost${path}`, { ...init, unix: control });
  const post = async (path: string, body: unknown) => {
    const headers = { "Content-Type": "application/json" };
    return (await ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
  };
  const status = async (): Promise<Snapshot> => (await (await ask("/status")).json()) as Snapshot;
  return {
    folder: folder.path,
    page: page!,
    file,
    control,
    environment,
    write,
    run,
    ask,
    post,
    status,
    log: () => log,
    waitUntilReady: () =>
      // Its control socket opens with its listeners.
      waitFor(async () => existsSync(control) && (await status()).ready, {
        what: "ready director",
      }),
    get: async () => (await fetch(`http://127.0.0.1:${page}/`)).text(),
  };
}

/** Names of the servers that answer `count` requests, sorted. */
async function answers(get: () => Promise<string>, count: number): Promise<string[]> {
  const names: string[] = [];
  for (let index = 0; index < count; index++) names.push(await get());
  return names.toSorted();
}

describe.each(["native", "portable"] as const)("runDirector() with the %s engine", (engine) => {
  test("balances, follows failures, reloads, drains, keeps overrides, stops", async () => {
    const [one, two] = [startRealServer("one"), startRealServer("two")];
    const servers = [one, two];
    const director = await setUp({ engine, servers });
    const first = director.run();
    expect(await first.started).toBe(true);
    await director.waitUntilReady();
    expect(await answers(director.get, 4)).toEqual(["one", "one", "two", "two"]);

    // A server fails its check, and comes back.
    one.state.status = 500;
    const healthOf = async (index: number) =>
      (await director.status()).services[0]!.realServers[index]!.health;
    await waitFor(async () => (await healthOf(0)) === "down", { what: "failed check" });
    expect(await answers(director.get, 4)).toEqual(["two", "two", "two", "two"]);
    one.state.status = 200;
    await waitFor(async () => (await healthOf(0)) === "up", { what: "passed check" });

    // A reload by signal; then a broken file, which changes nothing.
    director.write(configText(director.page, { engine, servers: [{ ...one, weight: 0 }, two] }));
    process.emit("SIGHUP", "SIGHUP");
    await waitFor(async () => (await director.status()).services[0]!.realServers[0]!.weight === 0, {
      what: "reload",
    });
    expect(await answers(director.get, 2)).toEqual(["two", "two"]);
    director.write("[director\n");
    expect(await director.post("/reload", { dry_run: false })).toMatchObject({
      code: "CONFIG_INVALID",
    });
    expect(await answers(director.get, 2)).toEqual(["two", "two"]);
    expect((await director.status()).configuration.lastReloadSuccessful).toBe(false);
    director.write(configText(director.page, { engine, servers }));
    expect(await director.post("/reload", { dry_run: false })).toMatchObject({ ok: true });
    expect(await answers(director.get, 4)).toEqual(["one", "one", "two", "two"]);

    // Drained by an operator; kept over a restart.
    expect(
      await director.post("/servers/change", { action: "drain", server: `127.0.0.1:${two.port}` }),
    ).toMatchObject({ ok: true, changed: [{ service: "web" }] });
    expect(await answers(director.get, 2)).toEqual(["one", "one"]);
    first.abort.abort();
    expect(await first.exited).toBe(0);
    expect(await isListening(director.page)).toBe(false);
    expect(existsSync(director.control)).toBe(false);

    const second = director.run();
    expect(await second.started).toBe(true);
    await director.waitUntilReady();
    expect((await director.status()).services[0]!.realServers[1]!.admin).toBe("draining");
    expect(await answers(director.get, 2)).toEqual(["one", "one"]);
  });

  test("a server that is gone costs no request: another one is tried", async () => {
    const [one, two] = [startRealServer("one"), startRealServer("two")];
    const director = await setUp({ engine, servers: [one, two] });
    director.run();
    await director.waitUntilReady();
    await one.stop();
    expect(await answers(director.get, 6)).toEqual(Array.from({ length: 6 }, () => "two"));
    await waitFor(() => director.log().includes("server-down service=web"), { what: "log line" });
  });

  test("the fallback serves while no real server does, but not before the first checks", async () => {
    const [one, sorry] = [startRealServer("one"), startRealServer("sorry")];
    one.state.status = 500;
    const more = `fallback = "127.0.0.1:${sorry.port}"`;
    const director = await setUp({ engine, servers: [one], more });
    director.run();
    await director.waitUntilReady();
    expect(await answers(director.get, 2)).toEqual(["sorry", "sorry"]);
    one.state.status = 200;
    await waitFor(async () => (await director.status()).services[0]!.state === "up", {
      what: "real server",
    });
    expect(await answers(director.get, 2)).toEqual(["one", "one"]);
  });

  test("SIGTERM lets connections end, a second one does not wait", async () => {
    const held: Bun.Socket[] = [];
    const slow = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => void held.push(socket),
        data() {},
      },
    });
    cleanups.push(() => slow.stop(true));
    const director = await setUp({
      engine,
      servers: [slow],
      stopTimeout: "60s",
    });
    director.write(
      configText(director.page, { engine, servers: [slow], stopTimeout: "60s" }).replace(
        /check = .*/,
        'check = { type = "on" }',
      ),
    );
    const { exited } = director.run();
    await director.waitUntilReady();
    let isOpen = true;
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port: director.page,
      socket: { data() {}, close: () => void (isOpen = false), error() {} },
    });
    cleanups.push(() => client.terminate());
    client.write("hello");
    await waitFor(() => held.length === 1, { what: "connection at the real server" });
    process.emit("SIGTERM", "SIGTERM");
    await waitFor(async () => !(await isListening(director.page)), { what: "end of listening" });
    expect(isOpen).toBe(true);
    expect((await director.status()).notReady).toEqual(["the director stops"]);
    process.emit("SIGTERM", "SIGTERM");
    expect(await exited).toBe(0);
    await waitFor(() => !isOpen, { what: "end of the connection" });
  });
});

describe("runDirector() and the world around it", () => {
  test("runs the programs of a service, as the script user", async () => {
    const folder = createTempFolder();
    cleanups.push(() => folder[Symbol.dispose]());
    chmodSync(folder.path, 0o755);
    const notes = join(folder.path, "notes");
    mkdirSync(notes);
    chmodSync(notes, 0o777);
    const program = join(folder.path, "note");
    const script = `#!/bin/sh\necho "$1 $APPLIANCE_SERVICE $(id -u)" >>${notes}/all\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const more = ["quorum_up", "quorum_down", "on_service_up", "on_service_down"]
      .map((name) => `${name} = ["${program}", "${name}"]`)
      .join("\n");
    const one = startRealServer("one");
    const director = await setUp({ engine: "portable", servers: [one], more });
    const text = configText(director.page, { engine: "portable", servers: [one], more });
    director.write(text.replace("[director]", '[director]\nscript_user = "nobody"'));
    const { abort, exited } = director.run();
    await director.waitUntilReady();
    one.state.status = 500;
    await waitFor(async () => (await director.status()).services[0]!.state === "down", {
      what: "failed check",
    });
    one.state.status = 200;
    await waitFor(async () => (await director.status()).services[0]!.state === "up", {
      what: "passed check",
    });
    abort.abort();
    expect(await exited).toBe(0);
    const uid = process.getuid!() === 0 ? 65_534 : process.getuid!();
    const expected = ["on_service_up", "quorum_up", "on_service_down", "quorum_down"];
    expect((await Bun.file(join(notes, "all")).text()).trim().split("\n")).toEqual(
      [...expected, ...expected].map((name) => `${name} web ${uid}`),
    );
  });

  test("an overrides file that is damaged does not stop it", async () => {
    const director = await setUp({ engine: "portable", servers: [startRealServer("one")] });
    mkdirSync(join(director.folder, "state"));
    writeFileSync(join(director.folder, "state", "overrides.json"), "{");
    director.run();
    await director.waitUntilReady();
    expect(director.log()).toContain("it is not JSON");
  });

  test("a state directory that cannot be written is told with the change", async () => {
    const one = startRealServer("one");
    const director = await setUp({ engine: "portable", servers: [one] });
    writeFileSync(join(director.folder, "state"), "");
    director.run();
    await director.waitUntilReady();
    const change = { action: "drain", server: `127.0.0.1:${one.port}` };
    expect(await director.post("/servers/change", change)).toMatchObject({
      ok: true,
      warning: expect.stringContaining("not kept over a restart"),
    });
    expect((await director.status()).services[0]!.realServers[0]!.admin).toBe("draining");
  });
});

describe("runDirector() that cannot start", () => {
  test("says that another one runs: 75", async () => {
    const director = await setUp({ servers: [startRealServer("one")] });
    const first = director.run();
    expect(await first.started).toBe(true);
    const second = director.run();
    expect(await second.exited).toBe(75);
    expect(director.log()).toContain("appliance: Cannot start: another director runs");
    await director.waitUntilReady();
  });

  test("says which ports are taken: 69, and leaves nothing open", async () => {
    const director = await setUp({ servers: [startRealServer("one")] });
    const taken = Bun.listen({ hostname: "127.0.0.1", port: director.page, socket: { data() {} } });
    cleanups.push(() => taken.stop(true));
    expect(await director.run().exited).toBe(69);
    expect(director.log()).toContain(
      `virtual service web: Cannot listen on tcp 127.0.0.1:${director.page}`,
    );
    expect(existsSync(director.control)).toBe(false);
  });

  test("says that the status port is taken: 69", async () => {
    const director = await setUp({ servers: [startRealServer("one")] });
    const [port] = await freePorts(1);
    const taken = Bun.listen({ hostname: "127.0.0.1", port: port!, socket: { data() {} } });
    cleanups.push(() => taken.stop(true));
    const text = configText(director.page, { servers: [startRealServer("two")] });
    director.write(text.replace('listen = "off"', `listen = "127.0.0.1:${port}"`));
    expect(await director.run().exited).toBe(69);
    expect(await isListening(director.page)).toBe(false);
  });

  test.each([
    ["missing", (file: string) => [`${file}.none`], 66],
    ["a directory", (file: string) => [join(file, "..")], 66],
    ["broken", (file: string) => [file], 65],
  ])("says that a file is %s", async (_name, files, expected) => {
    const director = await setUp({ servers: [startRealServer("one")] });
    director.write("[director\n");
    expect(await director.run([...files(director.file)]).exited).toBe(expected as never);
    expect(director.log()).toStartWith("appliance: Cannot ");
  });

  test("says that the runtime directory cannot be used: 77", async () => {
    const director = await setUp({ servers: [startRealServer("one")] });
    mkdirSync(join(director.folder, "run", "director.lock"), { recursive: true });
    expect(await director.run().exited).toBe(77);
    expect(director.log()).toContain("APPLIANCE_RUNTIME_DIR");
  });
});
