/**
 * What `appliance release` does, where the directories of a director are known.
 *
 * @module
 */

import { release } from "../failover/index.ts";
import type { ReleasedAddress } from "../failover/index.ts";
import { directoriesOf } from "./directories.ts";

/** Removes virtual addresses and the fence that a director has left behind. */
export function releaseAddresses(
  environment: Readonly<Record<string, string | undefined>>,
): ReleasedAddress[] {
  return release(directoriesOf(environment).runtime);
}
