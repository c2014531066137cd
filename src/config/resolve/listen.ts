/**
 * No two services on one address and port: the kernel would share the connections out between
 * them at random, as all listeners have SO_REUSEPORT.
 *
 * @module
 */

import type { StatusConfig, VirtualService } from "../../model/index.ts";
import { formatEndpoint } from "../../net/address.ts";
import { below } from "../document.ts";
import type { Place } from "../document.ts";
import type { Report } from "../report.ts";

interface Claim {
  readonly portFirst: number;
  readonly portLast: number;
  /** Undefined: nowhere, it is the default. */
  readonly place: Place | undefined;
  readonly owner: string;
  /** Of two that overlap, the one with the higher rank is told of. */
  readonly rank: number;
}

/** A service and where it was written. */
export interface PlacedService {
  readonly service: VirtualService;
  readonly place: Place;
}

/** Where `[status] listen` was written, if it was. */
export interface PlacedStatus {
  readonly status: StatusConfig;
  readonly place: Place | undefined;
}

/** Tells of each listen address that overlaps one before it. O(n log n) in all addresses. */
export function checkListen(
  services: readonly PlacedService[],
  { status, place: statusPlace }: PlacedStatus,
  report: Report,
): void {
  const claims = collectClaims(services);
  if (status.listen !== undefined && status.listen.port !== 0) {
    const { address, port } = status.listen;
    const owner = "the status endpoint ([status] listen)";
    const claim = { portFirst: port, portLast: port, place: statusPlace, owner, rank: -1 };
    claims.get(`tcp ${address}`)?.push(claim);
  }
  for (const [key, list] of claims) {
    const [kind, where] = key.split(" ");
    checkClaims({ where: where!, isMark: kind === "mark" }, list, report);
  }
}

/** By protocol and address, or by firewall mark. */
function collectClaims(services: readonly PlacedService[]): Map<string, Claim[]> {
  const claims = new Map<string, Claim[]>();
  let rank = 0;
  for (const { service, place } of services) {
    const owner = `service "${service.name}"`;
    if (service.firewallMark !== undefined) {
      rank += 1;
      const mark = { portFirst: 0, portLast: 0, place: below(place, "fwmark"), owner, rank };
      addClaim(claims, `mark ${service.firewallMark}`, mark);
    }
    for (const [index, { address, portFirst, portLast }] of service.listen.entries()) {
      rank += 1;
      const claim = { portFirst, portLast, place: below(place, "listen", index), owner, rank };
      addClaim(claims, `${service.protocol} ${address}`, claim);
    }
  }
  return claims;
}

function addClaim(claims: Map<string, Claim[]>, key: string, claim: Claim): void {
  const list = claims.get(key);
  if (list === undefined) claims.set(key, [claim]);
  else list.push(claim);
}

/** What is claimed: ports of an address, or a firewall mark. */
interface Subject {
  readonly where: string;
  readonly isMark: boolean;
}

function checkClaims(subject: Subject, claims: readonly Claim[], report: Report): void {
  const sorted = claims.toSorted((a, b) => a.portFirst - b.portFirst || a.rank - b.rank);
  let widest: Claim | undefined;
  let last: Claim | undefined;
  for (const claim of sorted) {
    // The one before may be of the same port, while the widest is a range around both.
    for (const other of new Set([widest, last])) {
      if (other !== undefined && claim.portFirst <= other.portLast) {
        tell(subject, claim.rank > other.rank ? [claim, other] : [other, claim], report);
      }
    }
    if (widest === undefined || claim.portLast > widest.portLast) widest = claim;
    last = claim;
  }
}

function tell(
  { where, isMark }: Subject,
  [claim, other]: readonly [Claim, Claim],
  report: Report,
): void {
  if (claim.place === undefined) return;
  report.problem(claim.place, {
    expected: isMark
      ? "a firewall mark that no other service has"
      : "an address and port that nobody else listens on",
    found: isMark
      ? Number(where)
      : formatEndpoint({ address: where, port: Math.max(claim.portFirst, other.portFirst) }),
    note: `taken by ${other.owner}${other.place === undefined ? "" : " at"}`,
    other: other.place,
  });
}
