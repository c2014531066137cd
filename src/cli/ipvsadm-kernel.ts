/**
 * Virtual services in the kernel's own table that another program has put there.
 *
 * Source: /proc/net/ip_vs, net/netfilter/ipvs/ip_vs_ctl.c (`ip_vs_info_seq_show`): a line for each
 * service, `TCP  C0A806F0:0050 rr`, `TCP  [2001:…]:0077 wlc` with eight groups, `FWM  00000001 rr`.
 *
 * @module
 */

import { readFileSync } from "node:fs";

import { formatAddress } from "../net/address.ts";
import type { ListService } from "./list-model.ts";

/** Text of the kernel's table; undefined: the kernel has none, or it cannot be read. */
export function readKernelTable(): string | undefined {
  try {
    return readFileSync("/proc/net/ip_vs", "latin1");
  } catch {
    return undefined;
  }
}

/** Bytes that hexadecimal digits stand for. */
function bytesOf(digits: string): Uint8Array {
  return Uint8Array.from(Buffer.from(digits, "hex"));
}

/** Name of a service, alike for both tables: `TCP 192.0.2.1:80`, `FWM 1`. */
function keyOf(protocol: string, address: string, port: number): string {
  return protocol === "FWM" ? `FWM ${port}` : `${protocol} ${address}:${port}`;
}

/** Services of the kernel's table, each by its key; lines of another form are left out. */
function parseKernelTable(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [, mark] = /^FWM +([\dA-F]{8}) /.exec(line) ?? [];
    if (mark !== undefined) return [keyOf("FWM", "", Number.parseInt(mark, 16))];
    const match = /^(TCP|UDP|SCTP) +(?:([\dA-F]{8})|\[([\da-f:]{39})\]):([\dA-F]{4}) /.exec(line);
    if (match === null) return [];
    const digits = match[2] ?? match[3]!.replaceAll(":", "");
    if (digits.length !== 8 && digits.length !== 32) return [];
    return [keyOf(match[1]!, formatAddress(bytesOf(digits)), Number.parseInt(match[4]!, 16))];
  });
}

/** How many services of the kernel's table are not among `services`, the ones of the director. */
export function countForeignServices(text: string, services: readonly ListService[]): number {
  const own = new Set(
    services.map(({ protocol, endpoint, mark }) =>
      keyOf(protocol, endpoint.address, mark ?? endpoint.port),
    ),
  );
  return parseKernelTable(text).filter((key) => !own.has(key)).length;
}
