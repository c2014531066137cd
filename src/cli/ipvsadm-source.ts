/**
 * What `ipvsadm` lists: the services of every director of this host, as there is one table.
 *
 * Called as ldirectord, each configuration but the usual one has a director of its own, in a
 * directory below the usual one (`ldirectord/index.ts`).
 *
 * @module
 */

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";

import { ApplianceError } from "../errors/index.ts";
import { controlPath, createControlClient } from "./client.ts";
import type { ControlClient } from "./client.ts";
import type { CommandContext } from "./command.ts";
import { countForeignServices } from "./ipvsadm-kernel.ts";
import { listServices } from "./list-model.ts";
import type { ListSource, ListTable } from "./list-print.ts";

/** Directors asked at most; nobody runs as many on one host. */
const directorsMax = 64;

/** What a source needs. */
export interface IpvsadmSourceOptions {
  readonly context: CommandContext;
  /** Text of the kernel's own table; undefined: there is none. */
  readonly kernelTable: () => string | undefined;
}

/** Runtime directories: the usual one, then those of the further directors. */
function runtimeFolders(environment: CommandContext["environment"]): readonly string[] {
  const folder = dirname(controlPath(environment));
  try {
    const names = readdirSync(folder).filter((name) => name.startsWith("ldirectord-"));
    return [folder, ...names.toSorted().map((name) => join(folder, name))].slice(0, directorsMax);
  } catch {
    return [folder];
  }
}

/** The answer of a director; undefined if it does not run. */
async function unlessAbsent<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApplianceError && error.code === "CONTROL_NOT_RUNNING") return undefined;
    throw error;
  }
}

/** Answers of the directors that run. */
async function askAll<Answer>(
  { environment, signal }: CommandContext,
  ask: (client: ControlClient) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const asked = runtimeFolders(environment).map((folder) => {
    const own = { ...environment, APPLIANCE_RUNTIME_DIR: folder };
    return unlessAbsent(ask(createControlClient({ environment: own, signal })));
  });
  return (await Promise.all(asked)).filter((answer) => answer !== undefined);
}

/** Services of the kernel's table that are nobody's here; empty text if there are none. */
function foreignText({ kernelTable }: IpvsadmSourceOptions, tables: readonly ListTable[]): string {
  const services = tables.flatMap((table) => table.services);
  const own = services.filter(({ engine }) => engine === "ipvs");
  const count = countForeignServices(kernelTable() ?? "", listServices({ services: own }));
  if (count === 0) return "";
  return `the kernel's table has ${count} of another program, see /proc/net/ip_vs`;
}

/** Without a director the table is empty, unless the kernel's has something. */
function tellAbsence(options: IpvsadmSourceOptions): void {
  const foreign = foreignText(options, []);
  if (foreign !== "") {
    const message = `Cannot list virtual services: no director runs here, and ${foreign}`;
    throw new ApplianceError("CONTROL_NOT_RUNNING", message);
  }
  options.context.stderr("ipvsadm: No director runs here, so the table is empty\n");
}

/** A source over the directors that run; what the listing leaves out is told on stderr. */
export function createIpvsadmSource(options: IpvsadmSourceOptions): ListSource {
  const { context } = options;
  return {
    async snapshot() {
      const tables = await askAll<ListTable>(context, (client) => client.snapshot());
      const [first] = tables;
      const foreign = first === undefined ? "" : foreignText(options, tables);
      if (first === undefined) tellAbsence(options);
      else if (foreign !== "") {
        context.stderr(`ipvsadm: Only services of the director are listed; ${foreign}\n`);
      }
      return { services: tables.flatMap((table) => table.services), timeouts: first?.timeouts };
    },
    async connections() {
      const lists = await askAll(context, (client) => client.connections());
      if (lists.length === 0) tellAbsence(options);
      return lists.flat();
    },
  };
}
