/**
 * What threads that block in the kernel need to be spoken to.
 *
 * @module
 */

export { commandBytesMax, createMailbox, MailboxReader, MailboxWriter } from "./mailbox.ts";
