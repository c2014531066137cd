/**
 * An ldirectord.cf that is a resource of a director with virtual routers: that starts and stops its
 * services with the addresses, as Heartbeat starts and stops ldirectord.
 *
 * @module
 */

import { realpathSync } from "node:fs";
import { resolve } from "node:path";

import { ApplianceError } from "../../errors/index.ts";
import { createControlClient } from "../client.ts";
import type { CommandContext } from "../command.ts";

/** The director whose resource a file is. */
export interface ResourceDirector {
  readonly pid: number;
}

/** The path without links; as it is if there is no such file. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}

/** Finds the director, by its control socket; undefined if the file is nobody's resource. */
export async function findResourceDirector(
  path: string,
  context: CommandContext,
): Promise<ResourceDirector | undefined> {
  try {
    const { pid, configuration, services } = await createControlClient(context).snapshot();
    const isNamed = configuration.files.some((file) => realPath(file) === realPath(path));
    const isOwned = services.some(({ owner }) => owner !== undefined);
    return isNamed && isOwned ? { pid } : undefined;
  } catch (error) {
    // Who gives no answer starts and stops nothing.
    if (error instanceof ApplianceError) return undefined;
    throw error;
  }
}
