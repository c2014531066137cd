/**
 * Who may ask what.
 *
 * Over the control socket: everything, since its file mode has decided already. Over TCP: the
 * Host header must name this listener (against DNS rebinding), a POST must not come from another
 * site's page, reading needs a token once a read token is configured, changing always needs the
 * write token. Tokens come in the Authorization header only.
 *
 * @module
 */

import type { Context, MiddlewareHandler } from "hono";

import { canonicalAddress } from "../net/address.ts";
import { sendError } from "./http-error.ts";
import { createTokenSet } from "./token.ts";
import type { TokenSet } from "./token.ts";

/** How a request came in; handed to hono as its bindings. Missing: taken as TCP. */
export interface RequestOrigin {
  readonly via: "tcp" | "control";
  /** Over the control socket: uid of the peer as the kernel tells it; undefined: unknown. */
  readonly uid?: number | undefined;
}

/** Environment of the hono application. */
export interface StatusEnvironment {
  Bindings: RequestOrigin;
}

/** What decides on a request. */
export interface AccessOptions {
  /** Address that the TCP listener is bound to; names and loopback addresses are added to it. */
  readonly listenAddress: string | undefined;
  /** Further names of this machine, in lower case. */
  readonly hostNames: readonly string[];
  readonly readTokens: readonly string[];
  readonly writeTokens: readonly string[];
  /** Answer for a person's browser that has to ask for a token; undefined: JSON will do. */
  readonly lockedPage: (
    context: Context<StatusEnvironment>,
    message: string,
  ) => Response | undefined;
}

/** Orchestrators ask these without a token; they tell nothing but yes or no and why. */
const publicPaths: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);
const unspecifiedAddresses: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);
const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

type StatusContext = Context<StatusEnvironment>;

/** Host part of a Host header, canonical if it is an address; undefined if it is malformed. */
export function hostOf(header: string): string | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(header);
  if (match === null) return undefined;
  const host = (match[1] ?? match[2]!).toLowerCase();
  return canonicalAddress(host) ?? host;
}

/** True if a Host header may name the listener: a rebound name never does. */
export function isHostAllowed(
  header: string | undefined,
  { listenAddress, hostNames }: Pick<AccessOptions, "listenAddress" | "hostNames">,
): boolean {
  const host = header === undefined ? undefined : hostOf(header);
  if (host === undefined) return false;
  if (loopbackHosts.has(host) || host === listenAddress || hostNames.includes(host)) return true;
  // Bound to every address: any address will do, since rebinding needs a name.
  const isAnyAddress = listenAddress !== undefined && unspecifiedAddresses.has(listenAddress);
  return isAnyAddress && canonicalAddress(host) !== undefined;
}

/** True unless a browser says that the request comes from another site's page. */
function isOwnOrigin(context: StatusContext): boolean {
  const origin = context.req.header("Origin");
  const site = context.req.header("Sec-Fetch-Site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return false;
  return origin === undefined || origin === `http://${context.req.header("Host")}`;
}

function bearerToken(context: StatusContext): string | undefined {
  const header = context.req.header("Authorization");
  return header === undefined ? undefined : /^Bearer +(\S+)$/i.exec(header)?.[1];
}

interface Tokens extends Pick<AccessOptions, "lockedPage"> {
  readonly read: TokenSet;
  readonly write: TokenSet;
}

function askForToken(context: StatusContext, tokens: Tokens, given: boolean): Response {
  context.header("WWW-Authenticate", 'Bearer realm="appliance"');
  const message = given ? "The token is not known" : "A token is needed";
  const page = tokens.lockedPage(context, message);
  return page ?? sendError(context, 401, { code: "STATUS_TOKEN", message });
}

/** Undefined if the request may change something. */
function refuseWrite(context: StatusContext, tokens: Tokens): Response | undefined {
  if (tokens.write.size === 0) {
    const message =
      "No write token is configured: changes are possible over the control socket only";
    return sendError(context, 403, { code: "STATUS_READ_ONLY", message });
  }
  const token = bearerToken(context);
  if (token !== undefined && tokens.write.has(token)) return undefined;
  if (token !== undefined && tokens.read.has(token)) {
    const message = "The read token does not allow changes";
    return sendError(context, 403, { code: "STATUS_READ_ONLY", message });
  }
  return askForToken(context, tokens, token !== undefined);
}

/** Undefined if the request may read. */
function refuseRead(context: StatusContext, tokens: Tokens): Response | undefined {
  if (tokens.read.size === 0 || publicPaths.has(context.req.path)) return undefined;
  const token = bearerToken(context);
  const isKnown = token !== undefined && (tokens.read.has(token) || tokens.write.has(token));
  return isKnown ? undefined : askForToken(context, tokens, token !== undefined);
}

/** Lets a request pass, or answers it. */
export function accessControl(options: AccessOptions): MiddlewareHandler<StatusEnvironment> {
  const tokens: Tokens = {
    lockedPage: options.lockedPage,
    read: createTokenSet(options.readTokens),
    write: createTokenSet(options.writeTokens),
  };
  return async (context, next) => {
    if (context.env?.via === "control") return next();
    if (!isHostAllowed(context.req.header("Host"), options)) {
      const message = "The Host header names another server";
      return sendError(context, 403, { code: "STATUS_HOST", message });
    }
    const isRead = context.req.method === "GET" || context.req.method === "HEAD";
    if (!isRead && !isOwnOrigin(context)) {
      const message = "The request comes from a page of another site";
      return sendError(context, 403, { code: "STATUS_ORIGIN", message });
    }
    const refusal = isRead ? refuseRead(context, tokens) : refuseWrite(context, tokens);
    return refusal ?? next();
  };
}

/** Who changes something, for the event log. */
export function actorOf(context: StatusContext): string {
  if (context.env?.via !== "control") return "http token";
  return context.env.uid === undefined ? "control socket" : `uid ${context.env.uid}`;
}
