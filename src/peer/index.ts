/**
 * The peer channel between two directors: its messages, keys, and what counts as new.
 *
 * @module
 */

export { parseKeys, readKeys, requireKeys, describeKeyProblem } from "./key-file.ts";
export type { KeyFileProblem, KeyFileProblemCode, KeyFileResult } from "./key-file.ts";
export { KeyedHash, PeerMac } from "./mac.ts";
export type { PeerKey } from "./mac.ts";
export {
  magic as peerMagic,
  nameTag,
  peerMessageBytesMax,
  rankAddress,
  recordsMax,
} from "./message.ts";
export type { PeerMessage, PeerRecord } from "./message.ts";
export { peerResults } from "./result.ts";
export type { PeerResult } from "./result.ts";
export { PeerSession } from "./session.ts";
export type { CarriedSession, FillRandom, OpenContext } from "./session.ts";
export {
  callerHelloBytes,
  decodeCallerHello,
  decodeListenerHello,
  encodeCallerHello,
  encodeListenerHello,
  listenerHelloBytes,
  payloadBytesMax,
  PeerStream,
} from "./stream.ts";
export type { StreamRole, StreamSecrets } from "./stream.ts";
