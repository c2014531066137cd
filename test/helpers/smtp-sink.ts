/**
 * A mail server on loopback that keeps what it gets: enough SMTP (RFC 5321) for a sender that
 * does it right, and faults on request.
 *
 * @module
 */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import { waitFor } from "./wait.ts";

/** A mail as it arrived. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Header fields by their names in lower case, unfolded. */
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded text. */
  readonly text: string;
  /** `performance.now()` of its arrival. */
  readonly atMs: number;
}

/** How the sink behaves. `silent`: accepts connections and says nothing. */
export interface SinkOptions {
  readonly silent?: boolean;
  /** Replies to the mails in their order instead of `250`, for example `451 later`. */
  readonly replies?: readonly string[];
  /** A port that was free, for a sink that comes back. */
  readonly port?: number;
}

/** A running sink. */
export interface SmtpSink extends AsyncDisposable {
  readonly port: number;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly mails: readonly ReceivedMail[];
  /** Connections so far. */
  connections(): number;
  /** Waits until there are this many mails. */
  waitForMails(count: number): Promise<readonly ReceivedMail[]>;
}

/** Undoes quoted-printable (RFC 2045 section 6.7) or base64. */
function decodeBody(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const bytes = body
    .replaceAll(/=\r\n/g, "")
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number(`0x${hex}`)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** Undoes encoded words (RFC 2047), as far as they are UTF-8. */
function decodeWords(text: string): string {
  return text.replaceAll(/=\?UTF-8\?([QB])\?([^?]*)\?=\s*/gi, (_, kind: string, word: string) =>
    kind.toUpperCase() === "B"
      ? Buffer.from(word, "base64").toString("utf8")
      : decodeBody(word.replaceAll("_", " "), "quoted-printable"),
  );
}

function parseMail(data: string, envelope: Pick<ReceivedMail, "from" | "to">): ReceivedMail {
  const end = data.indexOf("\r\n\r\n");
  const fields = data
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = Object.fromEntries(
    fields.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), decodeWords(line.slice(colon + 1).trim())];
    }),
  );
  const body = data.slice(end + 4).replaceAll(/^\.\./gm, ".");
  const encoding = headers["content-transfer-encoding"] ?? "7bit";
  const text = decodeBody(body, encoding).replaceAll("\r\n", "\n");
  return { ...envelope, headers, text, atMs: performance.now() };
}

/** Speaks with one sender. */
function serve(socket: Socket, replyToMail: (mail: ReceivedMail) => string): void {
  let buffer = "";
  let isData = false;
  let from = "";
  let to: string[] = [];
  const say = (line: string): void => void socket.write(`${line}\r\n`);

  const onCommand = (line: string): void => {
    const path = /<([^>]*)>/.exec(line)?.[1] ?? "";
    if (/^MAIL FROM:/i.test(line)) {
      from = path;
      to = [];
    }
    if (/^RCPT TO:/i.test(line)) to.push(path);
    if (/^DATA$/i.test(line)) {
      isData = true;
      return say("354 go on");
    }
    if (/^QUIT$/i.test(line)) return void socket.end("221 bye\r\n");
    say("250 fine");
  };

  socket.on("data", (chunk) => {
    buffer += chunk.toString("latin1");
    for (;;) {
      const mark = isData ? "\r\n.\r\n" : "\r\n";
      const end = buffer.indexOf(mark);
      if (end === -1) return;
      const part = buffer.slice(0, end);
      buffer = buffer.slice(end + mark.length);
      if (isData) {
        isData = false;
        say(replyToMail(parseMail(`${part}\r\n`, { from, to })));
      } else onCommand(part);
    }
  });
  say("220 sink ready");
}

/** Starts a sink. */
export async function startSmtpSink(options: SinkOptions = {}): Promise<SmtpSink> {
  const { silent = false, replies = [], port: wanted = 0 } = options;
  const mails: ReceivedMail[] = [];
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  let mailCount = 0;
  const server = createServer((socket) => {
    connectionCount += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    if (silent) return;
    serve(socket, (mail) => {
      const reply = replies[mailCount++] ?? "250 taken";
      if (reply.startsWith("2")) mails.push(mail);
      return reply;
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    address: `127.0.0.1:${port}`,
    mails,
    connections: () => connectionCount,
    async waitForMails(count) {
      await waitFor(() => mails.length >= count, { what: `${count} mails` });
      return mails;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}
