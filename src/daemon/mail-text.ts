/**
 * Subject and text of a mail about real servers. Pure.
 *
 * @module
 */

import type { ListenAddress } from "../model/index.ts";
import { formatEndpoint } from "../net/address.ts";
import type { Alert } from "./alert.ts";
import type { ServiceAssessment } from "./assessment.ts";

/** What a mail tells. */
export interface MailContent {
  readonly alerts: readonly Alert[];
  /** The services of the alerts, as they are now. */
  readonly services: readonly ServiceAssessment[];
  /** True: the director stops, and its services with it. */
  readonly isStop: boolean;
  readonly host: string;
}

/** Lines about servers, and lines about services, of one mail. */
export const mailLinesMax = 200;

const kindText: Readonly<Record<Alert["kind"], string>> = {
  down: "is down",
  up: "is up again",
  "still-down": "is still down",
};

/** `1 real server is down`, `2 real servers are down`. */
function countText(count: number, one: string, many: string): string {
  return count === 1 ? `1 ${one}` : `${count} ${many}`;
}

/** What happened, in one line. */
function summary({ alerts, services, isStop }: MailContent): string {
  // A mail that was late may tell of one server twice: what came last counts.
  const last = [...new Map(alerts.map((one) => [`${one.service} ${one.server}`, one])).values()];
  const [first] = last;
  if (isStop) {
    const what = countText(services.length, "virtual service ends", "virtual services end");
    return `the director stops, ${what}`;
  }
  if (first !== undefined && last.length === 1) {
    return `${first.service}: real server ${first.server} ${kindText[first.kind]}`;
  }
  const count = (...kinds: readonly Alert["kind"][]): number =>
    last.filter(({ kind }) => kinds.includes(kind)).length;
  const [down, up] = [count("down", "still-down"), count("up")];
  const parts = [
    down === 0 ? "" : countText(down, "real server is down", "real servers are down"),
    up === 0 ? "" : countText(up, "real server is up again", "real servers are up again"),
  ];
  return parts.filter((part) => part !== "").join(", ");
}

/** Subject of a mail. */
export function mailSubject(content: MailContent): string {
  return `[appliance ${content.host}] ${summary(content)}`;
}

function alertLine({ kind, service, server, reason, occasion, sinceMs }: Alert): string {
  const at = new Date(sinceMs).toISOString();
  const when = kind === "still-down" ? `since ${at}` : `at ${at}`;
  const what = occasion === "running" ? "" : ` (${occasion})`;
  return `${service}: real server ${server} ${kindText[kind]} ${when}${what}: ${reason}`;
}

/** `address:port`, `address:first-last`. */
function listenText({ address, portFirst, portLast }: ListenAddress): string {
  const first = formatEndpoint({ address, port: portFirst });
  return portFirst === portLast ? first : `${first}-${portLast}`;
}

function serviceLine({ service, servers, state, fallback }: ServiceAssessment): string {
  const listen = service.listen.slice(0, 3).map(listenText).join(", ");
  const serving = servers.filter(({ effectiveWeight }) => effectiveWeight > 0).length;
  const also = fallback?.isActive === true ? ", the fallback serves" : "";
  const count = countText(servers.length, "real server", "real servers");
  const head = `${service.name} (${service.protocol} ${listen})`;
  return `${head}: ${state}, ${serving} of ${count} serve${also}`;
}

function bounded(lines: readonly string[]): readonly string[] {
  if (lines.length <= mailLinesMax) return lines;
  return [...lines.slice(0, mailLinesMax), `and ${lines.length - mailLinesMax} more`];
}

/** Text of a mail. */
export function mailText(content: MailContent): string {
  const { alerts, services, isStop, host } = content;
  const head = isStop ? [`The director on ${host} stops.`] : alerts.map(alertLine);
  const title = isStop ? "Services that end:" : "Services now:";
  const tail = ["", `Director: ${host}`];
  return [...bounded(head), "", title, ...bounded(services.map(serviceLine)), ...tail, ""].join(
    "\n",
  );
}
