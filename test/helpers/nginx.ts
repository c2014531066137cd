/**
 * nginx as a real server: one process, its files in a directory of its own, gone with its owner.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { freePort, waitForPort } from "./port.ts";
import { startProcess } from "./process.ts";
import type { StartedProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";

/** What {@link startNginx} may be told. */
export interface NginxOptions {
  /** Pages by path, for example `{ "ldirectord.html": "Test Page\n" }`. */
  readonly pages: Readonly<Record<string, string | Uint8Array>>;
  /** IPv4 address of loopback to listen on. */
  readonly host?: string;
  /** Port; a free one without it. */
  readonly port?: number;
  /** More directives for the `server` block. */
  readonly directives?: string;
  /** Settles when it serves, where this process cannot connect itself: in a network namespace. */
  readonly accepts?: () => Promise<unknown>;
  /** Put before the command, for example `["taskset", "-c", "0"]`. */
  readonly prefix?: readonly string[];
}

/** A running nginx. */
export interface Nginx extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as a configuration wants it. */
  readonly address: string;
  readonly process: StartedProcess;
  /** Directory of the pages; tests may change them while it runs. */
  readonly root: string;
}

/** A free port can be taken before nginx binds it; so many ports are tried. */
const attemptsMax = 3;

function configuration(path: string, listen: string, directives: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${path}/${name};`)
    .join(" ");
  // One process: the pid that was started is the one that serves, so kill and SIGSTOP are exact.
  return `daemon off; master_process off; worker_processes 1;
pid ${path}/nginx.pid; error_log ${path}/error.log;
events { worker_connections 19900; multi_accept on; }
http {
  access_log off; sendfile on; tcp_nodelay on; default_type text/plain; ${temporary}
  keepalive_timeout 300; keepalive_requests 100000000; client_header_timeout 600;
  server { listen ${listen} backlog=16384; root ${path}/www; ${directives} }
}
`;
}

/** Starts nginx and waits until it accepts connections. Needs the program nginx. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { pages, host = "127.0.0.1", directives = "", prefix = [] } = options;
  const directory = createTempFolder();
  for (const [name, content] of Object.entries(pages)) {
    const path = join(directory.path, "www", name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort(host));
    const configPath = join(directory.path, "nginx.conf");
    writeFileSync(configPath, configuration(directory.path, `${host}:${port}`, directives));
    const errorLog = join(directory.path, "error.log");
    const child = startProcess([...prefix, "nginx", "-e", errorLog, "-c", configPath]);
    const accepts = options.accepts ?? (() => waitForPort(port, host));
    const accepted = accepts().then(() => true);
    const isUp = await Promise.race([accepted, child.exited.then(() => false)]);
    if (isUp) {
      return {
        host,
        port,
        address: `${host}:${port}`,
        process: child,
        root: join(directory.path, "www"),
        async [Symbol.asyncDispose]() {
          await child.stop();
          directory[Symbol.dispose]();
        },
      };
    }
    accepted.catch(() => undefined);
    if (options.port !== undefined || attempt === attemptsMax) {
      const reason = await Bun.file(errorLog).text();
      directory[Symbol.dispose]();
      throw new Error(`Cannot start nginx on ${host}:${port}: ${reason}${child.output()}`);
    }
  }
}
