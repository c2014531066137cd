/**
 * Plays a case before both: the real ldirectord, and this project's director.
 *
 * @module
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { createAuthority } from "../../helpers/certificates.ts";
import type { Authority, Certificate } from "../../helpers/certificates.ts";
import { startCheckServer } from "../../helpers/ldirectord/check-server.ts";
import type { CheckServer } from "../../helpers/ldirectord/check-server.ts";
import { startJudgedDirector } from "../../helpers/ldirectord/judged-director.ts";
import type { JudgedDirector } from "../../helpers/ldirectord/judged-director.ts";
import { startRealLdirectord } from "../../helpers/ldirectord/real-ldirectord.ts";
import type { RealLdirectord } from "../../helpers/ldirectord/real-ldirectord.ts";
import { compareLines } from "../../helpers/ldirectord/table.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { waitFor } from "../../helpers/wait.ts";
import type { Case, ServerPlan, Step } from "./case.ts";

/** What both made of one step, with the names of the case. */
export interface StepOutcome {
  readonly serves: string;
  /** As {@link compareLines} gives it, sorted. */
  readonly differs: readonly string[];
  /** What ldirectord asked of ipvsadm in vain, from the start on. */
  readonly refused: readonly string[];
  /** How often each table changed while the step lasted. */
  readonly theirChanges: number;
  readonly ourChanges: number;
  /** Arguments of the fallback command, once for each time it ran. */
  readonly theirCommands: readonly string[];
  readonly ourCommands: readonly string[];
}

/** Networks of 127.0.0.0/8 for cases: one each, and others in another run at the same time. */
const firstNetwork = 64 + (process.pid % 128);
let networks = 0;

/** Only a case that fails waits so long. */
const reachTimeoutMs = 20_000;

/** A case that is set up. */
class Stage implements Disposable {
  readonly folder = createTempFolder();
  readonly #servers = new Map<string, CheckServer>();
  readonly #words = new Map<string, string>();
  readonly #case: Case;
  #authority: Authority | undefined;

  constructor(plan: Case) {
    this.#case = plan;
    const network = `127.${firstNetwork}.${networks++ % 256}`;
    // Programs of a case run as another user.
    chmodSync(this.folder.path, 0o755);
    this.#words.set("folder", this.folder.path);
    this.#words.set("fallback", `${network}.250:9000`);
    this.#words.set("fallback.host", `${network}.250`);
    this.#words.set("vip", `${network}.100`);
    for (const [index, [name, server]] of Object.entries(plan.servers).entries()) {
      this.#start(name, server, `${network}.${index + 1}`);
    }
    for (const [name, text] of Object.entries(plan.programs ?? {})) this.#write(name, text, 0o755);
  }

