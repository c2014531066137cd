/**
 * How far entries of one kind were copied between two directors, for tests of what shows it.
 *
 * @module
 */
import type { PeerKindSnapshot } from "../../src/status/index.ts";

/** Some were sent, some received. */
export const copiedEntries: PeerKindSnapshot = {
  lagMs: 1200,
  entries: 50,
  sent: 40,
  received: 30,
  taken: 20,
};
