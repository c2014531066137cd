/**
 * What comes back through the pipe from a guard that keeps the fence.
 *
 * ```text
 * 1 | f64 sequence         the fence is as the orders up to this one say
 * 2 | u32 length | JSON    an order could not be carried out (`GuardProblem`)
 * 3                        the fence was gone, or was changed by others, and was put back
 * ```
 * Little-endian. Pure.
 *
 * @module
 */

import { decodeFrame, encodeFrame, frameLength, FrameStream } from "./frame-stream.ts";

/** An order that could not be carried out. */
export interface GuardProblem {
  readonly sequence: number;
  readonly text: string;
}

/** An answer of the guard. */
export type GuardAnswer =
  | { readonly type: "done"; readonly sequence: number }
  | ({ readonly type: "problem" } & GuardProblem)
  | { readonly type: "repaired" };

const done = 1;
const problem = 2;
const repaired = 3;
const doneBytes = 9;

/** An answer as bytes. */
export function encodeAnswer(answer: GuardAnswer): Uint8Array {
  if (answer.type === "repaired") return Uint8Array.of(repaired);
  if (answer.type === "problem") {
    return encodeFrame(problem, { sequence: answer.sequence, text: answer.text });
  }
  const bytes = new Uint8Array(doneBytes);
  bytes[0] = done;
  new DataView(bytes.buffer).setFloat64(1, answer.sequence, true);
  return bytes;
}

/** Puts the answers together. */
export class GuardAnswerReader {
  readonly #stream = new FrameStream(lengthAt);

  /** Answers that are complete with these bytes; what is not of this protocol is left out. */
  read(bytes: Uint8Array): GuardAnswer[] {
    return this.#stream.read(bytes).flatMap(answerOf);
  }
}

function lengthAt(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === done) return doneBytes;
  return bytes[at] === problem ? frameLength(bytes, at) : 1;
}

function answerOf(bytes: Uint8Array): GuardAnswer[] {
  if (bytes[0] === done) {
    const sequence = new DataView(bytes.buffer, bytes.byteOffset).getFloat64(1, true);
    return [{ type: "done", sequence }];
  }
  if (bytes[0] === repaired) return [{ type: "repaired" }];
  const value = bytes[0] === problem ? decodeFrame(bytes) : undefined;
  if (value === undefined) return [];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- both ends are this program.
  return [{ type: "problem", ...(value as GuardProblem) }];
}
