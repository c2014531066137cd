/**
 * Routes of the status endpoint, as a hono application without a listener.
 *
 * @module
 */

import { Hono } from "hono";
import type { Context } from "hono";

import { systemClock } from "../clock/index.ts";
import type { Clock } from "../clock/index.ts";
import { ApplianceError } from "../errors/index.ts";
import { accessControl, actorOf } from "./access.ts";
import type { StatusEnvironment } from "./access.ts";
import { compression } from "./compression.ts";
import { createEventHub, parseEventId } from "./events.ts";
import type { EventHub } from "./events.ts";
import { handoverSchema } from "./failover.ts";
import { sendError } from "./http-error.ts";
import { toJsonSchema } from "./json-schema.ts";
import { metricContentType } from "./metric-text.ts";
import { renderMetrics } from "./metrics.ts";
import { pagePolicy, renderLockedPage, renderPage } from "./page.ts";
import type { PageOptions } from "./page.ts";
import {
  changeRequestSchema,
  parseBody,
  reloadRequestSchema,
  upgradeRequestSchema,
} from "./request.ts";
import { securityHeaders } from "./security.ts";
import { snapshotSchema } from "./snapshot.ts";
import type { StatusSource } from "./source.ts";

/** Who may ask, and the parts that tests replace. */
export interface StatusAppOptions {
  /** Address that the TCP listener is bound to; undefined: none. */
  readonly listenAddress?: string | undefined;
  /** Further names by which clients may call the listener. @default none */
  readonly hostNames?: readonly string[] | undefined;
  /** With at least one, reading over TCP needs it or a write token. @default none */
  readonly readTokens?: readonly string[] | undefined;
  /** Without one, nothing can be changed over TCP. @default none */
  readonly writeTokens?: readonly string[] | undefined;
  /** @default the machine's clock */
  readonly clock?: Clock | undefined;
  /** Told of what went wrong inside a route; the client gets no details. @default nobody */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The application; `close` ends its event streams. */
export interface StatusApp {
  readonly fetch: (
    request: Request,
    origin: StatusEnvironment["Bindings"],
  ) => Response | Promise<Response>;
  readonly close: () => void;
}

type StatusContext = Context<StatusEnvironment>;

const connectionsDefault = 100;
/** A row is some 150 bytes; the table may have many more. */
const connectionsMax = 10_000;

function isHtmlWanted(context: StatusContext): boolean {
  return context.req.header("Accept")?.includes("text/html") === true;
}

function sendPage(context: StatusContext, text: string, status: 200 | 401): Response {
  context.header("Content-Security-Policy", pagePolicy);
  return context.html(text, status);
}

function getReady(context: StatusContext, source: StatusSource): Response {
  const active = context.req.query("active");
  const notReady = source.notReady();
  const reasons = active === undefined ? notReady : [...notReady, ...notActive(source, active)];
  const isReady = reasons.length === 0;
  return context.json({ ready: isReady, reasons }, isReady ? 200 : 503);
}

/** Why this director does not own the addresses of a virtual router; empty if it does. */
function notActive(source: StatusSource, name: string): readonly string[] {
  const router = source.failover()?.routers.find((one) => one.name === name);
  if (router === undefined) return [`there is no virtual router ${name}`];
  const isActive = router.state === "active" && router.leaseRemainingMs > 0;
  return isActive ? [] : [`virtual router ${name} is ${router.state}`];
}

function getEvents(context: StatusContext, hub: EventHub): Response {
  context.header("Content-Type", "text/event-stream; charset=utf-8");
  if (context.req.method === "HEAD") return context.body(null);
  const stream = hub.open(parseEventId(context.req.header("Last-Event-ID")));
  if (stream !== undefined) return context.body(stream);
  context.header("Retry-After", "10");
  const message = "Too many clients follow the events already";
  return sendError(context, 503, { code: "STATUS_TOO_MANY_CLIENTS", message });
}

async function getConnections(context: StatusContext, source: StatusSource): Promise<Response> {
  const text = context.req.query("limit") ?? String(connectionsDefault);
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= connectionsMax) {
    return context.json({ connections: await source.connections(limit) });
  }
  const message = `Expected a limit of 1 to ${connectionsMax}`;
  return sendError(context, 400, { code: "STATUS_LIMIT", message });
}

async function postChange(context: StatusContext, source: StatusSource): Promise<Response> {
  const request = await parseBody(context.req.raw, changeRequestSchema);
  const result = await source.change(request, actorOf(context));
  if (result.ok) return context.json(result);
  return sendError(context, result.code.endsWith("_UNKNOWN") ? 404 : 409, result);
}

async function postReload(context: StatusContext, source: StatusSource): Promise<Response> {
  const request = await parseBody(context.req.raw, reloadRequestSchema);
  const result = await source.reload(request.dry_run, actorOf(context));
  return result.ok ? context.json(result) : sendError(context, 409, result);
}

