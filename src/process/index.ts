/**
 * Foreign programs: external checks and hooks, run without trust in what they do.
 *
 * @module
 */

export { readGroupId } from "./account.ts";
export type { ProgramRequest, ProgramResult } from "./run-program.ts";
export { runProgram } from "./run-program.ts";
