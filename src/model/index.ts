/**
 * Nouns of the product, as plain data: what the configuration says, what an engine must forward,
 * what is known of each real server. No behaviour; everything is JSON-able and read-only.
 *
 * @module
 */

export type {
  CheckSpec,
  CheckType,
  Config,
  DirectorConfig,
  EngineChoice,
  ForwardingMethod,
  HttpCheckSpec,
  ListenAddress,
  OnDown,
  Persistence,
  Protocol,
  ProxyConfig,
  ProxyTimeouts,
  RealServer,
  SchedulerName,
  SendProxy,
  Server,
  StatusConfig,
  VirtualService,
} from "./config.ts";
export { schedulerNames } from "./config.ts";
export type { ForwardingServer, ForwardingService, ServerRole, ServerState } from "./forwarding.ts";
