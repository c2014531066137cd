/**
 * The director: the one place that knows all parts, and puts them together.
 *
 * `run.ts` is what `appliance run` does: configuration, lock, parts of the real world
 * (`parts.ts`), start, signals. `director.ts` starts and stops, `assembly.ts` joins the parts. In
 * the middle stand pure files: `assessment.ts` (what is thought of a service), `desired-state.ts`
 * (what the engine must do), `transition.ts` (what changed), `snapshot.ts` (what is shown).
 *
 * @module
 */

export { runDemo } from "./demo.ts";
export type { DemoOptions } from "./demo.ts";
export { runDirector } from "./run.ts";
export type { RunOptions } from "./run.ts";
