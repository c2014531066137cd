/**
 * A whole keepalived.conf to a native file: finds the blocks, has them translated, and checks what
 * comes out. Pure.
 *
 * @module
 */

import type { NativeTable } from "../../native.ts";
import { parseConfig } from "../../parse.ts";
import { ConfigError } from "../../problem.ts";
import type { Problem } from "../../problem.ts";
import { formatSection } from "../../toml.ts";
import { createNotes } from "../notes.ts";
import type { ImportNote, Notes, Origin } from "../notes.ts";
import { leaveOut } from "./block.ts";
import { createGlobals, globalTables, readGlobals } from "./global.ts";
import type { Globals } from "./global.ts";
import { translateService } from "./service.ts";
import type { ImportedService, ServiceContext } from "./service.ts";
import { readTree } from "./tree.ts";
import type { Directive, ReadInclude } from "./tree.ts";
import { readInstance, readScript, readSyncGroup } from "./vrrp.ts";

/** What {@link importKeepalived} gives. */
export interface ImportedConfig {
  /** Native file; this build takes it if nothing was told to be "not in this build yet". */
  readonly toml: string;
  /** What was left out or changed, with its place in the file it was read from. */
  readonly warnings: readonly ImportNote[];
  /** What must be mended in `toml` by hand. */
  readonly problems: readonly ImportNote[];
}

/** A native table and the directive that it came from. */
interface Placed {
  readonly directive: Directive;
  readonly table: NativeTable;
}

/**
 * Translates a keepalived.conf. Never throws, whatever the text.
 *
 * @param file Its name in messages.
 * @param readInclude Reads what `include` names; without it includes are left out with a warning.
 */
export function importKeepalived(
  text: string,
  file: string,
  readInclude?: ReadInclude,
): ImportedConfig {
  const notes = createNotes();
  const blocks = sortBlocks(readTree({ file, text }, notes, readInclude), notes);
  const globals = createGlobals();
  for (const one of blocks.global_defs) readGlobals(one, globals, notes);
  const instances = translateInstances(blocks, globals, notes);
  const services = translateServices(blocks, notes);
  const { director, defaults } = globalTables(globals);
  const toml = [
    formatSection("[director]", director),
    formatSection("[defaults]", defaults),
    ...services.map(({ table }) => formatSection("[[virtual_service]]", table)),
    ...instances.map(({ table }) => formatSection("[[vrrp]]", table)),
  ]
    .filter((section) => section !== "")
    .join("\n");
  checkResult(toml, { file, services, instances, notes });
  return { toml, ...notes.finish(file) };
}

/** Blocks that mean something here; order within a kind is that of the files. */
const blockNames = [
  "global_defs",
  "vrrp_script",
  "vrrp_sync_group",
  "vrrp_instance",
  "virtual_server_group",
  "virtual_server",
] as const;

type Blocks = Readonly<Record<(typeof blockNames)[number], Directive[]>>;

/** A script or group may stand below the one that uses it, so blocks are found first. */
function sortBlocks(tree: readonly Directive[], notes: Notes): Blocks {
  const blocks: Blocks = {
    global_defs: [],
    vrrp_script: [],
    vrrp_sync_group: [],
    vrrp_instance: [],
    virtual_server_group: [],
    virtual_server: [],
  };
  for (const directive of tree) {
    const name = blockNames.find((one) => one === directive.words[0]);
    if (name === undefined) leaveOut(directive, notes);
    else if (directive.block === undefined) {
      notes.warn(directive, `${name} is left out: it has no braces`);
    } else blocks[name].push(directive);
  }
  return blocks;
}

function translateInstances(
  blocks: Blocks,
  { version, interface: byDefault }: Globals,
  notes: Notes,
): readonly Placed[] {
  const scripts = new Map<string, NativeTable>();
  for (const one of blocks.vrrp_script) {
    const script = readScript(one, notes);
    if (script !== undefined) scripts.set(one.words[1] ?? "", script);
  }
  const groups = new Map<string, string>();
  for (const one of blocks.vrrp_sync_group) readSyncGroup(one, groups, notes);
  const context = { notes, scripts, groups, version, interface: byDefault };
  const names = new Set<string>();
  return blocks.vrrp_instance.flatMap((directive) => {
    const table = readInstance(directive, context);
    if (table === undefined) return [];
    const name = JSON.stringify(table["name"]);
    if (names.has(name)) {
      notes.warn(directive, `vrrp_instance is left out: there is one named ${name} already`);
      return [];
    }
    names.add(name);
    return [{ directive, table }];
  });
}

function translateServices(blocks: Blocks, notes: Notes): readonly ImportedService[] {
  const groups = new Map(blocks.virtual_server_group.map((one) => [one.words[1] ?? "", one]));
  const context: ServiceContext = { notes, groups, names: new Set(), listeners: new Map() };
  return blocks.virtual_server.flatMap((directive) => translateService(directive, context));
}

interface Result {
  readonly file: string;
  readonly services: readonly ImportedService[];
  readonly instances: readonly Placed[];
  readonly notes: Notes;
}

/** Words of a problem with what the product has and this build does not. */
const laterPattern = /\bnot in this build yet\b/;

/** Reads the result as the director would, and tells what it says at the place it came from. */
function checkResult(toml: string, result: Result): void {
  const { file, notes } = result;
  try {
    const { warnings } = parseConfig(toml, file);
    for (const { path, message } of warnings) notes.warn(originOf(path, result), message);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) {
      const { path, message, found } = problem;
      const where = pathEnd(path) === "" ? "" : `${pathEnd(path)}: `;
      const text = `${where}${message}, got ${found}`;
      if (isLater(problem, result)) notes.warn(originOf(path, result), text);
      else notes.problem(originOf(path, result), text);
    }
    if (error.omitted > 0) notes.warn({ file, line: 0 }, `And ${error.omitted} more of that kind`);
  }
}

/** Whether it is this build that cannot do it, and not the file that says something wrong. */
function isLater({ path, message }: Problem, { services, instances }: Result): boolean {
  if (laterPattern.test(message)) return true;
  // Virtual addresses without a virtual server: a director for them alone comes with [[vrrp]].
  return path === "" && services.length === 0 && instances.length > 0;
}

/** `check.service` of `virtual_service[3].check.service`. */
function pathEnd(path: string): string {
  return path.replace(/^\w+\[\d+\]\.?/, "") || path;
}

/** The directive that a native key came from, as near as is known. */
function originOf(path: string, { file, services, instances }: Result): Origin {
  const service = serviceOf(path, services);
  const instance = instances[Number(/^vrrp\[(\d+)\]/.exec(path)?.[1])];
  const server = service?.servers[Number(/\.real_servers\[(\d+)\]/.exec(path)?.[1])];
  const { file: from, line } = (server ?? service ?? instance)?.directive ?? { file, line: 0 };
  return { file: from, line };
}

function serviceOf(path: string, services: readonly ImportedService[]) {
  return services[Number(/^virtual_service\[(\d+)\]/.exec(path)?.[1])];
}
