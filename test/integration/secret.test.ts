/**
 * Secrets of a configuration that has every kind: none is in any answer, list, metric, log line,
 * argument, or file that the director writes, also when servers send back what they were told.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { askDirector, readSnapshot, runCommand } from "../helpers/director-view.ts";
import type { DirectorPlace } from "../helpers/director-view.ts";
import { createLan } from "../helpers/netns.ts";
import type { Lan } from "../helpers/netns.ts";
import { runProcess } from "../helpers/process.ts";
import type { StartedProcess } from "../helpers/process.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requireNetns,
  requireRoot,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

setDefaultTimeout(60_000);

const needs = requireAll(requireExecutable(), requireRoot(), requireNetns());

/** By file or key; each is found nowhere else. */
const secrets = {
  readToken: "ReadTokenReadTokenReadTokenReadToken01",
  writeToken: "WriteTokenWriteTokenWriteTokenWrite02",
  vrrpKey: "VrrpKeyVrrpKeyVrrpKeyVrrpKeyVrrpKey03",
  oldVrrpKey: "OldVrrpKeyOldVrrpKeyOldVrrpKeyOldVr04",
  peerKey: "PeerKeyPeerKeyPeerKeyPeerKeyPeerKey05",
  routerPassword: "vr2Pa55w",
  password: "checkPassword07",
  radiusSecret: "radiusSecret08",
} as const;
/** Services with a login, and more of their check. */
const logins: Readonly<Record<string, string>> = {
  pop: "",
  imap: "",
  ftp: "",
  redis: "",
  mysql: 'request = "SELECT 1"',
  pgsql: 'request = "SELECT 1"',
  ldap: "",
};

function withNames(changes: Partial<Record<keyof typeof secrets, string>> = {}) {
  return { ...secrets, ...changes };
}

function formatConfig(folder: string, ports: Readonly<Record<string, number>>, own = secrets) {
  const services = Object.entries(logins).map(([service, more], index) => {
    const login = `login = "checker", password = "${own.password}"`;
    const comma = more === "" ? "" : ", ";
    return `
[[virtual_service]]
name = "${service}"
listen = "10.99.0.1:${7000 + index}"
check = { type = "negotiate", service = "${service}", ${login}${comma}${more}, interval = "200ms", timeout = "150ms" }
real_servers = [{ address = "10.99.0.1:${ports[service]}" }]
`.replace(", ,", ",");
  });
  return `
[director]
log_level = "debug"
script_user = "root"

[status]
listen = "127.0.0.1:9780"
read_token_file = "${folder}/read.token"
write_token_file = "${folder}/write.token"
${services.join("")}
[[virtual_service]]
name = "radius"
listen = "10.99.0.1:7999"
protocol = "udp"
check = { type = "negotiate", service = "radius", login = "checker", password = "${own.password}", secret = "${own.radiusSecret}" }
real_servers = [{ address = "10.99.0.1:1812" }]

[[vrrp]]
name = "signed"
interface = "eth0"
vrid = 51
addresses = ["10.99.0.100/24"]
key_file = "${folder}/vrrp.key"

[[vrrp]]
name = "old"
interface = "eth0"
vrid = 52
version = 2
advertise_interval = "1s"
addresses = ["10.99.0.101/24"]
auth_pass = "${own.routerPassword}"

[peer]
address = "10.99.0.2:9781"
key_file = "${folder}/peer.key"
`;
}

function writeSecretFile(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
}

/** Every file below a folder with its text; what is no file is left out. */
function textsBelow(folder: string): readonly (readonly [string, string])[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, "latin1")] as const);
}

/** `place: secret` for each that is in a text, as it is or as hexadecimal or base64. */
function leaks(texts: readonly (readonly [string, string])[]): readonly string[] {
  return texts.flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) => {
      const bytes = Buffer.from(secret);
      const forms = [secret, bytes.toString("hex"), bytes.toString("base64").replaceAll("=", "")];
      return forms.some((form) => text.includes(form)) ? [`${place}: ${name}`] : [];
    }),
  );
}

