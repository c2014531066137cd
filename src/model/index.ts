/**
 * Nouns of the product, as plain data: what the configuration says, what an engine must forward,
 * what is known of each real server. No behaviour; everything is JSON-able and read-only.
 *
 * @module
 */

export type {
  CheckService,
  CheckSpec,
  CheckType,
  Config,
  DirectorConfig,
  EngineChoice,
  ExchangeCheckSpec,
  ForwardingMethod,
  FtpCheckSpec,
  HttpCheckSpec,
  ListenAddress,
  MailboxCheckSpec,
  OnDown,
  Persistence,
  PlainCheckSpec,
  Protocol,
  ProxyConfig,
  ProxyTimeouts,
  RealServer,
  RedisCheckSpec,
  SchedulerName,
  SendProxy,
  Server,
  ServiceCheckSpec,
  SipCheckSpec,
  StatusConfig,
  TlsCheckSpec,
  VirtualService,
} from "./config.ts";
export { schedulerNames } from "./config.ts";
export type { ForwardingServer, ForwardingService, ServerRole, ServerState } from "./forwarding.ts";
