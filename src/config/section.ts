/**
 * The tables of all files by kind, each checked for its shape: the first half of a validation.
 *
 * A key with a fault is left out, so that the others are checked to the end and every problem is
 * told at once. Pure, but for the report.
 *
 * @module
 */

import * as v from "valibot";

import { below, isTable } from "./document.ts";
import type { Document, Place } from "./document.ts";
import { secretKeys } from "./explain.ts";
import type { Finding, Report } from "./report.ts";
import {
  defaultsTable,
  directorTable,
  groupTable,
  ipvsTable,
  knownKey,
  mailTable,
  peerTable,
  proxyTable,
  realServerTable,
  serviceTable,
  statusTable,
  vrrpTable,
} from "./schema/index.ts";
import type {
  DefaultsTable,
  DirectorTable,
  GroupTable,
  IpvsTable,
  MailTable,
  PeerTable,
  ProxyTable,
  RealServerTable,
  ServiceTable,
  StatusTable,
  VrrpTable,
} from "./schema/index.ts";

/** A value, and where it was written. */
export interface Sourced<T> {
  readonly value: T;
  readonly place: Place;
}

/** A table; keys that have a fault are left out of its value, so that the others are looked at. */
export interface SourcedTable<T> extends Sourced<T> {
  readonly faulty: ReadonlySet<string>;
}

/** A table with real servers; those without a usable address are left out. */
export interface ServerSection<T> extends SourcedTable<T> {
  readonly servers: readonly SourcedTable<RealServerTable>[];
}

/** True if none of `keys` was left out: only then does their absence mean anything. */
export function isSound(table: SourcedTable<unknown>, ...keys: readonly string[]): boolean {
  return keys.every((key) => !table.faulty.has(key));
}

/** Tables whose shape is right, or right but for some keys. */
export interface Sections {
  readonly director: SourcedTable<DirectorTable> | undefined;
  readonly proxy: SourcedTable<ProxyTable> | undefined;
  readonly ipvs: SourcedTable<IpvsTable> | undefined;
  readonly status: SourcedTable<StatusTable> | undefined;
  readonly mail: SourcedTable<MailTable> | undefined;
  readonly defaults: SourcedTable<DefaultsTable> | undefined;
  readonly services: readonly ServerSection<ServiceTable>[];
  readonly groups: readonly ServerSection<GroupTable>[];
  /** Names of all groups, also of those whose shape is wrong. */
  readonly groupNames: ReadonlySet<string>;
  readonly routers: readonly SourcedTable<VrrpTable>[];
  readonly peer: SourcedTable<PeerTable> | undefined;
  /** How many `[[virtual_service]]` there are, also with a wrong shape. */
  readonly serviceCount: number;
}

const knownSections = [
  "include",
  "director",
  "proxy",
  "ipvs",
  "status",
  "mail",
  "defaults",
  "virtual_service",
  "real_server_group",
  "vrrp",
  "peer",
];

/** More services than this are not one director's. */
const virtualServicesMax = 20_000;

/** Sorts the tables of all documents; what has a fault goes to the report. */
export function readSections(documents: readonly Document[], report: Report): Sections {
  for (const document of documents) {
    report.syntax(document);
    checkTop(document, report);
  }
  const single = <T>(
    key: string,
    schema: v.GenericSchema<unknown, T>,
  ): SourcedTable<T> | undefined => readSingle({ key, schema, documents, report });
  const many = <T extends HasServers>(
    key: string,
    schema: v.GenericSchema<unknown, T>,
  ): ServerSection<T>[] =>
    placesOf(documents, key, report).flatMap((entry) => {
      const table = readTable(entry, schema, report);
      return table === undefined ? [] : withServers(table, report);
    });

  const serviceCount = placesOf(documents, "virtual_service").length;
  checkCount(documents, serviceCount, report);
  return {
    director: single("director", directorTable),
    proxy: single("proxy", proxyTable),
    ipvs: single("ipvs", ipvsTable),
    status: single("status", statusTable),
    mail: single("mail", mailTable),
    peer: single("peer", peerTable),
    defaults: single("defaults", defaultsTable),
    services: many("virtual_service", serviceTable),
    serviceCount,
    routers: placesOf(documents, "vrrp", report).flatMap(
      (entry) => readTable(entry, vrrpTable, report) ?? [],
    ),
    groups: many("real_server_group", groupTable),
    groupNames: namesOf(placesOf(documents, "real_server_group")),
  };
}

