/**
 * Hands mails to a mail server by SMTP, through nodemailer.
 *
 * The mail server is one of the operator's own, so no login is sent and no certificate verified;
 * where it offers STARTTLS, that is used (RFC 7435). The library is loaded with the first mail: a
 * director without mails starts without it.
 *
 * @module
 */

import { connect } from "node:net";
import type { Socket } from "node:net";
import { hostname } from "node:os";

import type { SentMessageInfo } from "nodemailer/lib/smtp-transport";

import { errorText } from "../errors/index.ts";
import type { Mail, MailResult } from "./mail-queue.ts";

/** One deadline for all of a mail, whatever its server does. */
export const mailTimeoutMs = 20_000;

/** The part of an error of the library that is looked at. */
interface SmtpError extends Error {
  readonly responseCode?: number;
}

/** A reply 5yz will be the same the next time (RFC 5321 section 4.2.1). */
function isFinal(error: unknown): boolean {
  const code = error instanceof Error ? (error as SmtpError).responseCode : undefined;
  return code !== undefined && code >= 500;
}

/** Why a mail could not be handed over, one line. */
function reasonOf(error: unknown): string {
  return errorText(error).replaceAll(/\s+/g, " ").trim().slice(0, 300);
}

/** A mailbox of the mail server itself has no domain, and the library wants one. */
function qualified(mailbox: string): string {
  return mailbox.includes("@") ? mailbox : `${mailbox}@localhost`;
}

async function transmit(mail: Mail, onSocket: (socket: Socket) => void): Promise<SentMessageInfo> {
  const { createTransport } = await import("nodemailer");
  const { smtp, from, to, subject, text } = mail;
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    name: hostname(),
    connectionTimeout: mailTimeoutMs,
    greetingTimeout: mailTimeoutMs,
    socketTimeout: mailTimeoutMs,
    tls: { rejectUnauthorized: false },
    // Our own socket can be closed at the deadline.
    getSocket(_options, callback) {
      const socket = connect({ host: smtp.host, port: smtp.port });
      onSocket(socket);
      const onError = (error: Error): void => callback(error, false);
      socket.once("error", onError);
      socket.once("connect", () => {
        socket.off("error", onError);
        callback(null, { connection: socket });
      });
    },
  });
  return transport.sendMail({
    from,
    to: to.map(qualified),
    subject,
    text,
    // No automatic answers, please (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated" },
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Hands one mail over. Never rejects; settles by {@link mailTimeoutMs}. */
export async function sendMail(mail: Mail, timeoutMs = mailTimeoutMs): Promise<MailResult> {
  let socket: Socket | undefined;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`no end within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  try {
    const sending = transmit(mail, (opened) => void (socket = opened));
    // What fails after the deadline is nobody's concern any more.
    sending.catch(() => undefined);
    const { rejected } = await Promise.race([sending, late.promise]);
    return { ok: true, refused: rejected.map(String) };
  } catch (error) {
    return { ok: false, reason: reasonOf(error), isFinal: isFinal(error) };
  } finally {
    clearTimeout(timer);
    socket?.destroy();
  }
}
