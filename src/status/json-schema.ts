/**
 * JSON Schema (draft 2020-12) from the part of valibot that `snapshot.ts` uses.
 *
 * Anything else is a bug found by the first test that converts it. Pure.
 *
 * @module
 */

import type * as v from "valibot";

import { invariant } from "../errors/index.ts";

/** One node of a JSON Schema document. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

/** The fields of valibot's schema and action objects that the converter looks at. */
interface Node {
  readonly kind?: string;
  readonly type: string;
  readonly entries?: Readonly<Record<string, Node>>;
  readonly item?: Node;
  /** Of a record: the schema of its values. */
  readonly value?: Node;
  readonly wrapped?: Node;
  readonly options?: readonly string[];
  readonly literal?: unknown;
  readonly requirement?: unknown;
  readonly description?: string;
  readonly pipe?: readonly Node[];
}

/** Keywords that an action of a pipe adds to its schema. */
function actionKeywords(action: Node): JsonSchema {
  switch (action.type) {
    case "integer":
      return { type: "integer" };
    case "min_value":
      return { minimum: action.requirement };
    case "max_value":
      return { maximum: action.requirement };
    case "iso_timestamp":
      return { format: "date-time" };
    case "description":
      return { description: action.description };
    default:
      throw new Error(`Invariant violated: no JSON Schema for action ${action.type}`);
  }
}

/** An optional key is told by its absence from `required`. */
function objectKeywords(entries: Readonly<Record<string, Node>>): JsonSchema {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [key, entry] of Object.entries(entries)) {
    properties[key] = convert(entry);
    if (entry.type !== "optional") required.push(key);
  }
  return { type: "object", properties, required };
}

function schemaKeywords(node: Node): JsonSchema {
  switch (node.type) {
    case "object":
      return objectKeywords(node.entries!);
    case "array":
      return { type: "array", items: convert(node.item!) };
    case "record":
      return { type: "object", additionalProperties: convert(node.value!) };
    case "nullable":
      return { anyOf: [convert(node.wrapped!), { type: "null" }] };
    case "optional":
      return convert(node.wrapped!);
    case "picklist":
      return { type: "string", enum: node.options };
    case "literal":
      return { const: node.literal };
    case "string":
    case "number":
    case "boolean":
      return { type: node.type };
    default:
      throw new Error(`Invariant violated: no JSON Schema for schema ${node.type}`);
  }
}

function convert(node: Node): JsonSchema {
  if (node.pipe === undefined) return schemaKeywords(node);
  const [head, ...actions] = node.pipe;
  invariant(head !== undefined, "a pipe starts with a schema");
  return Object.assign({}, convert(head), ...actions.map((action) => actionKeywords(action)));
}

/** Document for `schema`, with a title. */
export function toJsonSchema(schema: v.GenericSchema, title: string): JsonSchema {
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title,
    ...convert(schema),
  };
}
