/**
 * Real database servers, as children with a folder and a free port of loopback of their own. Both
 * need root, as they refuse to be root and so run as nobody.
 *
 * @module
 */
import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { peerUser, startPeer } from "./service-peer.ts";
import type { ServicePeer } from "./service-peer.ts";

/** Database of both, with a table `alive` of one row and a table `empty`. */
export const peerDatabase = "app";

const tables = ["CREATE TABLE alive (id INT, name VARCHAR(20))", "CREATE TABLE empty (id INT)"];
const rows = "INSERT INTO alive VALUES (7, 'Test Page')";

/** A database that has not started for so long will not. */
const startTimeoutMs = 30_000;
/** Owner of the files, on Debian. */
const nobody = { uid: 65_534, gid: 65_534 };

function run(command: readonly string[], input = ""): void {
  const { success, stdout, stderr } = Bun.spawnSync([...command], {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"]!, LC_ALL: "C" },
  });
  const output = `${stdout.toString()}${stderr.toString()}`;
  if (!success) throw new Error(`${command.join(" ")}: ${output}`);
}

/** mariadbd with one user, who may read the database. */
export function startMariadb(): Promise<ServicePeer> {
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const data = join(folder, "data");
      const user = `${peerUser.login}@'%'`;
      // Each line is a statement.
      const lines = [
        `CREATE DATABASE ${peerDatabase}`,
        `USE ${peerDatabase}`,
        ...tables,
        rows,
        `CREATE USER ${user} IDENTIFIED BY '${peerUser.password}'`,
        `GRANT SELECT ON ${peerDatabase}.* TO ${user}`,
      ];
      writeFileSync(join(folder, "init.sql"), lines.map((line) => `${line};\n`).join(""));
      run([
        "mariadb-install-db",
        "--no-defaults",
        "--user=nobody",
        `--datadir=${data}`,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
      ]);
      return [
        "mariadbd",
        "--no-defaults",
        "--user=nobody",
        `--datadir=${data}`,
        "--bind-address=127.0.0.1",
        `--port=${port}`,
        `--socket=${data}/socket`,
        `--init-file=${folder}/init.sql`,
        "--skip-name-resolve",
        // Sessions without an orderly end are written down.
        "--log-warnings=2",
        "--innodb-buffer-pool-size=8M",
        "--innodb-log-file-size=4M",
      ];
    },
    ready: (_ports, started) => started.waitForOutput(/ready for connections/, startTimeoutMs),
  });
}

/** Where Debian has the programs of PostgreSQL; undefined: it is not installed. */
export function postgresFolder(): string | undefined {
  const root = "/usr/lib/postgresql";
  try {
    const [version] = readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
    return version === undefined ? undefined : join(root, version, "bin");
  } catch {
    return undefined;
  }
}

/** postgres with one user, whose password goes by SCRAM. */
export function startPostgres(): Promise<ServicePeer> {
  const programs = postgresFolder()!;
  const asNobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
  return startPeer({
    portCount: 1,
    prepare(folder, [port]) {
      const data = join(folder, "data");
      mkdirSync(data);
      chownSync(data, nobody.uid, nobody.gid);
      writeFileSync(join(folder, "password"), `${peerUser.password}\n`);
      const prepare = [...asNobody, join(programs, "initdb"), "-D", data, "-U", peerUser.login];
      const how = ["--auth=scram-sha-256", `--pwfile=${folder}/password`, "--no-sync"];
      run([...prepare, ...how, "--locale=C"]);
      const alone = [...asNobody, join(programs, "postgres"), "--single", "-F", "-D", data];
      run([...alone, "postgres"], `CREATE DATABASE ${peerDatabase}\n`);
      run([...alone, peerDatabase], [...tables, rows, ""].join("\n"));
      const where = ["-h", "127.0.0.1", "-p", String(port), "-k", ""];
      return [...asNobody, join(programs, "postgres"), "-F", "-D", data, ...where];
    },
    // The port answers before the database does.
    ready: (_ports, started) =>
      started.waitForOutput(/ready to accept connections/, startTimeoutMs),
    // At SIGTERM it waits for its clients.
    stopSignal: "SIGINT",
  });
}
