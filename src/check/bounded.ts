/**
 * Bytes of an answer of bounded length, and the search through them.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import { createBodySearch } from "./body-search.ts";
import type { BodySearch, BodyStage } from "./body-search.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";

/** What is looked at of an answer, as of a page of the HTTP check. */
export const answerBytesMax = 64 * 1024;

/** Collects an answer and looks for `receive` in it; without a pattern any byte will do. */
export class SearchedAnswer {
  readonly #receive: string;
  readonly #search: BodySearch | undefined;
  readonly #bytes = Buffer.alloc(answerBytesMax);
  #length = 0;
  #isCut = false;
  #hasMatched = false;

  /** @param receive The pattern's text, for the reason shown. */
  constructor(receive: string | undefined, pattern: RE2JS | undefined) {
    this.#receive = receive ?? "";
    this.#search = pattern === undefined ? undefined : createBodySearch(pattern);
  }

  /** Takes bytes. @returns True if nothing more needs to be read. */
  push(bytes: Uint8Array): boolean {
    const free = answerBytesMax - this.#length;
    this.#bytes.set(bytes.subarray(0, free), this.#length);
    this.#length += Math.min(free, bytes.length);
    this.#isCut ||= bytes.length > free;
    this.#look(this.#isCut ? "cut" : "partial");
    return this.#hasMatched || this.#isCut;
  }

  /** The verdict once the answer has ended; undefined: up. */
  verdict(end: "enough" | "closed" | Failure): Failure | undefined {
    if (!this.#hasMatched && end === "closed") this.#look("complete");
    if (this.#hasMatched) return undefined;
    if (typeof end === "object") return end;
    if (this.#isCut) {
      const detail = `no match in the first ${answerBytesMax} bytes`;
      return { reason: "answer-too-long", detail };
    }
    if (this.#length === 0) return { reason: "closed", detail: "closed before an answer" };
    const detail = `${this.#receive} is not in the ${this.#length} bytes of the answer`;
    return { reason: "no-match", detail: printable(detail) };
  }

  #look(stage: BodyStage): void {
    if (this.#length === 0) return;
    const body = this.#bytes.subarray(0, this.#length);
    this.#hasMatched ||= this.#search === undefined || this.#search.look(body, stage);
  }
}
