/**
 * The log of a director on an ldirectord.cf beside the log of the real ldirectord, on the same
 * file, the same real servers and the same failures: the same lines in the same order.
 */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { startRealLdirectord } from "../helpers/ldirectord/real-ldirectord.ts";
import { freePorts } from "../helpers/port.ts";
import { startProcess } from "../helpers/process.ts";
import { executablePath, requirePeer } from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";
import { waitFor } from "../helpers/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const requirement = requirePeer("ldirectord");
const testMs = 120_000;
/** A step takes rounds of the real one, which checks one server after the other. */
const stepMs = 30_000;

/** Phrases that both have; the real one says besides what it does to the table. */
const phrase =
  /^(?:Added|Deleted|Quiescent|Restored|Soft failure|Resetting|Purged|Configuration file| - ).*$/gm;

/** Lines of a log that count, with the path of its own configuration as `FILE`. */
function phrasesOf(log: string): readonly string[] {
  return [...log.replaceAll(/^\[[^\]]*\] /gm, "").matchAll(phrase)]
    .map(([line]) => line.replace(/'[^']*'/, "FILE"))
    .filter((line) => !line.includes("127.0.0.1:1)") && !line.endsWith(" 127.0.0.1:1"));
}

/** A real server that can fail. */
function startRealServer() {
  const state = { status: 200 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    development: false,
    fetch: () => new Response("ok", { status: state.status, headers: { Connection: "close" } }),
  });
  cleanups.push(() => server.stop(true));
  return { name: `127.0.0.1:${server.port}`, state };
}

test.skipIf(requirement.skip).each(["no", "yes"])(
  "the same lines as ldirectord, with quiescent=%s",
  async (quiescent) => {
    const folder = createTempFolder();
    cleanups.push(() => folder[Symbol.dispose]());
    const [a, b] = [startRealServer(), startRealServer()];
    const [port] = await freePorts(1);
    const virtual = `127.0.0.1:${port}`;
    const configText = (weight: number): string =>
      [
        "checkinterval=1\nchecktimeout=2\nautoreload=yes\nfailurecount=2",
        `quiescent=${quiescent}`,
        `virtual=${virtual}`,
        `\treal=${a.name} masq ${weight}`,
        `\treal=${b.name} masq 1`,
        "\tservice=http\n\tchecktype=negotiate",
        "\tfallback=127.0.0.1:80 masq",
        "",
      ].join("\n");

    const realFolder = join(folder.path, `real-${basename(folder.path)}`);
    mkdirSync(realFolder);
    await using real = startRealLdirectord(configText(5), { folder: realFolder });
    const ownPath = join(folder.path, "own.cf");
    writeFileSync(ownPath, configText(5));
    const program = join(folder.path, "ldirectord");
    symlinkSync(executablePath, program);
    await using own = startProcess([program, "-d", ownPath, "start"], {
      env: {
        APPLIANCE_PID_DIR: folder.path,
        APPLIANCE_RUNTIME_DIR: join(folder.path, "run"),
        APPLIANCE_STATE_DIR: join(folder.path, "state"),
      },
    });
    const logs = () => [phrasesOf(real.process.output()), phrasesOf(own.output())] as const;
    /** Waits until the last line of both logs is this one. */
    const settle = (last: string) =>
      waitFor(() => logs().every((lines) => lines.at(-1) === last), {
        what: `${last} at the end of both logs, which are\n${JSON.stringify(logs(), undefined, 1)}`,
        timeoutMs: stepMs,
      });

    // What is before the first checks have ended differs on purpose.
    await own.waitForOutput(/Added real server.*\n[^]*Added real server/);
    await real.finishRounds(1);
    const [realStart, ownStart] = logs().map(({ length }) => length) as [number, number];

    const gone = (name: string): string =>
      quiescent === "yes"
        ? `Quiescent real server: ${name} (${virtual}) (Weight set to 0)`
        : `Deleted real server: ${name} (${virtual})`;
    const back = (name: string, weight: number): string =>
      `${quiescent === "yes" ? "Restored" : "Added"} real server: ${name} (${virtual}) ` +
      `(Weight set to ${weight})`;
    const soft = (name: string): string =>
      `Soft failure real server: ${name} (tcp:${virtual}) failure 1/2`;
    const reset = (name: string): string =>
      `Resetting soft failure count: ${name} (tcp:${virtual})`;
    const fallbackOn = `Added fallback server: 127.0.0.1:80 (${virtual}) (Weight set to 1)`;
    const fallbackOff = `Deleted fallback server: 127.0.0.1:80 (${virtual})`;

    a.state.status = 500;
    await settle(gone(a.name));
    b.state.status = 500;
    await settle(fallbackOn);
    a.state.status = 200;
    await settle(fallbackOff);
    b.state.status = 200;
    await settle(back(b.name, 1));
    writeFileSync(`${ownPath}.new`, configText(6));
    renameSync(`${ownPath}.new`, ownPath);
    real.configure(configText(6));
    const heavier = `Restored real server: ${a.name} (${virtual}) (Weight set to 6)`;
    await settle(heavier);

    const expected = [
      soft(a.name),
      gone(a.name),
      soft(b.name),
      gone(b.name),
      fallbackOn,
      reset(a.name),
      back(a.name, 5),
      fallbackOff,
      reset(b.name),
      back(b.name, 1),
      "Configuration file FILE has changed on disk",
      " - reread new configuration",
      heavier,
    ];
    const [realLines, ownLines] = logs();
    expect(realLines.slice(realStart)).toEqual(expected);
    expect(ownLines.slice(ownStart)).toEqual(expected);
    expect(readFileSync(ownPath, "utf8")).toBe(configText(6));
  },
  testMs,
);
