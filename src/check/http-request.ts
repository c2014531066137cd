/**
 * Request of the HTTP check (RFC 9112, sections 3 and 5) and where a redirect leads. Pure.
 *
 * @module
 */

/** What is asked for, and where. `port` is the one to connect to; the address never changes. */
export interface HttpRequest {
  readonly tls: boolean;
  readonly port: number;
  /** Host header: `name`, `name:port`, `[v6]:port`. */
  readonly host: string;
  /** Path with query, starts with `/`. */
  readonly path: string;
}

/** Ports that stand for the real server's own in the address of a page. */
export interface OwnPorts {
  readonly port: number;
  readonly virtualPort: number;
}

/** Longest Location that is followed; what is longer is no address of a page. */
const locationCharactersMax = 8 * 1024;

function defaultPort(tls: boolean): number {
  return tls ? 443 : 80;
}

/** Host header for a server that is asked by its name or address. */
export function hostHeader(host: string, port: number, tls: boolean): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === defaultPort(tls) ? name : `${name}:${port}`;
}

/** Host without its port, for TLS: `[::1]:443` is `::1`. */
export function hostName(host: string): string {
  const bracketed = /^\[([^\]]*)\]/.exec(host);
  if (bracketed !== null) return bracketed[1]!;
  return /^[^:]*:\d+$/.test(host) ? host.slice(0, host.lastIndexOf(":")) : host;
}

/** What must not stand in a request line or header, percent-encoded as in an address. */
function encodeUnsafe(text: string): string {
  return text.toWellFormed().replace(/[^\u0021-\u007e]/gu, encodeURIComponent);
}

/** Bytes of the request. Controls in `path` and `host` cannot break out of their line. */
export function encodeRequest(
  method: "GET" | "HEAD",
  { path, host }: Pick<HttpRequest, "path" | "host">,
): Uint8Array<ArrayBuffer> {
  const lines = [
    `${method} ${encodeUnsafe(path)} HTTP/1.1`,
    `Host: ${encodeUnsafe(host)}`,
    "User-Agent: appliance",
    "Accept: */*",
    "Connection: close",
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
}

/**
 * The request a redirect asks for; undefined if `location` is no http address.
 *
 * The same real server is asked again, whatever host the address names: the check is about this
 * server. Path, Host and scheme follow. The port does not change within a scheme when the address
 * has the real server's, the virtual service's or the scheme's own port.
 */
export function followRedirect(
  request: HttpRequest,
  location: string,
  own: OwnPorts,
): HttpRequest | undefined {
  if (location.length > locationCharactersMax) return undefined;
  const base = `${request.tls ? "https" : "http"}://${request.host}${request.path}`;
  const url = URL.parse(location, base);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const tls = url.protocol === "https:";
  const port = url.port === "" ? defaultPort(tls) : Number(url.port);
  const isOwn = [own.port, own.virtualPort, defaultPort(tls)].includes(port);
  return {
    tls,
    port: tls === request.tls && isOwn ? request.port : port,
    host: url.host,
    path: `${url.pathname}${url.search}`,
  };
}
