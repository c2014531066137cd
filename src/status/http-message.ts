/**
 * HTTP/1.1 heads as bytes and values (RFC 9112), for the control socket.
 *
 * Strict where leniency is a way to be misread: no folded lines, no blank before a colon, one
 * length, no transfer coding. Pure.
 *
 * @module
 */

/** A request's head is no longer than this; ours have some 200 bytes. */
export const headBytesMax = 16 * 1024;
const headersMax = 64;

/** A request without its body. */
export interface RequestHead {
  readonly method: string;
  /** Path with query, starts with `/`. */
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Declared length of the body; 0 without one. */
  readonly bodyBytes: number;
}

/** Outcome of {@link parseRequestHead}; bytes of a client are untrusted, so no error is thrown. */
export type ParsedHead =
  | { readonly ok: true; readonly head: RequestHead }
  | { readonly ok: false; readonly status: 400 | 411; readonly reason: string };

const requestLine = /^([A-Z]{1,20}) (\/[\u0021-\u007e]*) HTTP\/1\.[01]$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\u0020-\u007e\u0080-\u00ff]*)$/;

function refuse(status: 400 | 411, reason: string): ParsedHead {
  return { ok: false, status, reason };
}

/** Index just behind the empty line that ends a head; -1 if it has not come yet. */
export function findHeadEnd(bytes: Uint8Array): number {
  for (let index = 3; index < bytes.length; index++) {
    const isEnd =
      bytes[index] === 10 &&
      bytes[index - 1] === 13 &&
      bytes[index - 2] === 10 &&
      bytes[index - 3] === 13;
    if (isEnd) return index + 1;
  }
  return -1;
}

function parseHeaders(lines: readonly string[]): RequestHead["headers"] | undefined {
  const headers: (readonly [string, string])[] = [];
  for (const line of lines) {
    const match = headerLine.exec(line);
    if (match === null) return undefined;
    headers.push([match[1]!.toLowerCase(), match[2]!.trimEnd()]);
  }
  return headers;
}

/** Value of a head's bytes, the empty line at its end included. */
export function parseRequestHead(bytes: Uint8Array): ParsedHead {
  // Bytes as Latin-1: one character each, whatever they are.
  const lines = Buffer.from(bytes).toString("latin1").split("\r\n").slice(0, -2);
  const request = requestLine.exec(lines[0] ?? "");
  if (request === null) return refuse(400, "the request line is malformed");
  if (lines.length - 1 > headersMax) return refuse(400, `more than ${headersMax} headers`);
  const headers = parseHeaders(lines.slice(1));
  if (headers === undefined) return refuse(400, "a header is malformed");

  if (headers.some(([name]) => name === "transfer-encoding")) {
    return refuse(411, "a body needs a Content-Length");
  }
  const lengths = headers.filter(([name]) => name === "content-length");
  const [length] = lengths;
  if (lengths.length > 1 || (length !== undefined && !/^\d{1,9}$/.test(length[1]))) {
    return refuse(400, "the Content-Length is malformed");
  }
  const head = { method: request[1]!, target: request[2]!, headers };
  return { ok: true, head: { ...head, bodyBytes: length === undefined ? 0 : Number(length[1]) } };
}

/** Head of an answer after which the connection is closed. */
export function formatResponseHead(
  { status, headers }: Pick<Response, "status" | "headers">,
  bodyBytes: number | undefined,
): string {
  const lines = [`HTTP/1.1 ${status} ${status < 400 ? "OK" : "Error"}`];
  for (const [name, value] of headers) {
    if (name !== "connection" && name !== "content-length") lines.push(`${name}: ${value}`);
  }
  if (bodyBytes !== undefined) lines.push(`content-length: ${bodyBytes}`);
  lines.push("connection: close");
  return `${lines.join("\r\n")}\r\n\r\n`;
}
