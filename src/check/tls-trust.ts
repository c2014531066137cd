/**
 * Authorities that an https check trusts: a PEM file of the user, or those of the system.
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";

import { errorText } from "../errors/index.ts";

/** Longest file of authorities; that of a distribution has 250 KB. */
const caBytesMax = 4 * 1024 * 1024;

/** Where distributions keep their authorities: Debian, Fedora, SUSE. */
const systemFiles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

/** PEM text, or why there is none. `pem` undefined: the runtime's own list. */
export type Trust =
  | { readonly ok: true; readonly pem: string | undefined }
  | { readonly ok: false; readonly message: string };

interface CachedFile {
  readonly mtimeMs: number;
  readonly size: number;
  readonly pem: string;
}

/** Reads a file of bounded length. @throws {Error} of node:fs, or if it is too long. */
function readBounded(path: string): string {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    if (size > caBytesMax) throw new Error(`${path} is longer than ${caBytesMax} bytes`);
    const bytes = new Uint8Array(size);
    return new TextDecoder().decode(bytes.subarray(0, readSync(fd, bytes)));
  } finally {
    closeSync(fd);
  }
}

/** Reads files of authorities, anew only when they have changed. */
export interface TrustStore {
  trust(caFile: string | undefined): Trust;
}

/** Creates a trust store; one is enough for all checks. */
export function createTrustStore(): TrustStore {
  const cache = new Map<string, CachedFile>();

  const load = (path: string): string => {
    const { mtimeMs, size } = statSync(path);
    const cached = cache.get(path);
    if (cached?.mtimeMs === mtimeMs && cached.size === size) return cached.pem;
    const pem = readBounded(path);
    cache.set(path, { mtimeMs, size, pem });
    return pem;
  };

  const loadSystem = (): string | undefined => {
    for (const path of systemFiles) {
      try {
        return load(path);
      } catch {
        // The next distribution's place.
      }
    }
    return undefined;
  };

  return {
    trust(caFile) {
      if (caFile === undefined) return { ok: true, pem: loadSystem() };
      try {
        return { ok: true, pem: load(caFile) };
      } catch (error) {
        return { ok: false, message: `Cannot read ${caFile}: ${errorText(error)}` };
      }
    },
  };
}
