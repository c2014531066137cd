/**
 * What a check of a host says. Pure.
 *
 * @module
 */

/** `wrong`: a finding. `unknown`: it could not be looked at. `note`: worth knowing. */
export type OutcomeState = "ok" | "wrong" | "unknown" | "note";

/** One result of a check; a check may have several, one an address or interface. */
export interface Outcome {
  readonly state: OutcomeState;
  readonly text: string;
  /** A command, or what to do where no command does it. */
  readonly remedy?: string;
}

/** One check of a host: a name that stays, and a pure judgement of facts gathered before. */
export interface HostCheck<Facts> {
  /** Kebab-case, stable: scripts may look for it. */
  readonly id: string;
  /** Empty if there is nothing to judge here. */
  judge(facts: Facts): readonly Outcome[];
}

/** An outcome and whose it is. */
export interface NamedOutcome extends Outcome {
  readonly id: string;
}

/** All is well. */
export function ok(text: string): Outcome {
  return { state: "ok", text };
}

/** A finding, and what mends it. */
export function wrong(text: string, remedy: string): Outcome {
  return { state: "wrong", text, remedy };
}

/** Worth knowing, nothing to mend. */
export function note(text: string): Outcome {
  return { state: "note", text };
}

/** Not looked at, and why. */
export function unknown(text: string): Outcome {
  return { state: "unknown", text };
}

/** Judges facts by a table of checks. */
export function judgeAll<Facts>(
  checks: readonly HostCheck<Facts>[],
  facts: Facts,
): readonly NamedOutcome[] {
  return checks.flatMap((check) =>
    check.judge(facts).map((outcome) => ({ id: check.id, ...outcome })),
  );
}
