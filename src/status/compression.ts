/**
 * Answers made smaller for clients beyond this host: the page of 500 real servers has half a
 * megabyte and is fetched again every two seconds, on a telephone perhaps.
 *
 * Nothing secret stands in an answer beside what a client can choose, so their size tells nothing.
 *
 * @module
 */

import type { MiddlewareHandler } from "hono";

import type { StatusEnvironment } from "./access.ts";

/** Below it the time is not worth it. */
const bytesMin = 8 * 1024;
/** Above it the main loop would stand still for too long: 4 MiB take up to 20 ms. */
const bytesMax = 4 * 1024 * 1024;
/** The fastest of zlib: 450 kB of page become 20 in 0.4 ms. */
const level = 1;

/** True if an Accept-Encoding header takes gzip (RFC 9110, section 12.5.3). */
export function acceptsGzip(header: string | undefined): boolean {
  const codings = (header ?? "").toLowerCase().split(",");
  return codings.some((coding) => {
    const [name = "", ...parameters] = coding.split(";").map((part) => part.trim());
    if (name !== "gzip" && name !== "*") return false;
    return !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
  });
}

/** Compresses whole answers of some size over TCP; not streams, not the control socket. */
export function compression(): MiddlewareHandler<StatusEnvironment> {
  return async (context, next) => {
    await next();
    const { res } = context;
    const isStream = res.headers.get("Content-Type")?.startsWith("text/event-stream") === true;
    if (context.env?.via === "control" || isStream || res.body === null) return;
    res.headers.append("Vary", "Accept-Encoding");
    if (!acceptsGzip(context.req.header("Accept-Encoding"))) return;
    const bytes = new Uint8Array(await res.arrayBuffer());
    const isWorthIt = bytes.length >= bytesMin && bytes.length <= bytesMax;
    const body = isWorthIt ? Bun.gzipSync(bytes, { level }) : bytes;
    const answer = new Response(body, res);
    if (isWorthIt) answer.headers.set("Content-Encoding", "gzip");
    answer.headers.delete("Content-Length");
    context.res = answer;
  };
}
