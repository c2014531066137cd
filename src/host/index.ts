/**
 * The host below a director or a real server: preparing it, and finding out what is wrong with it.
 *
 * `setup.ts` goes read, plan, apply, verify: `plan-realserver.ts` and `plan-director.ts` compare
 * the host with what is wanted and give a list of steps (`step.ts`, data), `carry-out.ts` does and
 * undoes them, `record.ts` keeps what was found. All of them see the host through `access.ts`.
 * `doctor/` gathers facts and judges them, a check a table entry.
 *
 * @module
 */

export type { HostAccess } from "./access.ts";
export type { ClientPathAnswer, ClientPathAnswers } from "./doctor/index.ts";
export { examineDirector, examineRealServer } from "./doctor/index.ts";
export type { NamedOutcome, OutcomeState } from "./doctor/index.ts";
export { describeStep, describeUndo } from "./step.ts";
export type { Step } from "./step.ts";
export { placesOf } from "./places.ts";
export type { HostPlaces } from "./places.ts";
export { carriedHere, planDirector } from "./plan-director.ts";
export type { CarriedService, DirectorWish } from "./plan-director.ts";
export { planRealServer } from "./plan-realserver.ts";
export type { RealServerMethod, RealServerWish } from "./plan-realserver.ts";
export { applySetup, planSetup, planUndo, readRecord, undoSetup } from "./setup.ts";
export type { SetupJob, SetupResult, UndoResult } from "./setup.ts";
export { createSystemAccess } from "./system-access.ts";
export { kindRefusal } from "./virtual-address.ts";
