/**
 * Debian packages of this tree, as `npm run package` builds them, for tests.
 *
 * @module
 */
import { runProcess } from "./process.ts";

const script = new URL("../../packaging/deb.mjs", import.meta.url).pathname;

/** Time of everything in them, seconds since 1970. */
const epoch = "1784000000";

/** Packs `executable` into packages in `folder`; their paths by package name. */
export async function buildPackages(
  folder: string,
  executable: string,
): Promise<{ readonly appliance: string; readonly compat: string }> {
  const { status, stdout, stderr } = await runProcess(
    ["node", script, "--compress=gzip", `--outdir=${folder}`, `--executable=${executable}`],
    { env: { SOURCE_DATE_EPOCH: epoch, DEBFULLNAME: undefined, DEBEMAIL: undefined } },
  );
  if (status !== 0) throw new Error(`npm run package ended with ${status}: ${stderr}`);
  const [appliance = "", compat = ""] = stdout.trim().split("\n");
  return { appliance, compat };
}
