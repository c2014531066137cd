/**
 * Signals of the process, as the operator's wishes (signal(7)).
 *
 * @module
 */

/** What a signal asks for. */
export interface SignalActions {
  /** First SIGTERM or SIGINT: stop accepting, let connections end. */
  stop(signal: NodeJS.Signals): void;
  /** A further one: at once. */
  stopNow(): void;
  /** SIGHUP. */
  reload(): void;
  /** SIGUSR1: state to the log. */
  dumpState(): void;
}

/** The part of `process` that is used. */
export interface SignalEmitter {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  off(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Listens to signals until the result is called. */
export function handleSignals(
  actions: SignalActions,
  emitter: SignalEmitter = process,
): () => void {
  let stops = 0;
  const onStop = (signal: NodeJS.Signals): void => {
    stops += 1;
    if (stops === 1) actions.stop(signal);
    else actions.stopNow();
  };
  const listeners: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ["SIGTERM", () => onStop("SIGTERM")],
    ["SIGINT", () => onStop("SIGINT")],
    ["SIGHUP", () => actions.reload()],
    ["SIGUSR1", () => actions.dumpState()],
    // A peer that closes must not end the process; the write tells of it by EPIPE.
    ["SIGPIPE", () => undefined],
  ];
  for (const [signal, listener] of listeners) emitter.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) emitter.off(signal, listener);
  };
}