function checkTop(document: Document, report: Report): void {
  const { table } = document;
  const place: Place = { document, path: [] };
  for (const key of Object.keys(table ?? {})) {
    if (knownSections.includes(key)) continue;
    report.problem(below(place, key), { expected: knownKey(key, knownSections), found: key });
  }
  const include = table?.["include"];
  const isList = Array.isArray(include) && include.every((one) => typeof one === "string");
  if (include !== undefined && !isList) {
    const expected = 'a list of files such as ["conf.d/*.toml"]';
    report.problem(below(place, "include"), { expected, found: include });
  }
}

/** Told first, as the problems of so many would fill the report. */
function checkCount(documents: readonly Document[], count: number, report: Report): void {
  const [document] = documents;
  if (count <= virtualServicesMax || document === undefined) return;
  const expected = `at most ${virtualServicesMax} virtual services`;
  report.problem({ document, path: [] }, { expected, foundText: String(count) });
}

interface SingleOptions<T> {
  readonly key: string;
  readonly schema: v.GenericSchema<unknown, T>;
  readonly documents: readonly Document[];
  readonly report: Report;
}

/** A table that one file may have: two would have to be merged by a rule to remember. */
function readSingle<T>(options: SingleOptions<T>): SourcedTable<T> | undefined {
  const { key, schema, documents, report } = options;
  const [first, ...others] = documents
    .filter(({ table }) => table?.[key] !== undefined)
    .map((document): Sourced<unknown> => {
      return { value: document.table![key], place: { document, path: [key] } };
    });
  if (first === undefined) return undefined;
  for (const { place } of others) {
    report.problem(place, {
      expected: `[${key}] in one file only`,
      foundText: "a second one",
      note: "the first is at",
      other: first.place,
    });
  }
  return readTable(first, schema, report);
}

/** The elements of an array of tables in all documents. A report is told of other values. */
function placesOf(
  documents: readonly Document[],
  key: string,
  report?: Report,
): Sourced<unknown>[] {
  return documents.flatMap((document) => {
    const values = document.table?.[key];
    const place: Place = { document, path: [key] };
    if (Array.isArray(values)) {
      return values.map((value: unknown, index) => ({ value, place: below(place, index) }));
    }
    if (values !== undefined) {
      report?.problem(place, { expected: `[[${key}]] in double brackets`, found: values });
    }
    return [];
  });
}

function namesOf(entries: readonly Sourced<unknown>[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { value } of entries) {
    const name = isTable(value) ? value["name"] : undefined;
    if (typeof name === "string") names.add(name);
  }
  return names;
}

function readTable<T>(
  { value, place }: Sourced<unknown>,
  schema: v.GenericSchema<unknown, T>,
  report: Report,
): SourcedTable<T> | undefined {
  const result = v.safeParse(schema, value);
  if (result.success) return { value: result.output, place, faulty: noKeys };
  const faulty = new Set<string>();
  for (const issue of result.issues) {
    report.problem(issuePlace(place, issue), toFinding(issue));
    faulty.add(String(issue.path?.[0]?.key));
  }
  const rest = v.safeParse(schema, withoutKeys(value, faulty));
  return rest.success ? { value: rest.output, place, faulty } : undefined;
}

/** What services and groups have in common. */
interface HasServers {
  readonly real_servers?: readonly unknown[] | undefined;
}

function withServers<T extends HasServers>(
  table: SourcedTable<T>,
  report: Report,
): ServerSection<T> {
  const place = below(table.place, "real_servers");
  const servers = (table.value.real_servers ?? []).flatMap((value, index) => {
    return readTable({ value, place: below(place, index) }, realServerTable, report) ?? [];
  });
  return { ...table, servers };
}

const noKeys: ReadonlySet<string> = new Set();

/** Stands for a name with a fault, so that the rest of its table can be looked at. */
const nameUnknown = "?";

function withoutKeys(value: unknown, keys: ReadonlySet<string>): unknown {
  if (!isTable(value)) return value;
  const kept = Object.entries(value).filter(([key]) => !keys.has(key));
  if (keys.has("name")) kept.push(["name", nameUnknown]);
  return Object.fromEntries(kept);
}

function issuePlace(place: Place, { path }: v.BaseIssue<unknown>): Place {
  return below(
    place,
    ...(path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key))),
  );
}

function toFinding({ message, input, path }: v.BaseIssue<unknown>): Finding {
  if (secretKeys.has(path?.at(-1)?.key) && typeof input === "string") {
    return { expected: message, foundText: `a text of ${input.length} characters` };
  }
  return { expected: message, found: input };
}
