/**
 * A line of a monitor file, as ldirectord writes it (ldirectord(8), monitorfile; taken from runs
 * of the program):
 *
 *     [Sun Nov 22 08:28:42 2026] [PID] negotiate http tcp ADDRESS PORT HOST WEIGHT METHOD REQUEST
 *     RECEIVE [up] MESSAGE
 *
 * in one line, with one blank between the fields. The service stands there for negotiate checks
 * only, the host if a virtual host is configured; request and receive may be empty, an empty
 * message is `-`. Pure.
 *
 * @module
 */

import type { CheckSpec, RealServer, VirtualService } from "../model/index.ts";

/** What a line is made of. */
export interface MonitorEntry {
  readonly service: VirtualService;
  readonly server: RealServer;
  /** As configured while its name is not resolved. */
  readonly address: string;
  readonly isUp: boolean;
  /** Empty: nothing to say. */
  readonly message: string;
  /** Wall-clock time. */
  readonly atMs: number;
  readonly pid: number;
}

/** Bytes of one line; texts of checks are shorter, patterns of users may not be. */
const lineCharsMax = 4096;

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Local time as asctime(3) has it: `Sun Nov  1 08:28:42 2026`. */
export function formatAsctime(wallMs: number): string {
  const at = new Date(wallMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  const day = String(at.getDate()).padStart(2);
  return `${days[at.getDay()]} ${months[at.getMonth()]} ${day} ${time} ${at.getFullYear()}`;
}

/** A message in one line that no separator of a reader breaks: `%`, `|` and controls as %XX. */
export function escapeMessage(message: string): string {
  return message.replaceAll(/[%|\p{Cc}]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
      .join(""),
  );
}

/** What is asked and what is looked for; passwords are not among it. */
function questionOf({ http, serviceCheck }: CheckSpec): readonly [string, string] {
  const spec = http ?? serviceCheck;
  const request = spec !== undefined && "request" in spec ? spec.request : undefined;
  const receive = spec !== undefined && "receive" in spec ? spec.receive : undefined;
  return [oneLine(request ?? "/"), oneLine(receive ?? "")];
}

function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, escapeMessage);
}

/** The line with its line feed. */
export function monitorLine(entry: MonitorEntry): string {
  const { service, server, address, isUp, message, atMs, pid } = entry;
  const { check } = server;
  const fields = [
    `[${formatAsctime(atMs)}]`,
    `[${pid}]`,
    check.type,
    ...(check.service === undefined ? [] : [check.service]),
    service.protocol,
    address,
    String(server.port),
    ...(check.http?.virtualHost === undefined ? [] : [check.http.virtualHost]),
    String(server.weight),
    service.forwarding,
    ...questionOf(check),
    isUp ? "[up]" : "[down]",
    message === "" ? "-" : escapeMessage(message),
  ];
  return `${fields.join(" ").slice(0, lineCharsMax)}\n`;
}
