/**
 * Usage texts: of the whole program and of each command. Pure.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands of one kind, under a heading. */
export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly Command[];
}

/** `usage: appliance …`, one line. */
export function formatUsage({ usage }: Command): string {
  return `usage: appliance ${usage}\n`;
}

/** What `appliance COMMAND --help` prints. */
export function formatCommandHelp(command: Command): string {
  const details = command.details === undefined ? "" : `\n${command.details}\n`;
  return `${formatUsage(command)}\n${command.summary}.\n${details}`;
}

/** What `appliance help` prints. */
export function formatHelp(groups: readonly CommandGroup[]): string {
  const names = groups.flatMap(({ commands }) => commands.map(({ name }) => name.length));
  const width = Math.max(0, ...names) + 2;
  const sections = groups.map(({ title, commands }) => {
    const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`);
    return `${title}:\n${lines.join("")}`;
  });
  return `usage: appliance COMMAND [OPTION…]

A layer-4 load balancer: virtual services, real servers, health checks.

${sections.join("\n")}
"appliance COMMAND --help" tells more of a command.
`;
}
