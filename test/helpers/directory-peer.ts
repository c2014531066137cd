/**
 * Real servers that know who may log in: slapd and freeradius, as children with a folder and free
 * ports of loopback of their own.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Certificate } from "./certificates.ts";
import { peerUser, startPeer, waitForSocket } from "./service-peer.ts";
import type { ServicePeer } from "./service-peer.ts";

/** Names of the directory that {@link startSlapd} has. */
export const directoryNames = {
  base: "dc=example,dc=org",
  user: `cn=${peerUser.login},dc=example,dc=org`,
} as const;

const entries = `dn: ${directoryNames.base}
objectClass: domain
dc: example

dn: ${directoryNames.user}
objectClass: person
cn: ${peerUser.login}
sn: ${peerUser.login}
userPassword: ${peerUser.password}
`;

function run(command: readonly string[]): void {
  const { success, stderr } = Bun.spawnSync([...command], { stderr: "pipe" });
  if (!success) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

/**
 * slapd with one user. Ports: ldap, ldaps.
 *
 * @param isClosed True: nobody may bind anonymously.
 */
export function startSlapd(certificate: Certificate, isClosed = false): Promise<ServicePeer> {
  return startPeer({
    portCount: 2,
    prepare(folder, [plain, secure]) {
      mkdirSync(join(folder, "data"));
      writeFileSync(join(folder, "entries.ldif"), entries);
      const path = join(folder, "slapd.conf");
      const text = `
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile ${folder}/pid
TLSCertificateFile ${certificate.certFile}
TLSCertificateKeyFile ${certificate.keyFile}
${isClosed ? "disallow bind_anon" : ""}
database mdb
suffix "${directoryNames.base}"
directory ${folder}/data
`;
      writeFileSync(path, text);
      run(["slapadd", "-f", path, "-l", join(folder, "entries.ldif")]);
      const urls = `ldap://127.0.0.1:${plain} ldaps://127.0.0.1:${secure}`;
      return ["slapd", "-d", "0", "-h", urls, "-f", path];
    },
  });
}

/** Secret that {@link startFreeradius} shares with loopback. */
export const radiusSecret = "shared secret";

/** freeradius with one user; takes signed requests only. */
export function startFreeradius(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      writeFileSync(
        join(folder, "users"),
        `${peerUser.login} Cleartext-Password := "${peerUser.password}"\n`,
      );
      const text = `
prefix = /usr
libdir = /usr/lib/freeradius
raddbdir = ${folder}
run_dir = ${folder}
logdir = ${folder}
log {
  destination = stdout
}
security {
  reject_delay = 0
}
modules {
  pap {
  }
  files {
    usersfile = ${folder}/users
  }
}
client loopback {
  ipaddr = 127.0.0.1
  secret = "${radiusSecret}"
  require_message_authenticator = yes
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
`;
      writeFileSync(join(folder, "radiusd.conf"), text);
      return ["freeradius", "-f", "-d", folder, "-n", "radiusd", "-l", "stdout"];
    },
    ready: ([port]) => waitForSocket("udp", port!),
  });
}
