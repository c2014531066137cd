/**
 * Requests that are text in the configuration and bytes on the wire. Pure.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Bytes of a simpletcp request, as ldirectord reads it: a leading `/` is cut off, `\n` becomes a
 * line feed.
 */
export function simpleTcpRequest(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text.replace(/^\//, "").replaceAll(String.raw`\n`, "\n"));
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\" };

/**
 * Bytes of a udp request: `\n`, `\r`, `\t`, `\\` and `\xHH` stand for the byte they name;
 * everything else is UTF-8.
 */
export function udpRequest(text: string): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const [piece, hex] of text.matchAll(/\\x([0-9a-f]{2})|\\[nrt\\]|\\|[^\\]+/gi)) {
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else
      parts.push(
        encoder.encode(piece.startsWith("\\") ? (escapes[piece.slice(1)] ?? piece) : piece),
      );
  }
  return Buffer.concat(parts);
}
