/**
 * Interface of a command, and the exit statuses (product contract, sysexits.h(3)).
 *
 * @module
 */

/** What a command may touch of the world; tests hand in their own. */
export interface CommandContext {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** True if stdout is a terminal, so that a screen can be drawn anew. */
  readonly isTerminal: boolean;
  /** True if colours are welcome on stdout: a terminal, and no NO_COLOR. */
  readonly color: boolean;
  /** Aborts at Ctrl-C for commands that wait or watch. */
  readonly signal: AbortSignal;
}

/** Exit statuses by what they mean. */
export const exitStatus = {
  ok: 0,
  findings: 1,
  /** Called as another program: how that one tells that it failed. */
  failed: 2,
  /** `status`: not running. */
  notRunning: 3,
  usage: 64,
  dataError: 65,
  noInput: 66,
  unavailable: 69,
  internal: 70,
  /** Another one runs; or what was waited for has not come yet. */
  busy: 75,
  permission: 77,
  /** Ctrl-C, as shells tell it: 128 and the number of SIGINT. */
  interrupted: 130,
  /** Called as ldirectord: the command line is wrong. */
  ldirectordUsage: 255,
} as const;
/** Any of them. */
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];

/** One subcommand. It prints through its context and returns its exit status; it never exits. */
export interface Command {
  readonly name: string;
  /** One line for `appliance help`; starts with a verb, no full stop. */
  readonly summary: string;
  /** Without the program's name, for example `validate [FILE…]`. */
  readonly usage: string;
  /** Printed by `--help` below the usage. */
  readonly details?: string;
  run(args: readonly string[], context: CommandContext): Promise<ExitStatus>;
}
