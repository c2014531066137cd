import { describe, expect, test } from "bun:test";

import * as v from "valibot";

import { toJsonSchema } from "../../../src/status/json-schema.ts";
import type { JsonSchema } from "../../../src/status/json-schema.ts";
import { snapshotSchema } from "../../../src/status/snapshot.ts";
import {
  directorSnapshot,
  serverSnapshot,
  serviceSnapshot,
  statusEvent,
} from "../../helpers/fake-status-source.ts";

/** The keywords in use, by the specification; anything else is a mistake. */
const known = new Set([
  "$schema",
  "title",
  "description",
  "format",
  "type",
  "properties",
  "required",
  "items",
  "additionalProperties",
  "anyOf",
  "enum",
  "const",
  "minimum",
  "maximum",
]);

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Problems of `value`, as paths: a small validator of its own, so that valibot is not its judge. */
function validate(schema: JsonSchema, value: unknown, path = "$"): string[] {
  for (const keyword of Object.keys(schema)) {
    if (!known.has(keyword)) throw new Error(`unknown keyword ${keyword}`);
  }
  const anyOf = schema["anyOf"] as JsonSchema[] | undefined;
  if (anyOf !== undefined) {
    return anyOf.some((one) => validate(one, value, path).length === 0) ? [] : [path];
  }
  const problems: string[] = [];
  const type = schema["type"] as string | undefined;
  const isInteger = type === "integer" && Number.isInteger(value);
  if (type !== undefined && !isInteger && typeOf(value) !== type) return [path];
  if ("const" in schema && schema["const"] !== value) problems.push(path);
  const choices = schema["enum"] as unknown[] | undefined;
  if (choices !== undefined && !choices.includes(value)) problems.push(path);
  if (typeof value === "number") {
    if (value < ((schema["minimum"] as number | undefined) ?? -Infinity)) problems.push(path);
    if (value > ((schema["maximum"] as number | undefined) ?? Infinity)) problems.push(path);
  }
  if (Array.isArray(value)) {
    const items = schema["items"] as JsonSchema;
    return problems.concat(...value.map((item, i) => validate(items, item, `${path}[${i}]`)));
  }
  if (typeOf(value) !== "object") return problems;
  const object = value as Record<string, unknown>;
  const properties = (schema["properties"] ?? {}) as Record<string, JsonSchema>;
  for (const key of (schema["required"] ?? []) as string[]) {
    if (!(key in object)) problems.push(`${path}.${key}`);
  }
  for (const [key, item] of Object.entries(object)) {
    const inner = properties[key] ?? (schema["additionalProperties"] as JsonSchema | undefined);
    if (inner !== undefined) problems.push(...validate(inner, item, `${path}.${key}`));
  }
  return problems;
}

const schema = toJsonSchema(snapshotSchema, "appliance status");
const full = directorSnapshot({
  timeouts: { tcpMs: 3_600_000, tcpFinMs: 30_000, udpMs: 300_000 },
  events: [statusEvent(2, { service: null, server: null }), statusEvent(1)],
  services: [
    serviceSnapshot({
      rates: { cps: 1.5, inPps: 0, outPps: 0, inBps: 0, outBps: 0 },
      fallback: { key: "127.0.0.1:80", active: false, local: true },
      realServers: [serverSnapshot(), serverSnapshot({ address: null, changedAt: null })],
    }),
  ],
});

describe("toJsonSchema", () => {
  test("converts each kind of schema that is in use", () => {
    const sample = v.object({
      a: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(9)),
      b: v.optional(v.nullable(v.string())),
      c: v.array(v.picklist(["x", "y"])),
      d: v.pipe(v.record(v.string(), v.boolean()), v.description("by name")),
      e: v.literal(1),
    });
    expect(toJsonSchema(sample, "sample")).toEqual({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "sample",
      type: "object",
      required: ["a", "c", "d", "e"],
      properties: {
        a: { type: "integer", minimum: 0, maximum: 9 },
        b: { anyOf: [{ type: "string" }, { type: "null" }] },
        c: { type: "array", items: { type: "string", enum: ["x", "y"] } },
        d: {
          type: "object",
          additionalProperties: { type: "boolean" },
          description: "by name",
        },
        e: { const: 1 },
      },
    });
  });

  test("does not pass over what it does not know", () => {
    expect(() => toJsonSchema(v.date(), "sample")).toThrow("date");
    expect(() => toJsonSchema(v.pipe(v.string(), v.email()), "sample")).toThrow("email");
  });
});

describe("snapshotSchema as JSON Schema", () => {
  test("takes a full snapshot", () => {
    expect(validate(schema, JSON.parse(JSON.stringify(full)))).toEqual([]);
    expect(v.safeParse(snapshotSchema, full).issues).toBeUndefined();
  });

  test("takes further keys, since the format is additive", () => {
    expect(validate(schema, { ...full, later: 1 })).toEqual([]);
  });

  test.each([
    ["another version", { ...full, version: 2 }, "$.version"],
    ["a missing field", { ...full, pid: undefined }, "$.pid"],
    ["a wrong type", { ...full, ready: "yes" }, "$.ready"],
    [
      "an unknown state",
      { ...full, services: [{ ...full.services[0], state: "odd" }] },
      "$.services[0].state",
    ],
    [
      "a weight out of range",
      directorSnapshot({
        services: [serviceSnapshot({ realServers: [serverSnapshot({ weight: 65_536 })] })],
      }),
      "$.services[0].realServers[0].weight",
    ],
  ])("finds %s", (_name, value, path) => {
    expect(validate(schema, JSON.parse(JSON.stringify(value)))).toEqual([path]);
    expect(v.safeParse(snapshotSchema, JSON.parse(JSON.stringify(value))).success).toBe(false);
  });
});
