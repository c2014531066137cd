/**
 * What is wrong with a host, and what mends it: `examine.ts` gathers facts, the tables of
 * `real-server-checks.ts` and `director-checks.ts` judge them.
 *
 * @module
 */

export type { ClientPathAnswer, ClientPathAnswers } from "./client-paths.ts";
export { examineDirector, examineRealServer } from "./examine.ts";
export type { DirectorExpectation, RealServerExpectation } from "./examine.ts";
export type { NamedOutcome, OutcomeState } from "./outcome.ts";
