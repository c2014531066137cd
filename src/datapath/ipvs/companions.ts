/**
 * What IPVS has once a network namespace, beside the services: synchronisation daemons, which send
 * connections to the other director or take its ones, and timeouts.
 *
 * The daemons' messages are not authenticated (ip_vs_sync.c), so they run only on the interface
 * that is configured. Daemons and timeouts that nobody configured here are left alone.
 *
 * @module
 */

import { ESRCH } from "../../../ffi/errno.ts";
import { errorText } from "../../errors/index.ts";
import type { IpvsDaemon, IpvsSocket, IpvsTimeouts } from "../../netlink/generic/index.ts";
import { isRefusal } from "../../netlink/index.ts";
import type { IpvsSettings, SyncDaemon } from "../engine.ts";

type Role = SyncDaemon["role"];

/** Daemons to stop and to start, in this order. */
export interface DaemonPlan {
  readonly stop: readonly IpvsDaemon[];
  readonly start: readonly IpvsDaemon[];
}

function isSame(one: IpvsDaemon, other: IpvsDaemon): boolean {
  return one.interfaceName === other.interfaceName && one.syncId === other.syncId;
}

/**
 * How to get from the daemons that run to those that are wanted; the kernel has one a role. Pure.
 *
 * @param owned Roles of daemons that were started here: they are stopped when nobody wants them.
 */
export function planDaemons(
  wanted: readonly IpvsDaemon[],
  found: readonly IpvsDaemon[],
  owned: ReadonlySet<Role>,
): DaemonPlan {
  const stop: IpvsDaemon[] = [];
  for (const daemon of found) {
    const wish = wanted.find(({ role }) => role === daemon.role);
    const isForeign = wish === undefined && !owned.has(daemon.role);
    if (!isForeign && (wish === undefined || !isSame(wish, daemon))) stop.push(daemon);
  }
  const start = wanted.filter((wish) => {
    const daemon = found.find(({ role }) => role === wish.role);
    return daemon === undefined || !isSame(wish, daemon);
  });
  return { stop, start };
}

function wantedDaemons({ sync }: IpvsSettings): IpvsDaemon[] {
  if (sync === undefined) return [];
  const { interfaceName, syncId } = sync;
  return sync.roles.map((role) => ({ role, interfaceName, syncId }));
}

/** The timeouts to set, with 0 for what stays; undefined: nothing differs. Pure. */
export function planTimeouts(
  { tcpTimeoutMs, tcpFinTimeoutMs, udpTimeoutMs }: IpvsSettings,
  now: IpvsTimeouts,
): IpvsTimeouts | undefined {
  const change = (wishMs: number | undefined, seconds: number): number =>
    wishMs === undefined || wishMs / 1000 === seconds ? 0 : wishMs / 1000;
  const plan = {
    tcpSeconds: change(tcpTimeoutMs, now.tcpSeconds),
    tcpFinSeconds: change(tcpFinTimeoutMs, now.tcpFinSeconds),
    udpSeconds: change(udpTimeoutMs, now.udpSeconds),
  };
  return Object.values(plan).some((seconds) => seconds > 0) ? plan : undefined;
}

/** Keeps daemons and timeouts as they are wished. */
export class IpvsCompanions {
  readonly #owned = new Set<Role>();
  #wish: IpvsSettings = {};

  /** Takes a wish; {@link bring} fulfils it. @returns False if it is the one of before. */
  set(wish: IpvsSettings): boolean {
    const isNew = JSON.stringify(wish) !== JSON.stringify(this.#wish);
    this.#wish = wish;
    return isNew;
  }

  /** Makes it so. @returns What could not be done, one line each. */
  bring(socket: IpvsSocket): readonly string[] {
    const problems: string[] = [];
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        problems.push(errorText(error));
      }
    };
    const { sync, tcpTimeoutMs, tcpFinTimeoutMs, udpTimeoutMs } = this.#wish;
    if (sync !== undefined || this.#owned.size > 0) attempt(() => this.#daemons(socket, attempt));
    if ((tcpTimeoutMs ?? tcpFinTimeoutMs ?? udpTimeoutMs) !== undefined) {
      attempt(() => {
        const plan = planTimeouts(this.#wish, socket.readTimeouts());
        if (plan !== undefined) socket.setTimeouts(plan);
      });
    }
    return problems;
  }

  #daemons(socket: IpvsSocket, attempt: (act: () => void) => void): void {
    const wanted = wantedDaemons(this.#wish);
    const { stop, start } = planDaemons(wanted, socket.listDaemons(), this.#owned);
    for (const daemon of stop) {
      attempt(() => {
        stopDaemon(socket, daemon);
        this.#owned.delete(daemon.role);
      });
    }
    for (const daemon of start) attempt(() => socket.startDaemon(daemon));
    // Also those that an earlier process of this director left running.
    for (const { role } of wanted) this.#owned.add(role);
  }

  /** Stops the daemons that were started here. */
  close(socket: IpvsSocket): readonly string[] {
    this.#wish = {};
    return this.bring(socket);
  }
}

function stopDaemon(socket: IpvsSocket, daemon: IpvsDaemon): void {
  try {
    socket.stopDaemon(daemon);
  } catch (error) {
    // Somebody else has stopped it meanwhile.
    if (!isRefusal(error, ESRCH)) throw error;
  }
}
