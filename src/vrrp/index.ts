/**
 * VRRP: packets, times, the lease, and the state machine of a virtual router. Everything is pure:
 * no clock, no socket, no address of the host is touched. The real-time thread drives it.
 *
 * @module
 */

export { judgeAdvertisement } from "./accept.ts";
export type { AcceptRules, Arrival } from "./accept.ts";
export { action, createActionList } from "./action.ts";
export type { ActionList } from "./action.ts";
export {
  addressesMax,
  createAdvertisement,
  hasSameAddresses,
  messageBytesMax,
  messageBytesOf,
  multicastIpv4,
  multicastIpv6,
  ownerPriority,
  resignPriority,
  setAddresses,
  setPassword,
  vrrpProtocol,
} from "./advertisement.ts";
export type { Advertisement, ChecksumDialect, Envelope, VrrpVersion } from "./advertisement.ts";
export {
  announceAtMs,
  beginAnnouncing,
  createAnnounceSchedule,
  stopAnnouncing,
  takeAnnouncement,
} from "./announce-schedule.ts";
export type { AnnounceSchedule } from "./announce-schedule.ts";
export { appendHmac, createHmacScratch, hmacTrailerBytes, verifyHmac } from "./auth-hmac.ts";
export type { HmacPacket, HmacResult, HmacScratch, Mac, Stamp } from "./auth-hmac.ts";
export { carryRouter, restoreRouter } from "./carry.ts";
export type { CarriedRouter } from "./carry.ts";
export { cause, causeNames } from "./cause.ts";
export type { CauseName } from "./cause.ts";
export { decodeAdvertisement } from "./decode.ts";
export type { Decoded } from "./decode.ts";
export { compareAddresses, fitnessPriority } from "./election.ts";
export { encodeAdvertisement } from "./encode.ts";
export { claim, override } from "./event.ts";
export type { HeardEvent, PeerEvent, RouterEvent } from "./event.ts";
export { groupTransition } from "./group.ts";
export { shortestTakeoverMs } from "./lease.ts";
export { advertisementResults } from "./result.ts";
export type { AdvertisementResult, DropReason } from "./result.ts";
export {
  blockOf,
  createRouter,
  isAnswering,
  priorityOf,
  routerState,
  stateNames,
} from "./router.ts";
export type { Router, RouterOptions } from "./router.ts";
export { createStampWindow, judgeStamp } from "./stamp.ts";
export type { StampWindow } from "./stamp.ts";
export { activeDownMs, deriveTiming } from "./timing.ts";
export type { Timing, TimingOptions } from "./timing.ts";
export { dueAtMs, transition } from "./transition.ts";
export { leaseProblems, routerProblems } from "./validate.ts";
export type { RouterPlan, RouterProblem, RouterProblemCode } from "./validate.ts";
