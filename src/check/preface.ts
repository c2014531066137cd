/**
 * What goes before the first byte of a check's own protocol: PROXY header and TLS.
 *
 * @module
 */

import type { TlsCheckSpec } from "../model/index.ts";
import { encodeProxyV1, encodeProxyV2 } from "../net/proxy-protocol.ts";
import type { CheckTarget } from "./check.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";
import type { StreamTls } from "./stream.ts";
import type { TrustStore } from "./tls-trust.ts";

/** PROXY header of a check; undefined: none. */
export function proxyHeader(version: CheckTarget["sendProxy"]): Uint8Array | undefined {
  // The connection is the director's own: LOCAL in version 2, UNKNOWN in version 1.
  if (version === "off") return undefined;
  return version === "v1" ? encodeProxyV1(undefined) : encodeProxyV2(undefined);
}

/** TLS as a check wants it. `name` is verified where the user has named none. */
export function streamTls(
  trustStore: TrustStore,
  { verify, caFile, serverName }: TlsCheckSpec,
  name: string,
): StreamTls | Failure {
  const trust = trustStore.trust(caFile);
  if (!trust.ok && verify) return { reason: "tls", detail: printable(trust.message) };
  const ca = trust.ok ? trust.pem : undefined;
  return { serverName: serverName ?? name, verify, ca: verify ? ca : undefined };
}
