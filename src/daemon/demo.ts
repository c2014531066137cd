/**
 * `appliance demo`: a director and two real servers on loopback, without privileges and without
 * a configuration, gone at Ctrl-C.
 *
 * @module
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "../clock/index.ts";
import { ApplianceError } from "../errors/index.ts";
import { checkPath, checkText, startDemoServer } from "./demo-server.ts";
import type { DemoServer } from "./demo-server.ts";
import { directorExit } from "./exit-status.ts";
import type { DirectorExit } from "./exit-status.ts";
import { runDirector } from "./run.ts";
import type { RunOptions } from "./run.ts";

/** What the demo gets from the command line. */
export type DemoOptions = Omit<RunOptions, "files" | "onStarted">;

/** Ports that are tried first; the next free ones are taken when others have them. */
const pagePort = 8080;
const statusPort = 9780;

/** Ports tried, so that a host without any free one gets an answer. */
const portsTried = 200;

/** True if 127.0.0.1 can be listened on at this port. */
function isFree(port: number): boolean {
  try {
    const listener = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    listener.stop(true);
    return true;
  } catch {
    return false;
  }
}

/** The first free port from `first` on. @throws {ApplianceError} `DEMO_NO_PORT`. */
function findPort(first: number): number {
  for (let port = first; port < first + portsTried; port++) if (isFree(port)) return port;
  const range = `${first} to ${first + portsTried - 1}`;
  throw new ApplianceError("DEMO_NO_PORT", `Cannot start the demo: ports ${range} are all taken`);
}

/** Ports of a demo. */
export interface DemoPorts {
  readonly page: number;
  readonly status: number;
  readonly servers: readonly number[];
}

/** The demo's configuration file. Pure. */
export function demoConfig({ page, status, servers }: DemoPorts): string {
  const realServers = servers.map((port) => `  { address = "127.0.0.1:${port}" },`);
  return `# Made by "appliance demo".
[director]
stop_timeout = "1s"

[proxy]
workers = 1

[status]
listen = "127.0.0.1:${status}"

[[virtual_service]]
name = "demo"
listen = "127.0.0.1:${page}"
scheduler = "rr"
real_servers = [
${realServers.join("\n")}
]

[virtual_service.check]
type = "negotiate"
service = "http"
request = "${checkPath}"
receive = "${checkText}"
interval = "500ms"
timeout = "500ms"
`;
}

/** What to try, for a reader with a terminal. Pure. */
export function demoText(
  { page, status, servers }: DemoPorts,
  { runtime, config, program }: Readonly<Record<"runtime" | "config" | "program", string>>,
): string {
  const [first] = servers;
  const command = `APPLIANCE_RUNTIME_DIR=${runtime} ${program}`;
  return `
The demo runs: one director, ${servers.length} real servers, all on loopback.

  balanced page   http://127.0.0.1:${page}/
  status page     http://127.0.0.1:${status}/
  configuration   ${config}

What to try, in another terminal:

  curl http://127.0.0.1:${page}/         the real servers answer in turn
  curl http://127.0.0.1:${first}/fail    one fails for 10 s: soon nobody is sent there
  ${command} status
  ${command} drain 127.0.0.1:${first}
  ${command} enable 127.0.0.1:${first}

Ctrl-C ends all of it. What happens:

`;
}

/** How the operator calls this program. */
function programName(): string {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  return isCompiled ? process.execPath : "appliance";
}

/** Runs the demo until it is interrupted. @returns Exit status, as of `runDirector`. */
export async function runDemo(options: DemoOptions): Promise<DirectorExit> {
  const folder = mkdtempSync(join(tmpdir(), "appliance-demo-"));
  const servers: DemoServer[] = [];
  try {
    for (const name of ["A", "B"]) servers.push(startDemoServer(name, systemClock));
    const ports: DemoPorts = {
      page: findPort(pagePort),
      status: findPort(statusPort),
      servers: servers.map(({ port }) => port),
    };
    const runtime = join(folder, "run");
    const config = join(folder, "appliance.toml");
    writeFileSync(config, demoConfig(ports));
    return await runDirector({
      ...options,
      files: [config],
      // A terminal that is closed ends it.
      hangup: "stop",
      // The demo is nobody's service: what systemd told this process is not for it.
      environment: { APPLIANCE_RUNTIME_DIR: runtime, APPLIANCE_STATE_DIR: join(folder, "state") },
      onStarted: () => options.stdout(demoText(ports, { runtime, config, program: programName() })),
    });
  } catch (error) {
    if (!(error instanceof ApplianceError)) throw error;
    options.stderr(`appliance: ${error.message}\n`);
    return directorExit.unavailable;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  }
}
