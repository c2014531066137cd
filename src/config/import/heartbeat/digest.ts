/**
 * SHA-256 of a text. Pure: a digest depends on its text only.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** The digest of the text in UTF-8, 64 hexadecimal digits. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
