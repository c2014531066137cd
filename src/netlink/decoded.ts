/**
 * Outcome of reading bytes: what came, or what is wrong with it. Input is never trusted, so a
 * fault is data and no exception. Pure.
 *
 * @module
 */

/**
 * What is wrong with bytes: `truncated`: they end before what they announce; `bad-length`: a field
 * has not the length its type has; `bad-value`: a value that cannot be; `missing`: a field without
 * which the message says nothing.
 */
export type Fault = "truncated" | "bad-length" | "bad-value" | "missing";

/** A value, or why there is none. */
export type Decoded<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly fault: Fault };

/** A read value. */
export function decoded<Value>(value: Value): Decoded<Value> {
  return { ok: true, value };
}

/** No value. */
export function faulty(fault: Fault): { readonly ok: false; readonly fault: Fault } {
  return { ok: false, fault };
}
