/**
 * Who finds the fault: HAProxy and this project, both in TCP mode with one thread, both with an
 * HTTP check every 100 ms that looks at the page, down after two failures, both trying another
 * server when one cannot be connected to. Each of them twice: with the same interval after a first
 * failure, and with a fast re-check then.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { startDirector } from "../../test/helpers/director.ts";
import { freePort, waitForPort } from "../../test/helpers/port.ts";
import { startProcess } from "../../test/helpers/process.ts";
import { createTempFolder } from "../../test/helpers/temp-folder.ts";

/** A party in front of its real servers. */
export interface RunningParty extends AsyncDisposable {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
}

/** One side of the comparison. */
export interface Party {
  readonly name: string;
  /** Name of the party whose figures are to be reached; its own if it is that. */
  readonly peer: string;
  /** Settles when it accepts connections. */
  start(realServers: readonly string[]): Promise<RunningParty>;
}

/** What a party is configured with. */
interface Setting {
  readonly port: number;
  /** `address:port` of each. */
  readonly realServers: readonly string[];
  /** Wait after a failure of a server that is still up. */
  readonly recheckMs: number;
}

/** `redispatch 1`: another server at the first retry, and without the pause of a second. */
function haproxyConfiguration({ port, realServers, recheckMs }: Setting): string {
  const servers = realServers.map((address, index) => `  server rs${index} ${address} check\n`);
  return `global
  nbthread 1
defaults
  mode tcp
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  timeout check 100ms
  retries 3
  option redispatch 1
  option httpchk GET /
  http-check expect string well
  default-server inter 100ms fastinter ${recheckMs}ms fall 2 rise 2
listen bench
  bind 127.0.0.1:${port}
  balance roundrobin
${servers.join("")}`;
}

function haproxy(name: string, recheckMs: number): Party {
  return {
    name,
    peer: name,
    async start(realServers) {
      const port = await freePort();
      const folder = createTempFolder();
      const path = join(folder.path, "haproxy.cfg");
      writeFileSync(path, haproxyConfiguration({ port, realServers, recheckMs }));
      const child = startProcess(["haproxy", "-db", "-f", path]);
      await waitForPort(port);
      return {
        port,
        async [Symbol.asyncDispose]() {
          await child.stop();
          folder[Symbol.dispose]();
        },
      };
    },
  };
}

function applianceConfiguration({ port, realServers, recheckMs }: Setting): string {
  const servers = realServers.map((address) => `  { address = "${address}" },\n`);
  return `[director]
stop_timeout = "0s"
[proxy]
workers = 1
[[virtual_service]]
name = "bench"
listen = "127.0.0.1:${port}"
scheduler = "rr"
timeouts = { connect = "1s", idle = "30s" }
real_servers = [
${servers.join("")}]
[virtual_service.check]
type = "negotiate"
service = "http"
receive = "well"
interval = "100ms"
timeout = "100ms"
fast_interval = "${recheckMs}ms"
fall = 2
rise = 2
`;
}

function appliance(name: string, peer: string, recheckMs: number): Party {
  return {
    name,
    peer,
    async start(realServers) {
      const port = await freePort();
      const config = applianceConfiguration({ port, realServers, recheckMs });
      const director = await startDirector({ config });
      return { port, [Symbol.asyncDispose]: () => director[Symbol.asyncDispose]() };
    },
  };
}

const plainMs = 100;
const fastMs = 20;

/** All of them, each behind its peer. */
export const parties: readonly Party[] = [
  haproxy("haproxy", plainMs),
  appliance("appliance", "haproxy", plainMs),
  haproxy("haproxy-fast", fastMs),
  appliance("appliance-fast", "haproxy-fast", fastMs),
];
