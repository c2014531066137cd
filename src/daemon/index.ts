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

export { askClientPaths } from "./ask-client-paths.ts";
export { chooseEngine } from "./choose-engine.ts";
export type { EngineDecision } from "./choose-engine.ts";
export { runDemo } from "./demo.ts";
export type { DemoOptions } from "./demo.ts";
export {
  configNameOf,
  defaultConfigName,
  defaultConfigPath,
  pidFilePath,
  readPidFile,
} from "./ldirectord/pid-file.ts";
export type { PidState } from "./ldirectord/pid-file.ts";
export { placePhrase } from "./ldirectord/phrase.ts";
export type { LdirectordStart } from "./ldirectord/session.ts";
export { runDirector } from "./run.ts";
export type { RunOptions } from "./run.ts";
export { releaseAddresses } from "./release.ts";