/** Starts a program: for whoever may use the control socket, however many tokens there are. */
async function postUpgrade(context: StatusContext, source: StatusSource): Promise<Response> {
  if (context.env?.via !== "control") {
    const message = "Expected the control socket: appliance upgrade";
    return sendError(context, 403, { code: "STATUS_CONTROL_ONLY", message });
  }
  await parseBody(context.req.raw, upgradeRequestSchema);
  const result = await source.upgrade(actorOf(context));
  return result.ok ? context.json(result) : sendError(context, 409, result);
}

async function postFailover(context: StatusContext, source: StatusSource): Promise<Response> {
  const request = await parseBody(context.req.raw, handoverSchema);
  const result = await source.handover(request, actorOf(context));
  if (result.ok) return context.json(result);
  return sendError(context, result.code.endsWith("_UNKNOWN") ? 404 : 409, result);
}

const statusByCode: Readonly<Record<string, 400 | 413 | 415>> = {
  STATUS_BODY: 400,
  STATUS_BODY_TOO_LONG: 413,
  STATUS_BODY_TYPE: 415,
};

/** What a route threw: the client's fault if it has one of the codes above, else ours. */
function answerError(error: unknown, context: StatusContext, options: StatusAppOptions): Response {
  if (error instanceof ApplianceError) {
    const status = statusByCode[error.code];
    if (status !== undefined) return sendError(context, status, error);
  }
  options.onError?.(error);
  const message = "The director could not answer; its log has the reason";
  return sendError(context, 500, { code: "STATUS_INTERNAL", message });
}

interface ReadRoutes {
  readonly source: StatusSource;
  readonly hub: EventHub;
  readonly page: PageOptions;
}

function addReadRoutes(app: Hono<StatusEnvironment>, { source, hub, page }: ReadRoutes): void {
  app.get("/", (context) => sendPage(context, renderPage(source.snapshot(), page), 200));
  app.get("/status", (context) => context.json(source.snapshot()));
  app.get("/status/schema", (context) =>
    context.json(toJsonSchema(snapshotSchema, "appliance status, version 1")),
  );
  app.get("/metrics", (context) => {
    context.header("Content-Type", metricContentType);
    return context.body(renderMetrics(source));
  });
  app.get("/healthz", (context) => {
    const isHealthy = source.isHealthy();
    return context.json({ healthy: isHealthy }, isHealthy ? 200 : 503);
  });
  app.get("/readyz", (context) => getReady(context, source));
  app.get("/events", (context) => getEvents(context, hub));
  app.get("/config", (context) => context.json(source.configuration()));
  app.get("/connections", (context) => getConnections(context, source));
}

/** Answers every other method, and every other path. */
function addRefusals(app: Hono<StatusEnvironment>): void {
  const allowed = new Map<string, string>();
  for (const { path, method } of app.routes) {
    if (method !== "ALL") allowed.set(path, method === "GET" ? "GET, HEAD" : method);
  }
  for (const [path, methods] of allowed) {
    app.all(path, (context) => {
      context.header("Allow", methods);
      const message = `Expected ${methods}, got ${context.req.method}`;
      return sendError(context, 405, { code: "STATUS_METHOD", message });
    });
  }
  app.notFound((context) =>
    sendError(context, 404, { code: "STATUS_PATH", message: "There is no such path" }),
  );
}

/** The routes over `source`. The caller closes it, which ends the event streams. */
export function createStatusApp(source: StatusSource, options: StatusAppOptions = {}): StatusApp {
  const app = new Hono<StatusEnvironment>();
  const hub = createEventHub(source, options.clock ?? systemClock);
  const page: PageOptions = { isChangeable: (options.writeTokens ?? []).length > 0 };
  app.use(compression());
  app.use(securityHeaders());
  app.use(
    accessControl({
      listenAddress: options.listenAddress,
      hostNames: options.hostNames ?? [],
      readTokens: options.readTokens ?? [],
      writeTokens: options.writeTokens ?? [],
      lockedPage: (context, message) =>
        context.req.path === "/" && isHtmlWanted(context)
          ? sendPage(context, renderLockedPage(message, page), 401)
          : undefined,
    }),
  );
  addReadRoutes(app, { source, hub, page });
  app.post("/servers/change", (context) => postChange(context, source));
  app.post("/failover", (context) => postFailover(context, source));
  app.post("/upgrade", (context) => postUpgrade(context, source));
  app.post("/reload", (context) => postReload(context, source));
  addRefusals(app);
  app.onError((error, context) => answerError(error, context, options));
  return { fetch: (request, origin) => app.fetch(request, origin), close: () => hub.close() };
}
