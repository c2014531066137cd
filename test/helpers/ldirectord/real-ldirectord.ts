/**
 * The real ldirectord in the foreground (`-d`), with a stand-in for ipvsadm in its working
 * directory: the kernel and the files of the host stay as they are.
 *
 * @module
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";

import { startProcess } from "../process.ts";
import type { StartedProcess } from "../process.ts";
import { waitFor } from "../wait.ts";
import { linesOfTable } from "./table.ts";

/** A running one. */
export interface RealLdirectord extends AsyncDisposable {
  readonly process: StartedProcess;
  /** Lines of its table, without the service that counts its rounds. */
  table(): readonly string[];
  /** Every change it made, in the words of ipvsadm; a refused one ends in `=> reason`. */
  calls(): readonly string[];
  /** Writes another configuration; with `autoreload=yes` it is taken after the round. */
  configure(configuration: string): void;
  /** Waits until so many rounds of checks have ended whole, from their first check on. */
  finishRounds(count: number): Promise<void>;
}

/** A round takes its interval, and a timeout for each server that hangs. */
const roundTimeoutMs = 20_000;

/** Address of the service that counts; nobody listens there. */
const counterAddress = "127.0.0.1:1";

function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What {@link startRealLdirectord} is told. */
export interface RealLdirectordOptions {
  /** An empty one, whose name is unique on the host: the process file is named like it. */
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Starts it with this configuration.
 *
 * A last virtual service is added: its real server is checked after all others, so a connection
 * there is the end of a round.
 */
export function startRealLdirectord(
  configuration: string,
  { folder, environment = {} }: RealLdirectordOptions,
): RealLdirectord {
  const program = join(folder, "ipvsadm");
  copyFileSync(new URL("ipvsadm.pl", import.meta.url).pathname, program);
  chmodSync(program, 0o755);
  let rounds = 0;
  const counter = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        rounds += 1;
        socket.end();
      },
      data() {},
    },
  });
  const path = join(folder, `${basename(folder)}.cf`);
  const counting = [
    `virtual=${counterAddress}`,
    `    real=127.0.0.1:${counter.port} masq`,
    "    checktype=connect",
    "    failurecount=1",
    "",
  ];
  const configure = (text: string): void => {
    // At once, or it might be read half written.
    writeFileSync(`${path}.new`, [text, ...counting].join("\n"));
    renameSync(`${path}.new`, path);
  };
  configure(configuration);
  // With PERLIO set it does not start itself again to set it, which takes as long as the start.
  const options = { cwd: folder, env: { PERLIO: "perlio", ...environment } };
  const started = startProcess(["ldirectord", "-d", path, "start"], options);
  let hasEnded = false;
  void started.exited.then(() => (hasEnded = true));
  return {
    process: started,
    table: () =>
      linesOfTable(readIfThere(join(folder, "table"))).filter(
        (line) => !line.startsWith(`tcp ${counterAddress} `),
      ),
    calls: () =>
      readIfThere(join(folder, "calls"))
        .split("\n")
        .filter((line) => line !== "" && !line.includes(counterAddress)),
    configure,
    async finishRounds(count) {
      // The round that runs now may have begun before the caller's change.
      const enough = rounds + count + 1;
      const isDone = (): boolean => {
        if (hasEnded) throw new Error(`ldirectord ended:\n${started.output()}`);
        return rounds >= enough;
      };
      await waitFor(isDone, {
        what: `${count} rounds of ldirectord`,
        timeoutMs: (count + 1) * roundTimeoutMs,
      });
    },
    async [Symbol.asyncDispose]() {
      await started.stop();
      counter.stop(true);
    },
  };
}
