/**
 * `npm run verify`: everything that can be said of the tree without running the program.
 *
 * @module
 */
import { runMain } from "../packaging/common.mjs";
import { ensureDependencies } from "../packaging/setup.mjs";
import { toolEnvironment } from "../packaging/with-bun.mjs";
import { addResults, runTests, verify } from "./stages.mjs";

await runMain(async () => {
  ensureDependencies();
  const env = toolEnvironment();
  const rules = await verify(env);
  const tidy = await runTests({ filters: ["test/tidy/"], extra: [], seed: 1, env });
  const { failed, problems } = addResults([rules, tidy]);
  for (const problem of problems) process.stdout.write(`failed: ${problem}\n`);
  return failed === 0 ? 0 : 1;
});
