/**
 * An executable that is exchanged while it runs.
 *
 * @module
 */
import { chmodSync, existsSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { readSnapshot } from "./director-view.ts";
import type { DirectorPlace } from "./director-view.ts";
import { executablePath } from "./require-peer.ts";
import { createTempFolder } from "./temp-folder.ts";
import { waitFor } from "./wait.ts";

/** A path that an executable is started by; what is behind it can be exchanged, as dpkg does it. */
export function createInstalled() {
  const folder = createTempFolder();
  const path = join(folder.path, "appliance");
  symlinkSync(executablePath, path);
  const install = (make: (next: string) => void): void => {
    const next = `${path}.new`;
    make(next);
    renameSync(next, path);
  };
  return {
    path,
    installWell: () => install((next) => symlinkSync(executablePath, next)),
    installScript: (text: string) =>
      install((next) => {
        writeFileSync(next, `#!/bin/sh\n${text}\n`);
        chmodSync(next, 0o755);
      }),
    installNothing: () => install((next) => symlinkSync("/nonexistent", next)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}

/** Ends the director that runs now: it is no child of this process any more. */
export async function endSuccessor(director: DirectorPlace): Promise<void> {
  const { pid } = await readSnapshot(director);
  process.kill(pid, "SIGTERM");
  await waitFor(() => !existsSync(`/proc/${pid}`), { what: "end of the successor" });
}