  /** Variables of the programs: which authority is trusted. */
  get environment(): Readonly<Record<string, string | undefined>> {
    return { SSL_CERT_FILE: this.#authority?.caFile };
  }

  /** The configuration of the case, or of a step, with its addresses. */
  configuration(text = this.#case.configuration): string {
    return this.#fill(text);
  }

  /** Makes a step happen. */
  set({ behaviours = {}, files = {} }: Step): void {
    for (const [name, behaviour] of Object.entries(behaviours)) {
      this.#servers.get(name)!.behave(behaviour);
    }
    for (const [name, isThere] of Object.entries(files)) {
      if (isThere) this.#write(name, "", 0o644);
      else rmSync(join(this.folder.path, this.#fill(name)));
    }
  }

  /** Lines of a file in the folder; none if it is not there. */
  lines(name: string): readonly string[] {
    const path = join(this.folder.path, name);
    if (!existsSync(path)) return [];
    return readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "");
  }

  /** Lines with names in place of addresses. */
  name(lines: readonly string[]): readonly string[] {
    // Whole endpoints first, then hosts; ports alone say nothing.
    const words = [...this.#words].filter(([name]) => !name.endsWith(".port"));
    const sorted = words.toSorted(([, a], [, b]) => b.length - a.length);
    return lines
      .map((line) => {
        let named = line;
        for (const [name, text] of sorted) {
          named = named.replaceAll(
            new RegExp(`(?<![\\d.])${RegExp.escape(text)}(?!\\d)`, "g"),
            name,
          );
        }
        return named;
      })
      .toSorted();
  }

  [Symbol.dispose](): void {
    for (const server of this.#servers.values()) server[Symbol.dispose]();
    this.#authority?.[Symbol.dispose]();
    this.folder[Symbol.dispose]();
  }

  #start(name: string, plan: ServerPlan, address: string): void {
    const { port = 0, pages, redirects = {}, dialogue, tls } = plan;
    const server = startCheckServer({
      address: plan.address ?? address,
      port,
      pages,
      redirects,
      dialogue,
      tls: tls && this.#certificate(tls === "expired"),
    });
    this.#servers.set(name, server);
    const host = server.address.includes(":") ? `[${server.address}]` : server.address;
    this.#words.set(name, `${host}:${server.port}`);
    this.#words.set(`${name}.host`, host);
    this.#words.set(`${name}.port`, String(server.port));
  }

  #certificate(expired: boolean): Pick<Certificate, "cert" | "key"> {
    this.#authority ??= createAuthority();
    const name = `server${this.#servers.size}`;
    const { cert, key } = this.#authority.issue(name, "DNS:other.example.com", { expired });
    return { cert, key };
  }

  #fill(text: string): string {
    return text.replaceAll(/\{([a-z.]+)\}/g, (_, word: string) => {
      const value = this.#words.get(word);
      if (value === undefined) throw new Error(`${this.#case.name}: no {${word}}`);
      return value;
    });
  }

  #write(name: string, text: string, mode: number): void {
    const path = join(this.folder.path, this.#fill(name));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, this.#fill(text), { mode });
  }
}

/** Servers with a weight above 0. */
function servesOf(lines: readonly string[]): string {
  const names = lines.flatMap((line) => {
    const [, name, weight] = / -> (\S+) \S+ (\d+)/.exec(line) ?? [];
    return name === undefined || weight === "0" ? [] : [name];
  });
  return [...new Set(names)].toSorted().join(" ");
}

interface Parties {
  readonly stage: Stage;
  readonly theirs: RealLdirectord;
  readonly ours: JudgedDirector;
  readonly theirCommands: CommandLog;
  readonly ourCommands: CommandLog;
}

/** Commands of a fallback since the last look. */
class CommandLog {
  readonly #read: () => readonly string[];
  #seen = 0;

  constructor(read: () => readonly string[]) {
    this.#read = read;
  }

  take(): readonly string[] {
    const all = this.#read();
    const fresh = all.slice(this.#seen);
    this.#seen = all.length;
    return fresh;
  }
}

async function playStep(parties: Parties, step: Step, failures: number): Promise<StepOutcome> {
  const { stage, theirs, ours } = parties;
  const callsBefore = theirs.calls().length;
  const changesBefore = ours.changes();
  stage.set(step);
  if (step.configuration !== undefined) {
    const text = stage.configuration(step.configuration);
    theirs.configure(text);
    await ours.reload(text);
  }
  await Promise.all([theirs.finishRounds(failures), ours.finishRounds(failures)]);
  const look = (): Pick<StepOutcome, "serves" | "differs"> => {
    const their = stage.name(theirs.table());
    const differs = compareLines(their, stage.name(ours.table())).toSorted();
    return { serves: servesOf(their), differs };
  };
  const { serves, differs = {} } = step;
  const wanted = { serves, differs: Object.values(differs).flat().toSorted() };
  try {
    // What has no rounds, as the look at a directory, may take longer.
    const isReached = (): boolean => Bun.deepEquals(look(), wanted);
    await waitFor(isReached, { what: "the tables that are expected", timeoutMs: reachTimeoutMs });
  } catch {
    // The caller sees how they differ.
  }
  return {
    ...look(),
    refused: theirs.calls().filter((call) => call.includes("=>")),
    theirChanges: theirs.calls().length - callsBefore,
    ourChanges: ours.changes() - changesBefore,
    theirCommands: stage.name(parties.theirCommands.take()),
    ourCommands: stage.name(parties.ourCommands.take()),
  };
}

/** Plays a case from its start to its last step. */
export async function runCase(plan: Case): Promise<readonly StepOutcome[]> {
  using stage = new Stage(plan);
  using theirFolder = createTempFolder();
  using ourFolder = createTempFolder();
  await using theirs = startRealLdirectord(stage.configuration(), {
    folder: theirFolder.path,
    environment: stage.environment,
  });
  await using ours = await startJudgedDirector(stage.configuration(), ourFolder.path);
  const theirCommands = new CommandLog(() => stage.lines("commands"));
  const ourCommands = new CommandLog(() => ours.hooks);
  const parties = { stage, theirs, ours, theirCommands, ourCommands };
  const outcomes: StepOutcome[] = [];
  for (const step of plan.steps) {
    outcomes.push(await playStep(parties, step, plan.failures ?? 1));
  }
  return outcomes;
}
