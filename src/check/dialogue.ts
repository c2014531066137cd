/**
 * Line dialogues of checks: the server speaks in lines, a script answers each (SMTP, POP3, IMAP,
 * NNTP, FTP, Redis, SIP over TCP).
 *
 * A script is a generator: it yields what is sent (nothing: the empty text), is resumed with the
 * next line, and returns why the real server is down, or undefined for up. It is pure.
 *
 * @module
 */

import type { Clock } from "../clock/index.ts";
import type { CheckTarget } from "./check.ts";
import type { Connector, Deadline, Destination } from "./connector.ts";
import type { Failure } from "./failure.ts";
import { proxyHeader } from "./preface.ts";
import { converse } from "./stream.ts";
import type { StreamTls } from "./stream.ts";

/** What is said to a server, line by line. */
export type Script = Generator<string, Failure | undefined, string>;

/** Longest line taken; RFC 5321 has 512 bytes, RFC 9051 asks for 8000 from clients only. */
export const lineBytesMax = 8 * 1024;
/** Bytes of all lines of one dialogue; a capability list has a few hundred. */
export const dialogueBytesMax = 64 * 1024;

const newline = 0x0a;
const encoder = new TextEncoder();

/** One dialogue as it goes: bytes in, bytes out. */
export class LineDialogue {
  readonly #script: Script;
  readonly #goodbye: string;
  #partial: Uint8Array = new Uint8Array();
  #takenBytes = 0;
  #verdict: Failure | "up" | undefined;

  /** @param goodbye Sent after success, so that the server's log has no lost connection. */
  constructor(script: Script, goodbye: string) {
    this.#script = script;
    this.#goodbye = goodbye;
  }

  /** Starts the script. @returns What is sent before the server's first line. */
  start(): Uint8Array<ArrayBuffer> {
    return encoder.encode(this.#step(this.#script.next()));
  }

  /** Takes bytes. @returns True: it has ended; bytes: they are to be sent; false: go on. */
  push(bytes: Uint8Array): boolean | Uint8Array<ArrayBuffer> {
    // The farewell has been said; whatever comes back is its answer.
    if (this.#verdict !== undefined) return true;
    this.#takenBytes += bytes.length;
    if (this.#takenBytes > dialogueBytesMax) return this.#tooLong("an answer", dialogueBytesMax);
    let rest: Uint8Array = Buffer.concat([this.#partial, bytes]);
    let out = "";
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      if (end > lineBytesMax) break;
      const line = Buffer.from(rest.subarray(0, end)).toString().replace(/\r$/, "");
      rest = rest.subarray(end + 1);
      out += this.#step(this.#script.next(line));
      if (this.#verdict !== undefined) break;
    }
    if (this.#verdict === undefined && rest.length > lineBytesMax) {
      return this.#tooLong("a line", lineBytesMax);
    }
    this.#partial = rest;
    const isOver = typeof this.#verdict === "object" || (this.#verdict === "up" && out === "");
    return isOver || (out === "" ? false : encoder.encode(out));
  }

  /** What the dialogue says about the server once its connection has ended. */
  verdict(end: "enough" | "closed" | Failure): Failure | undefined {
    // A farewell that is not answered changes nothing.
    if (this.#verdict !== undefined) return this.#verdict === "up" ? undefined : this.#verdict;
    if (typeof end === "object") return end;
    const when = this.#takenBytes === 0 ? "before an answer" : "before the dialogue was over";
    return { reason: "closed", detail: `closed ${when}` };
  }

  #step({ done, value }: IteratorResult<string, Failure | undefined>): string {
    if (done !== true) return value;
    this.#verdict = value ?? "up";
    return value === undefined ? this.#goodbye : "";
  }

  #tooLong(what: string, bytesMax: number): true {
    this.#verdict = { reason: "answer-too-long", detail: `${what} exceeds ${bytesMax} bytes` };
    return true;
  }
}

/** One dialogue with one real server. */
export interface DialogueRequest {
  readonly target: CheckTarget;
  readonly destination: Destination;
  readonly deadline: Deadline;
  readonly tls: StreamTls | undefined;
  readonly script: Script;
  readonly goodbye: string;
}

/** Holds a dialogue; undefined: the script is content. Settles at the latest at the deadline. */
export async function holdDialogue(
  clock: Clock,
  connector: Connector,
  request: DialogueRequest,
): Promise<Failure | undefined> {
  const dialogue = new LineDialogue(request.script, request.goodbye);
  const end = await converse(clock, connector, {
    destination: request.destination,
    deadline: request.deadline,
    preface: proxyHeader(request.target.sendProxy),
    tls: request.tls,
    request: dialogue.start(),
    onData: (bytes) => dialogue.push(bytes),
  });
  return dialogue.verdict(end);
}
