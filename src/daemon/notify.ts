/**
 * Tells systemd of the director's state (sd_notify(3)).
 *
 * Without NOTIFY_SOCKET all of it does nothing. A message that cannot be sent is lost: the
 * service manager's timeouts are there for that.
 *
 * @module
 */

import { encodeUnixAddress, sendUnixDatagram } from "../../ffi/notify.ts";
import type { Clock, Timer } from "../clock/index.ts";

/** What can be told. */
export interface Notifier {
  ready(status: string): void;
  reloading(): void;
  /** This process is the director from now on, in place of the one that tells it. */
  replacedBy(pid: number): void;
  stopping(): void;
  /** Sends the watchdog's keep-alive at half its interval, as long as `isAlive` says so. */
  watch(isAlive: () => boolean): void;
  close(): void;
}

/** What the notifier works with. */
export interface NotifierOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Sends one message; the default is the socket of NOTIFY_SOCKET. */
  readonly send?: (message: string) => void;
}

/** Interval of the watchdog, ms; undefined if it is off or meant for another process. Pure. */
export function watchdogIntervalMs(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: microseconds, WATCHDOG_PID: watchedPid } = environment;
  if (watchedPid !== undefined && Number(watchedPid) !== pid) return undefined;
  const intervalMs = Number(microseconds ?? "") / 1000;
  return Number.isFinite(intervalMs) && intervalMs > 0 ? intervalMs : undefined;
}

/** Monotonic time in µs, which `RELOADING=1` must carry (Type=notify-reload). */
function monotonicMicroseconds(): bigint {
  return process.hrtime.bigint() / 1000n;
}

function socketSender(path: string | undefined): (message: string) => void {
  const address = path === undefined ? undefined : encodeUnixAddress(path);
  if (address === undefined) return () => undefined;
  return (message) => {
    try {
      sendUnixDatagram(address, new TextEncoder().encode(message));
    } catch {
      // Nobody is left to tell it to.
    }
  };
}

/** A notifier for the process's own service manager. */
export function createNotifier(options: NotifierOptions): Notifier {
  const { environment, clock } = options;
  const send = options.send ?? socketSender(environment["NOTIFY_SOCKET"]);
  let timer: Timer | undefined;
  return {
    ready: (status) => send(`READY=1\nSTATUS=${status.replaceAll("\n", " ")}`),
    reloading: () => send(`RELOADING=1\nMONOTONIC_USEC=${monotonicMicroseconds()}`),
    replacedBy: (pid) => send(`MAINPID=${pid}`),
    stopping: () => send("STOPPING=1"),
    watch(isAlive) {
      const intervalMs = watchdogIntervalMs(environment, process.pid);
      if (intervalMs === undefined) return;
      const beat = (): void => {
        if (isAlive()) send("WATCHDOG=1");
        timer = clock.after(intervalMs / 2, beat);
      };
      beat();
    },
    close: () => timer?.cancel(),
  };
}
