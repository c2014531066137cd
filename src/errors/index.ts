/**
 * Error types that cross folder boundaries.
 *
 * Three kinds of trouble, three ways to tell of them:
 *
 * - What the world may do at any time (a real server is down, a packet is malformed) is data: a
 *   result value, never an exception.
 * - What stops an operation (a system call fails, a file is missing) is thrown as an
 *   {@link ApplianceError} or a subclass with a stable `code`; the original error is its `cause`.
 *   Every code stands in docs/errors.md (held by test/tidy).
 * - What can only be a bug is an {@link invariant}: the process dies, systemd restarts it and the
 *   other director takes over meanwhile.
 *
 * @module
 */

/** Base of every error this program throws on purpose. `code` is stable; `message` is not. */
export class ApplianceError extends Error {
  override readonly name: string = "ApplianceError";
  /** `AREA_WHAT`, fit for comparison; listed in docs/errors.md. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Stops the process: `condition` is false only if this program has a bug. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Invariant violated: ${message}`);
}

/** Text of whatever was thrown, for a reason shown to an operator. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
