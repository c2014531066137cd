/**
 * `[mail]`, and the table `mail` of a service. Pure.
 *
 * @module
 */

import type { MailConfig, Server, ServiceMail } from "../../model/index.ts";
import { mailDefaults, withDefaults } from "../defaults.ts";
import type { MailTable, ServerText, ServiceMailTable } from "../schema/index.ts";

/** Where a mail server is; without a port at that of SMTP. */
function serverOf(smtp: ServerText | undefined): Server | undefined {
  return smtp && { host: smtp.host, port: smtp.port ?? mailDefaults.smtp.port };
}

/** Settings of mails. */
export function resolveMail(table: MailTable | undefined): MailConfig {
  return withDefaults(mailDefaults, {
    to: table?.to,
    from: table?.from,
    smtp: serverOf(table?.smtp),
    repeatMs: table?.repeat,
    when: table?.when,
  });
}

/** What a service has of its own; undefined if it says nothing. */
export function resolveServiceMail(table: ServiceMailTable | undefined): ServiceMail | undefined {
  if (table === undefined || Object.keys(table).length === 0) return undefined;
  return { to: table.to, smtp: serverOf(table.smtp), repeatMs: table.repeat, when: table.when };
}
