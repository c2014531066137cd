/**
 * What became of a received message of the peer channel: a closed list, each a label of
 * `appliance_peer_messages_received_total{result}`. Pure.
 *
 * @module
 */

/**
 * Every outcome, `accepted` first. New ones go to the end: dashboards know the others.
 *
 * - `stranger`: not from the configured address.
 * - `truncated`: the length is not what the message says, or too small for any.
 * - `foreign`: not of this protocol. `other-version`, `other-kind`: not of this version of it.
 * - `unknown-key`, `bad-mac`: signed with a key that is not in the key file, or not with it.
 * - `malformed`: rightly signed, with values that mean nothing.
 * - `own-message`: this director's own, sent back.
 * - `unproven`: from a start of the peer that has not answered the challenge yet.
 * - `replayed`: not newer than what was heard before.
 */
export const peerResults = [
  "accepted",
  "stranger",
  "truncated",
  "foreign",
  "other-version",
  "other-kind",
  "unknown-key",
  "bad-mac",
  "malformed",
  "own-message",
  "unproven",
  "replayed",
] as const;

/** Outcome of one received message. */
export type PeerResult = (typeof peerResults)[number];
