/**
 * Whether this host can make the `vip` checks of a configuration.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import type { Config } from "../model/index.ts";

/**
 * A check that cannot be made would leave its real servers unchecked, and so without clients: that
 * is told before anything is opened.
 *
 * @param findObstacle What stands against such checks here; undefined: nothing. Asked only if a
 *   service has one.
 * @throws {ApplianceError} `VIP_CHECK_REFUSED`.
 */
export function requireVipChecks(
  { virtualServices }: Config,
  findObstacle: (() => string | undefined) | undefined,
): void {
  const asked = virtualServices.filter(({ realServers }) =>
    realServers.some(({ check }) => check.type === "vip"),
  );
  if (asked.length === 0) return;
  const obstacle = findObstacle?.();
  if (obstacle === undefined) return;
  const names = asked.map(({ name }) => name).join(", ");
  throw new ApplianceError(
    "VIP_CHECK_REFUSED",
    `The check type "vip" of ${names} cannot be used here: ${obstacle}`,
  );
}
