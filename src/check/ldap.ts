/**
 * LDAP (RFC 4511): bind, anonymously or by name and password, then search for one entry. Pure.
 *
 * @module
 */

import type { RE2JS } from "re2js";

import type { LdapCheckSpec } from "../model/index.ts";
import { printable } from "./failure.ts";
import type { Failure } from "./failure.ts";
import {
  decodeMessage,
  encodeBind,
  encodeSearch,
  encodeUnbind,
  messageBytes,
} from "./ldap-codec.ts";
import type { LdapMessage } from "./ldap-codec.ts";
import { gibberish, refusal } from "./script.ts";

/** Bytes of all answers; an entry is asked for without its attributes. */
export const ldapBytesMax = 64 * 1024;

const ids = { bind: 1, search: 2, unbind: 3 };
/** Names of result codes that a check meets (RFC 4511, appendix A). */
const resultNames: Readonly<Record<number, string>> = {
  1: "operationsError",
  2: "protocolError",
  7: "authMethodNotSupported",
  8: "strongerAuthRequired",
  10: "referral",
  13: "confidentialityRequired",
  32: "noSuchObject",
  34: "invalidDNSyntax",
  48: "inappropriateAuthentication",
  49: "invalidCredentials",
  50: "insufficientAccessRights",
  51: "busy",
  52: "unavailable",
  53: "unwillingToPerform",
};

/** One dialogue as it goes: bytes in, bytes out. */
export class LdapDialogue {
  readonly #spec: LdapCheckSpec;
  readonly #pattern: RE2JS | undefined;
  #rest: Uint8Array = new Uint8Array();
  #takenBytes = 0;
  #isBound = false;
  readonly #names: string[] = [];
  #verdict: Failure | "up" | undefined;

  constructor(spec: LdapCheckSpec, pattern: RE2JS | undefined) {
    this.#spec = spec;
    this.#pattern = pattern;
  }

  /** What is sent first: the bind. */
  start(): Uint8Array<ArrayBuffer> {
    const { login = "", password = "" } = this.#spec;
    return encodeBind(ids.bind, login, password);
  }

  /** Takes bytes. @returns True: it has ended; bytes: they are to be sent; false: go on. */
  push(bytes: Uint8Array): boolean | Uint8Array<ArrayBuffer> {
    // The farewell has been said.
    if (this.#verdict !== undefined) return true;
    this.#takenBytes += bytes.length;
    this.#rest = Buffer.concat([this.#rest, bytes]);
    let out: Uint8Array<ArrayBuffer> | undefined;
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      out = this.#take(message) ?? out;
      if (this.#hasFailed()) break;
    }
    return this.#hasFailed() || (out ?? false);
  }

  /** What the dialogue says about the server once its connection has ended. */
  verdict(end: "enough" | "closed" | Failure): Failure | undefined {
    if (this.#verdict !== undefined) return this.#verdict === "up" ? undefined : this.#verdict;
    if (typeof end === "object") return end;
    return { reason: "closed", detail: "closed before the dialogue was over" };
  }

  #hasFailed(): boolean {
    return typeof this.#verdict === "object";
  }

  #end(failure: Failure): undefined {
    this.#verdict = failure;
  }

  /** Takes the next whole message; undefined: there is none yet, or never will be. */
  #next(): LdapMessage | undefined {
    const bytes = this.#rest;
    const length = messageBytes(bytes);
    if (Number.isNaN(length)) return this.#gibberish(bytes);
    if (this.#takenBytes > ldapBytesMax || (length ?? 0) > ldapBytesMax) return this.#tooLong();
    if (length === undefined || bytes.length < length) return undefined;
    this.#rest = bytes.subarray(length);
    return decodeMessage(bytes.subarray(0, length)) ?? this.#gibberish(bytes);
  }

  #gibberish(bytes: Uint8Array): undefined {
    return this.#end(gibberish("LDAP", Buffer.from(bytes).toString(), this.#spec.password));
  }

  #tooLong(): undefined {
    const detail = `an answer exceeds ${ldapBytesMax} bytes`;
    return this.#end({ reason: "answer-too-long", detail });
  }

  /** Takes one message. @returns What is sent next. */
  #take(message: LdapMessage): Uint8Array<ArrayBuffer> | undefined {
    switch (message.type) {
      case "entry":
        this.#names.push(message.name);
        return undefined;
      case "bind":
        if (message.code !== 0) return this.#refuse("the bind", message);
        this.#isBound = true;
        return encodeSearch(ids.search, this.#spec.request);
      case "search":
        // Only after a search, of course.
        if (!this.#isBound) return undefined;
        if (message.code !== 0) return this.#refuse("the search", message);
        return this.#judge();
      case "notice":
        // Notice of disconnection (RFC 4511, section 4.4.1).
        return this.#refuse("the connection", message);
      case "other":
        return undefined;
    }
  }

  #refuse(what: string, { code, text }: { readonly code: number; readonly text: string }) {
    const name = resultNames[code] ?? `result ${code}`;
    const line = text === "" ? name : `${name}: ${text}`;
    this.#end(refusal(what, line, this.#spec.password));
    return undefined;
  }

  #judge(): Uint8Array<ArrayBuffer> | undefined {
    const { receive } = this.#spec;
    const [name] = this.#names;
    if (name === undefined || this.#names.length > 1) {
      this.#end({ reason: "no-match", detail: `${this.#names.length} entries, expected 1` });
    } else if (this.#pattern !== undefined && !this.#pattern.test(name)) {
      this.#end({ reason: "no-match", detail: printable(`${receive} is not in "${name}"`) });
    } else {
      this.#verdict = "up";
      return encodeUnbind(ids.unbind);
    }
    return undefined;
  }
}
