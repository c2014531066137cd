/**
 * The director: the one place that knows all parts, and puts them together.
 *
 * @module
 */

export { runDemo } from "./demo.ts";
export type { DemoOptions } from "./demo.ts";
export { controlSocketPath, directoriesOf } from "./directories.ts";
export type { Directories } from "./directories.ts";
export { directorExit } from "./exit-status.ts";
export type { DirectorExit } from "./exit-status.ts";
export { runDirector } from "./run.ts";
export type { RunOptions } from "./run.ts";
