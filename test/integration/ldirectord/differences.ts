/**
 * Where the tables of ldirectord and of this project differ on purpose: why, and where it is
 * documented.
 *
 * @module
 */

/** A difference, and words of a document of this tree that say so. */
export interface Difference {
  readonly reason: string;
  /** Path from the root of the tree. */
  readonly document: string;
  readonly words: string;
}

/** Key of {@link differences}. */
export type DifferenceName =
  | "one method"
  | "any certificate"
  | "fallback has no method"
  | "fallback takes no server away"
  | "weight 0 serves nobody";

/** All of them. Each is met in a case, and its words stand in its document. */
export const differences: Readonly<Record<DifferenceName, Difference>> = {
  "one method": {
    reason: "a service has one forwarding method, that of its first real server",
    document: "docs/migrating.md",
    words: "One for the whole service: the first server's",
  },
  "any certificate": {
    reason:
      "ldirectord asks for no verification, but with the Perl library of Debian 12 it gets one of " +
      "dates and authority, not of the name; with an older library it gets none",
    document: "docs/decisions/0019-table-beside-ldirectord.md",
    words: "An imported check of https takes any certificate",
  },
  "fallback has no method": {
    reason:
      "the fallback is reached as the real servers are: ldirectord makes it `gate` unless told " +
      "otherwise, and then the kernel gives it the port of the service, whatever the file says",
    document: "docs/decisions/0019-table-beside-ldirectord.md",
    words: "The fallback of a service has the forwarding method of the service",
  },
  "fallback takes no server away": {
    reason:
      "one that is a real server too keeps its place when the fallback is not needed any more: " +
      "ldirectord deletes it, and the healthy server gets nothing until it has failed once",
    document: "docs/decisions/0019-table-beside-ldirectord.md",
    words: "A real server may be the fallback as well",
  },
  "weight 0 serves nobody": {
    reason:
      "with all healthy servers at weight 0 nobody would serve: then the fallback does. " +
      "ldirectord counts servers, whatever they weigh",
    document: "docs/decisions/0007-fallback-and-first-check.md",
    words: "What counts is weight, not only health",
  },
};
