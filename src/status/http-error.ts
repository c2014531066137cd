/**
 * Errors of the endpoint as its clients see them: a status and `{code, message}` as JSON.
 *
 * @module
 */

import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** Sends an error. `code` is stable and listed in docs/errors.md; `message` is for people. */
export function sendError(
  context: Context,
  status: ContentfulStatusCode,
  error: { readonly code: string; readonly message: string },
): Response {
  const { code, message } = error;
  return context.json({ code, message }, status);
}