describe.skipIf(needs.skip)("a director with secrets of every kind", () => {
  let lan: Lan<"one">;
  let folder: ReturnType<typeof createTempFolder>;
  let place: DirectorPlace;
  let director: StartedProcess;
  let ports: Readonly<Record<string, number>>;
  const configPath = (): string => join(folder.path, "appliance.toml");

  beforeAll(async () => {
    lan = await createLan(["one"]);
    folder = createTempFolder();
    const script = new URL("../helpers/echo-server.ts", import.meta.url).pathname;
    const servers = lan.hosts.one.spawn([process.execPath, script, "10.99.0.1"]);
    const [, told] = await servers.waitForOutput(/listening (.*)/);
    ports = JSON.parse(told!) as Record<string, number>;
    writeSecretFile(join(folder.path, "read.token"), `monitor ${secrets.readToken}\n`);
    writeSecretFile(join(folder.path, "write.token"), `${secrets.writeToken}\n`);
    writeSecretFile(
      join(folder.path, "vrrp.key"),
      `1 ${secrets.vrrpKey}\n2 ${secrets.oldVrrpKey}\n`,
    );
    writeSecretFile(join(folder.path, "peer.key"), `${secrets.peerKey}\n`);
    writeFileSync(configPath(), formatConfig(folder.path, ports), { mode: 0o600 });
    const environment = {
      APPLIANCE_RUNTIME_DIR: join(folder.path, "run"),
      APPLIANCE_STATE_DIR: join(folder.path, "state"),
    };
    place = { environment };
    const command = [executablePath, "run", "--config", configPath()];
    director = lan.hosts.one.spawn(command, { env: environment });
    await director.waitForOutput(/info ready/, 30_000);
    // All checks have failed at a server that repeats what it was told.
    await waitFor(
      async () => {
        const { services } = await readSnapshot(place);
        return services.every(({ realServers }) => realServers[0]!.health === "down");
      },
      { what: "refused logins" },
    );
  });
  afterAll(async () => {
    await lan?.[Symbol.asyncDispose]();
    folder?.[Symbol.dispose]();
  });

  test("gives none away over HTTP", async () => {
    const token = ["-H", `Authorization: Bearer ${secrets.readToken}`];
    const curl = async (path: string) => {
      const url = `http://127.0.0.1:9780${path}`;
      const { stdout } = await lan.hosts.one.run(["curl", "-s", "-m", "2", ...token, url]);
      expect([path, stdout === ""]).toEqual([path, false]);
      return [path, stdout] as const;
    };
    const paths = ["/", "/status", "/metrics", "/config", "/readyz", "/connections", "/nowhere"];
    expect(leaks(await Promise.all([...paths, "/events"].map(curl)))).toEqual([]);
    const answers = paths.map(
      async (path) => [path, (await askDirector(place, path))!.text] as const,
    );
    expect(leaks(await Promise.all(answers))).toEqual([]);
    expect((await askDirector(place, "/config"))!.text).toContain("********");
  });

  test("gives none away on the command line", async () => {
    const commands = ["status", "status --json", "config", "config --json", "list", "list --json"];
    const run = async (line: string) => {
      const { stdout, stderr } = await runCommand(place, ...line.split(" "));
      expect(stdout).not.toBe("");
      return [line, stdout + stderr] as const;
    };
    const texts = await Promise.all(commands.map(run));
    expect(leaks(texts)).toEqual([]);
    // What servers say cannot drive the operator's terminal.
    for (const [, text] of texts) expect(text).not.toContain("\u001b");
  });

  test("tells a reload that changes every secret without them", async () => {
    const changed = withNames({
      password: "another7",
      radiusSecret: "another8",
      routerPassword: "an9",
    });
    const before = readFileSync(configPath(), "utf8");
    writeFileSync(configPath(), formatConfig(folder.path, ports, changed as typeof secrets));
    const plan = await runCommand(place, "reload", "--dry-run");
    expect(plan.stdout).toContain("check.password: ******** -> ********");
    expect(plan.stdout).toContain('vrrp "old" auth_pass');
    expect(plan.stdout).not.toMatch(/another|an9/);
    expect(leaks([["reload --dry-run", plan.stdout + plan.stderr]])).toEqual([]);
    writeFileSync(configPath(), before);
  });

  test("tells what is wrong with a secret without it", async () => {
    const path = join(folder.path, "wrong.toml");
    const own = withNames({
      password: `${secrets.password}\\u0001`,
      routerPassword: `${secrets.routerPassword}-too-long`,
      radiusSecret: secrets.radiusSecret.repeat(40),
    });
    writeFileSync(path, formatConfig(folder.path, ports, own as typeof secrets));
    const { status, stdout, stderr } = await runProcess([executablePath, "validate", path]);
    expect(status).toBe(65);
    expect(stderr + stdout).toMatch(/password.*\n[^]*auth_pass/);
    expect(leaks([["validate", stdout + stderr]])).toEqual([]);
    writeFileSync(path, `[status]\nread_token_file = ${secrets.readToken}\n`);
    const broken = await runProcess([executablePath, "validate", path]);
    expect(broken.status).toBe(65);
    expect(leaks([["validate", broken.stdout + broken.stderr]])).toEqual([]);
  });

  test("warns of a configuration with secrets that others can read", async () => {
    const path = join(folder.path, "open.toml");
    writeFileSync(path, formatConfig(folder.path, ports));
    for (const [mode, isTold] of [
      [0o644, true],
      [0o640, false],
    ] as const) {
      chmodSync(path, mode);
      const { status, stdout, stderr } = await runProcess([executablePath, "validate", path]);
      expect([status, stderr.includes("Others can read this file")]).toEqual([0, isTold]);
      expect(leaks([["validate", stdout + stderr]])).toEqual([]);
    }
  });

  test("has none in its log, its files, its arguments and its environment", async () => {
    director.kill("SIGUSR1");
    await director.waitForOutput(/state /);
    const files = [
      ...textsBelow(join(folder.path, "run")),
      ...textsBelow(join(folder.path, "state")),
    ];
    const children = readdirSync(`/proc/${director.pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${director.pid}/task/${task}/children`, "utf8").split(" "),
    );
    const processes = [String(director.pid), ...children.filter((pid) => /^\d+$/.test(pid))];
    expect(processes.length).toBeGreaterThan(1);
    const told = processes.flatMap((pid) =>
      ["cmdline", "environ", "comm"].map((name) => {
        const path = `/proc/${pid}/${name}`;
        return [path, readFileSync(path, "latin1")] as const;
      }),
    );
    expect(leaks([["log", director.output()], ...files, ...told])).toEqual([]);
    expect(director.output()).not.toContain("\u001b");
  });

  test.each(["read.token", "write.token", "vrrp.key", "peer.key"])(
    "does not start with a %s that others can read, or that is theirs to change",
    async (name) => {
      const path = join(folder.path, name);
      for (const mode of [0o604, 0o602]) {
        chmodSync(path, mode);
        const env = {
          APPLIANCE_RUNTIME_DIR: join(folder.path, "run2"),
          APPLIANCE_STATE_DIR: join(folder.path, "state2"),
        };
        const command = [executablePath, "run", "--config", configPath()];
        const { status, stderr } = await lan.hosts.one.run(command, { env });
        expect([mode, status === 0]).toEqual([mode, false]);
        expect(stderr).toContain("others can read or change it");
        expect(leaks([["stderr", stderr]])).toEqual([]);
      }
      chmodSync(path, 0o600);
    },
  );
});
