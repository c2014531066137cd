/**
 * Schema of `[mail]`, and of the table `mail` of a service. Pure.
 *
 * @module
 */

import * as v from "valibot";

import { mailOccasions } from "../../model/index.ts";
import { durationMsMax } from "../duration.ts";
import { durationOrOff, list, server, table, text, word } from "./value.ts";

/** Longest address that SMTP carries (RFC 5321 section 4.5.3.1.3, without the brackets). */
const addressCharsMax = 254;

/** More readers than this are a mailing list, which has an address of its own. */
const readersMax = 64;

/** Shortest time between two mails about the same server. */
const repeatMsMin = 1000;

/** A local part alone is a mailbox of the mail server itself, such as `root`. */
function isMailbox(input: string): boolean {
  return (
    input.length <= addressCharsMax &&
    /^[^\s@<>()[\]\\,;:"\p{C}]+(?:@[^\s@<>()\\,;"\p{C}]+)?$/u.test(input)
  );
}

const mailbox = text('a mail address such as "ops@example.com"', (input) =>
  isMailbox(input) ? input : undefined,
);

const sender = text(
  'a mail address such as "director@example.com" or "Director <director@example.com>"',
  (input) => {
    const inner = /^[^<>\p{C}]{1,128} <([^<>]+)>$/u.exec(input)?.[1];
    return isMailbox(inner ?? input) ? input : undefined;
  },
);

/** What `[mail]` and a service both may say. */
const sharedEntries = {
  to: v.optional(list(mailbox, 'a list of mail addresses such as ["ops@example.com"]', readersMax)),
  smtp: v.optional(server),
  repeat: v.optional(durationOrOff(repeatMsMin, durationMsMax)),
  when: v.optional(list(word(mailOccasions), 'a list of occasions such as ["running"]')),
} as const;

/** The table `[mail]`. */
export const mailTable = table({ ...sharedEntries, from: v.optional(sender) });

/** The table `mail` of a service. */
export const serviceMailTable = table(sharedEntries);

/** What `[mail]` says, durations in ms; every key may be missing. */
export type MailTable = v.InferOutput<typeof mailTable>;
/** What `mail` of a service says. */
export type ServiceMailTable = v.InferOutput<typeof serviceMailTable>;
