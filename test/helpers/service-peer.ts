/**
 * Real programs as real servers of the negotiate checks: each a child with a configuration, a
 * folder and free ports of loopback of its own, gone with its owner.
 *
 * @module
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Certificate } from "./certificates.ts";
import { freePorts, waitForPort } from "./port.ts";
import { startProcess } from "./process.ts";
import type { StartedProcess } from "./process.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

/** A running program. */
export interface ServicePeer extends AsyncDisposable {
  /** Its ports, in the order in which its configuration has them. */
  readonly ports: readonly number[];
  readonly process: StartedProcess;
}

/** How a program is started. */
export interface Recipe {
  readonly portCount: number;
  /** Writes its files. @returns The command. */
  prepare(folder: string, ports: readonly number[]): readonly string[];
  /** Waits until it serves; without it, until the TCP ports answer. */
  ready?(ports: readonly number[], started: StartedProcess): Promise<unknown>;
  /** Without it SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
}

/** A free port may be taken before the program binds it; so many sets are tried. */
const attemptsMax = 3;

/** Starts a program and waits until it serves. */
export async function startPeer(recipe: Recipe): Promise<ServicePeer> {
  for (let attempt = 1; ; attempt++) {
    const folder = createTempFolder();
    // Programs drop their rights and must still find their files.
    chmodSync(folder.path, 0o755);
    const ports = await freePorts(recipe.portCount);
    const started = startProcess(recipe.prepare(folder.path, ports), { cwd: folder.path });
    const stop = async (): Promise<void> => {
      if (recipe.stopSignal !== undefined) started.kill(recipe.stopSignal);
      await started.stop();
      folder[Symbol.dispose]();
    };
    try {
      const ended = started.exited.then((status) => {
        throw new Error(`It ended with ${status}`);
      });
      const serves =
        recipe.ready?.(ports, started) ?? Promise.all(ports.map((port) => waitForPort(port)));
      await Promise.race([serves, ended]);
      ended.catch(() => undefined);
      return { ports, process: started, [Symbol.asyncDispose]: stop };
    } catch (error) {
      await stop();
      if (attempt === attemptsMax) {
        throw new Error(`${String(error)}\n${started.output()}`, { cause: error });
      }
    }
  }
}

/** Waits until the kernel has a socket at this port of loopback (proc(5), /proc/net). */
export async function waitForSocket(protocol: "tcp" | "udp", port: number): Promise<void> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  const isBound = (): boolean => readFileSync(`/proc/net/${protocol}`, "utf8").includes(local);
  await waitFor(isBound, { what: `${protocol} socket at port ${port}` });
}

/** Login and password of the only user of every program here. */
export const peerUser = { login: "eve", password: "pass word" } as const;

/** redis-server; wants `password` of its default user. */
export function startRedis(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const path = join(folder, "redis.conf");
      const lines = [`port ${port}`, "bind 127.0.0.1", 'save ""', `dir ${folder}`];
      writeFileSync(path, `${lines.join("\n")}\nrequirepass "${peerUser.password}"\n`);
      return ["redis-server", path];
    },
  });
}

/** unbound with the name www.example.com at 192.0.2.7, and back, over UDP and TCP. */
export function startUnbound(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const path = join(folder, "unbound.conf");
      const text = `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/pid"
  local-zone: "example.com." static
  local-data: "www.example.com. A 192.0.2.7"
  local-data-ptr: "192.0.2.7 www.example.com"
`;
      writeFileSync(path, text);
      return ["unbound", "-d", "-c", path];
    },
  });
}

/** vsftpd for anonymous users, with `alive.txt`. Its master needs root. */
export function startVsftpd(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      for (const name of ["files", "empty"]) mkdirSync(join(folder, name), { mode: 0o755 });
      writeFileSync(join(folder, "files/alive.txt"), "a Test Page\n");
      const path = join(folder, "vsftpd.conf");
      const settings = {
        listen: "YES",
        background: "NO",
        listen_address: "127.0.0.1",
        listen_port: port,
        anonymous_enable: "YES",
        local_enable: "NO",
        anon_root: join(folder, "files"),
        secure_chroot_dir: join(folder, "empty"),
        nopriv_user: "nobody",
        // One with a home, into which vsftpd goes first.
        ftp_username: "daemon",
        seccomp_sandbox: "NO",
        xferlog_enable: "NO",
      };
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
      writeFileSync(path, lines.join(""));
      return ["vsftpd", path];
    },
  });
}

