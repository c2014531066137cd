/**
 * Headers of every answer: nothing may be framed, guessed, cached or shared with another site.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";

const headers: readonly (readonly [string, string])[] = [
  ["Cache-Control", "no-store"],
  ["Cross-Origin-Opener-Policy", "same-origin"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
  ["X-Content-Type-Options", "nosniff"],
  ["X-Frame-Options", "DENY"],
];

/** For answers that are data; the page sets its own policy. */
const dataPolicy = "default-src 'none'; frame-ancestors 'none'";

/** Sets the headers after the route has answered. */
export function securityHeaders(): MiddlewareHandler {
  return async (context, next) => {
    await next();
    for (const [name, value] of headers) context.header(name, value);
    if (!context.res.headers.has("Content-Security-Policy")) {
      context.header("Content-Security-Policy", dataPolicy);
    }
  };
}
