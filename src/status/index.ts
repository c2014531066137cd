/**
 * The status endpoint: page, JSON, metrics, events and run-time changes, over TCP and over the
 * control socket.
 *
 * The director implements {@link StatusSource}; nothing here knows where the facts come from.
 *
 * @module
 */

export { createStatusApp } from "./app.ts";
export type { StatusApp, StatusAppOptions } from "./app.ts";
export { formatAgo, formatBytes, formatCount, formatRate, formatSpan } from "./human.ts";
export { ownerText, resourcesText, whyText } from "./failover-text.ts";
export { startStatusServer } from "./server.ts";
export type { StatusServer, StatusServerOptions } from "./server.ts";
export { readTokenFile } from "./token.ts";
export type {
  ChangeRequest,
  ChangeResult,
  CheckMetrics,
  ConnectionSnapshot,
  FallbackSnapshot,
  Figures,
  IpvsSnapshot,
  Rates,
  ReloadResult,
  ServerFigures,
  ServerSnapshot,
  ServiceFigures,
  ServiceSnapshot,
  Snapshot,
  StatusEvent,
  StatusSource,
  TrafficSnapshot,
  UpgradeResult,
} from "./source.ts";
export type {
  FailoverSnapshot,
  HandoverRequest,
  HandoverResult,
  VirtualRouterSnapshot,
} from "./failover.ts";
export type { PeerKindSnapshot, PeerSnapshot } from "./peer.ts";