/**
 * dovecot with one user. Ports: pop, imap, pops and imaps with the first certificate, imaps with
 * the second. Needs root.
 */
export function startDovecot(good: Certificate, other: Certificate): Promise<ServicePeer> {
  return startPeer({
    portCount: 5,
    prepare(folder, ports) {
      writeFileSync(join(folder, "users"), `${peerUser.login}:{PLAIN}${peerUser.password}\n`);
      const listener = (name: string, port: number, ssl = "no"): string =>
        `inet_listener ${name} { address = 127.0.0.1\n port = ${port}\n ssl = ${ssl} }`;
      const [pop, imap, pops, imaps, otherImaps] = ports;
      const text = `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = /dev/stderr
protocols = imap pop3
ssl = yes
ssl_cert = <${good.certFile}
ssl_key = <${good.keyFile}
disable_plaintext_auth = no
auth_failure_delay = 0
service anvil {
 unix_listener anvil-auth-penalty {
  mode = 0
 }
}
mail_location = maildir:${folder}/mail
passdb {\n driver = passwd-file\n args = ${folder}/users\n}
userdb {\n driver = static\n args = uid=nobody gid=nogroup home=${folder}\n}
service pop3-login {
 ${listener("pop3", pop!)}
 ${listener("pop3s", pops!, "yes")}
}
service imap-login {
 ${listener("imap", imap!)}
 ${listener("imaps", imaps!, "yes")}
 ${listener("other", otherImaps!, "yes")}
}
local_name other.example.org {\n ssl_cert = <${other.certFile}\n ssl_key = <${other.keyFile}\n}
`
        .replaceAll(/\{ (address|port)/g, "{\n $1")
        .replaceAll(/(yes|no) \}/g, "$1\n }");
      const path = join(folder, "dovecot.conf");
      writeFileSync(path, text);
      mkdirSync(join(folder, "mail"), { mode: 0o777 });
      chmodSync(join(folder, "mail"), 0o777);
      return ["dovecot", "-F", "-c", path];
    },
  });
}

/** sipp as a server that answers OPTIONS by `status`. */
export function startSipp(transport: "t1" | "u1", status: string): Promise<ServicePeer> {
  const scenario = `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="options"><recv request="OPTIONS"/><send><![CDATA[

SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send></scenario>
`;
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const path = join(folder, "options.xml");
      writeFileSync(path, scenario);
      const where = ["-i", "127.0.0.1", "-p", String(port), "-t", transport];
      return ["sipp", "-sf", path, ...where, "-nostdin"];
    },
    // Its output comes late, and a connection would be a call to it.
    ready: ([port]) => waitForSocket(transport === "t1" ? "tcp" : "udp", port!),
    // At SIGTERM it waits for its calls.
    stopSignal: "SIGKILL",
  });
}

/** tinyproxy, open to loopback. */
export function startTinyproxy(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const path = join(folder, "tinyproxy.conf");
      writeFileSync(path, `Port ${port}\nListen 127.0.0.1\nTimeout 10\nAllow 127.0.0.1\n`);
      return ["tinyproxy", "-d", "-c", path];
    },
  });
}

/** socat, which echoes whatever it is sent; over TCP until the sender has closed its side. */
export function startEcho(protocol: "tcp" | "udp"): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(_folder, [port]) {
      const type = protocol === "tcp" ? "TCP4-LISTEN" : "UDP4-RECVFROM";
      return ["socat", `${type}:${port},bind=127.0.0.1,fork,reuseaddr`, "EXEC:cat"];
    },
    ready: ([port]) => waitForSocket(protocol, port!),
  });
}

/**
 * exim as a mail server. Ports: smtp, submission, and one on which it refuses everybody. Needs
 * root.
 */
export function startExim(): Promise<ServicePeer> {
  return startPeer({
    portCount: 3,
    prepare(folder, ports) {
      mkdirSync(join(folder, "spool"));
      chmodSync(join(folder, "spool"), 0o777);
      const path = join(folder, "exim.conf");
      const text = `
primary_hostname = mail.example.org
spool_directory = ${folder}/spool
log_file_path = ${folder}/spool/%slog
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${ports.join(" : ")}
tls_advertise_hosts =
keep_environment =
host_lookup =
rfc1413_hosts =
acl_smtp_connect = connection
begin acl
connection:
  deny condition = \${if eq{$received_port}{${ports[2]}}}
       message = closed today
  accept
`;
      writeFileSync(path, text);
      return ["exim4", "-bdf", "-C", path, "-oP", join(folder, "pid")];
    },
  });
}
