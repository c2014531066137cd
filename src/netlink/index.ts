/**
 * Netlink: the kernel's interface for addresses, links, rules and IPVS, without a helper program.
 *
 * Here are the messages, attributes, requests and subscriptions that all protocols share;
 * `route/`, `generic/` and `nftables/` speak one protocol each. Everything is synchronous and
 * belongs to the thread that opened it.
 *
 * @module
 */

export { attribute, AttributeReader, encodeAttributes } from "./attribute.ts";
export type { Attribute } from "./attribute.ts";
export type { Decoded, Fault } from "./decoded.ts";
export { isRefusal, NetlinkError } from "./error.ts";
export type { NetlinkErrorCode } from "./error.ts";
export { decodeAcknowledgement, decodeMessages, encodeMessage } from "./message.ts";
export type { Acknowledgement, NetlinkMessage } from "./message.ts";
export { NetlinkSocket, openNetlink } from "./socket.ts";
export type { Decode, NetlinkRequest, NetlinkSocketSettings } from "./socket.ts";
export { drainDatagramsMax, subscribe, Subscription } from "./subscription.ts";
export type { DrainResult, SubscribeOptions } from "./subscription.ts";
export { openTransport } from "./transport.ts";
export type { NetlinkTransport, Received } from "./transport.ts";
