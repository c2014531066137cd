/**
 * The ldirectord.cf files that haresources names, as native text: their importer does the work.
 * Pure, but for the question to the caller that gives their texts.
 *
 * @module
 */

import { parseLdirectord, toNative } from "../ldirectord/index.ts";
import { quoted } from "../notes.ts";
import { readHaresources } from "./haresources.ts";
import type { Resource, ResourceGroup } from "./haresources.ts";
import type { HeartbeatHost } from "./host.ts";
import type { Instance } from "./instance.ts";
import type { NamedText } from "./line.ts";
import type { Pair } from "./pair.ts";
import { createTold } from "./told.ts";
import type { Told } from "./told.ts";

/** Tables that a native file has once, with their lines. */
const singleTables = /^\[(?:director|mail)\]\n(?:[a-z_]+ = .*\n)+\n?/gm;

/** Names of the ldirectord.cf files in a haresources, as written, each once. */
export function ldirectordConfigs(haresources: NamedText | undefined): readonly string[] {
  if (haresources === undefined) return [];
  return ldirectordConfigsOf(readHaresources(haresources, createTold()));
}

/** The same of groups that are read. */
export function ldirectordConfigsOf(groups: readonly ResourceGroup[]): readonly string[] {
  return [...new Set(groups.flatMap(({ resources }) => resources).flatMap(configOf))];
}

/** Virtual routers whose resource an ldirectord.cf is. */
export function routersOf(config: string, instances: readonly Instance[]): readonly string[] {
  return instances
    .filter(({ group }) => group.resources.flatMap(configOf).includes(config))
    .map(({ name }) => name);
}

function configOf(resource: Resource): readonly string[] {
  return resource.kind === "ldirectord" ? [resource.config] : [];
}

/** Native text of all files, in the order in which haresources names them; each one once. */
export function translateServices(
  { groups, instances }: Pick<Pair, "groups" | "instances">,
  host: HeartbeatHost,
  told: Told,
): string {
  const seen = new Set<string>();
  const texts: string[] = [];
  for (const group of groups) {
    for (const config of group.resources.flatMap(configOf)) {
      if (seen.has(config)) continue;
      seen.add(config);
      const routers = routersOf(config, instances);
      const text = translateFile(config, group, { host, told, routers });
      if (text === undefined) continue;
      const rest = texts.length === 0 ? text : text.replaceAll(singleTables, "");
      if (rest !== text) {
        const what = `[director] and [mail] of ${quoted(config)} are left out`;
        told.warn(group, `${what}: those of the first file hold for all of them`);
      }
      texts.push(rest);
    }
  }
  return texts.join("\n");
}

interface Translation {
  readonly host: HeartbeatHost;
  readonly told: Told;
  readonly routers: readonly string[];
}

function translateFile(
  config: string,
  group: ResourceGroup,
  { host, told, routers }: Translation,
): string | undefined {
  const named = host.readLdirectordFile?.(config);
  if (named === undefined) {
    const what = `ldirectord with ${quoted(config)} is left out: there is no such file`;
    told.warn(group, `${what}; translate it by itself and add its services`);
    return undefined;
  }
  const { ok, config: read, ...found } = parseLdirectord(named.text, named.file, host);
  told.pass(found.problems, found.omitted);
  const native = ok ? toNative(read, routers) : undefined;
  for (const warning of [...found.warnings, ...(native?.warnings ?? [])]) {
    const { file, line, path, message } = warning;
    told.warn({ file, line }, path === "" ? message : `${path}: ${message}`);
  }
  return native?.toml;
}
