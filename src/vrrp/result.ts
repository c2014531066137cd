/**
 * What became of a received advertisement: a closed list, each a label of
 * `vrrp_advertisements_received_total{result}`. Pure.
 *
 * @module
 */

/** Every outcome, `accepted` first. New ones go to the end: dashboards know the others. */
export const advertisementResults = [
  "accepted",
  "truncated",
  "bad-version",
  "bad-type",
  "bad-length",
  "no-address",
  "bad-checksum",
  "zero-interval",
  "bad-ttl",
  "other-version",
  "other-vrid",
  "own-packet",
  "stranger",
  "bad-destination",
  "bad-auth-type",
  "bad-password",
  "missing-hmac",
  "unknown-key",
  "bad-hmac",
  "replayed",
  "clock-alarm",
  "interval-mismatch",
] as const;

/** Outcome of one received packet. */
export type AdvertisementResult = (typeof advertisementResults)[number];

/** Why a packet was dropped; `clock-alarm` also holds back promotion. */
export type DropReason = Exclude<AdvertisementResult, "accepted">;
