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
  LdapCheckSpec,
  ListenAddress,
  MailConfig,
  MailOccasion,
  MailboxCheckSpec,
  OnDown,
  Persistence,
  PlainCheckSpec,
  Protocol,
  IpvsConfig,
  ProxyConfig,
  ProxyTimeouts,
  RadiusCheckSpec,
  RealServer,
  RedisCheckSpec,
  SchedulerFlag,
  SchedulerName,
  SendProxy,
  Server,
  ServiceCheckSpec,
  ServiceMail,
  SipCheckSpec,
  SqlCheckSpec,
  StatusConfig,
  TlsCheckSpec,
  VirtualService,
} from "./config.ts";
export { mailOccasions, schedulerFlags, schedulerNames } from "./config.ts";
export type { ForwardingServer, ForwardingService, ServerRole, ServerState } from "./forwarding.ts";
export type { PeerConfig, TrackTarget, TrackTimes, VirtualAddress, VirtualRouter } from "./vrrp.ts";
