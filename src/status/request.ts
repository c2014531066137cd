/**
 * Bodies of POST requests: bounded, JSON, and exactly what is expected.
 *
 * @module
 */

import * as v from "valibot";

import { ApplianceError } from "../errors/index.ts";
import type { ChangeRequest } from "./source.ts";

/** A change is some hundred bytes; nobody may fill the director's memory. */
export const bodyBytesMax = 64 * 1024;

const name = v.pipe(v.string(), v.nonEmpty(), v.maxLength(300));
const common = { server: name, service: v.optional(name) };

/** Body of `POST /servers/change`. */
export const changeRequestSchema = v.variant("action", [
  v.strictObject({ ...common, action: v.picklist(["drain", "enable"]) }),
  v.strictObject({ ...common, action: v.literal("disable"), kill: v.optional(v.boolean(), false) }),
  v.strictObject({
    ...common,
    action: v.literal("weight"),
    weight: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
  }),
]) satisfies v.GenericSchema<unknown, ChangeRequest>;

/** Body of `POST /reload`; none at all is `{}`. */
export const reloadRequestSchema = v.strictObject({ dry_run: v.optional(v.boolean(), false) });

/** Body of `POST /upgrade`; none at all is `{}`. */
export const upgradeRequestSchema = v.strictObject({});

function tooLong(): ApplianceError {
  return new ApplianceError(
    "STATUS_BODY_TOO_LONG",
    `Cannot take the body: it is longer than ${bodyBytesMax} bytes`,
  );
}

/**
 * The body as text, read no further than the limit.
 *
 * @throws {ApplianceError} `STATUS_BODY_TOO_LONG`.
 */
async function readBody(request: Request): Promise<string> {
  const declared = Number(request.headers.get("Content-Length") ?? 0);
  if (declared > bodyBytesMax) throw tooLong();
  if (request.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) throw tooLong();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "";
  const expected = issue.expected === "never" ? "no such key" : `${issue.expected}`;
  return `${path === "" ? "body" : path}: expected ${expected}, got ${issue.received}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text === "" ? "{}" : text);
  } catch (error) {
    throw new ApplianceError("STATUS_BODY", "Cannot read the body: it is not JSON", {
      cause: error,
    });
  }
}

/**
 * The body of `request` as `schema` has it.
 *
 * @throws {ApplianceError} `STATUS_BODY_TYPE` if it is not declared as JSON (which no form of
 *   another site's page can do without asking), `STATUS_BODY_TOO_LONG`, `STATUS_BODY` if it is
 *   not JSON or not what is expected.
 */
export async function parseBody<Schema extends v.GenericSchema>(
  request: Request,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const type = request.headers.get("Content-Type") ?? "";
  const text = await readBody(request);
  if (text !== "" && !/^application\/json\s*(?:;|$)/i.test(type)) {
    const message = "Cannot take the body: its Content-Type must be application/json";
    throw new ApplianceError("STATUS_BODY_TYPE", message);
  }
  const result = v.safeParse(schema, parseJson(text));
  if (result.success) return result.output;
  const problems = result.issues.map((issue) => describe(issue)).join("; ");
  throw new ApplianceError("STATUS_BODY", `Cannot use the body: ${problems}`);
}
