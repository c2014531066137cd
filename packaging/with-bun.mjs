/**
 * Runs Bun with the given arguments, after setting the tree up: `node packaging/with-bun.mjs
 * bench/run.ts proxy`.
 *
 * The programs of node_modules/.bin are in its PATH, as under `npm run`.
 *
 * @module
 */
import { delimiter, join } from "node:path";

import { isMain, root, runForeground, runMain } from "./common.mjs";
import { ensureDependencies } from "./setup.mjs";

/** Environment in which `bun`, `oxlint` and `knip` are those of the lock file. */
export function toolEnvironment() {
  const path = [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter);
  return { ...process.env, PATH: path };
}

if (isMain(import.meta.url)) {
  await runMain((args) => runForeground(ensureDependencies(), args, { env: toolEnvironment() }));
}
