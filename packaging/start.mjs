/**
 * `npm start`: sets up, builds, and runs the executable. Without arguments it runs the demo;
 * `npm start -- run --config my.toml` runs what is asked for, in the user's directory.
 *
 * @module
 */
import { build } from "./build.mjs";
import { runForeground, runMain } from "./common.mjs";
import { ensureDependencies } from "./setup.mjs";

await runMain((args) => {
  ensureDependencies();
  const executable = build();
  // npm changes to the root of the tree; paths of the user are relative to where npm was started.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  return runForeground(executable, args.length > 0 ? args : ["demo"], { cwd });
});
