/**
 * Called as `ipvsadm`: lists as ipvsadm(8) does, byte for byte; what would change the table is
 * answered with what to type instead. docs/decisions/0014 says why.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import type { ParsedArguments } from "./arguments.ts";
import { exitStatus } from "./command.ts";
import type { Command, CommandContext, ExitStatus } from "./command.ts";
import { changeOptions, explainChange } from "./ipvsadm-change.ts";
import { readKernelTable } from "./ipvsadm-kernel.ts";
import { createIpvsadmSource } from "./ipvsadm-source.ts";
import { systemNames } from "./list-name.ts";
import type { NameSource } from "./list-name.ts";
import { printList } from "./list-print.ts";
import { listOptions, readListRequest } from "./list-request.ts";
import type { ListRequest } from "./list-request.ts";
import { program } from "./program.ts";

const spec = {
  options: [
    ...listOptions,
    { name: "list", short: "Ll" },
    { name: "help", short: "h" },
    { name: "version", short: "v" },
    ...changeOptions,
  ],
  // Values that ipvsadm lets one leave out, and the three of --set.
  operandsMax: 4,
} as const;

const help = `usage: ipvsadm [-L|-l] [-n] [--stats|--rate|--thresholds|--persistent-conn] [--exact]
               [--nosort] [-t|-u ADDRESS:PORT | -f MARK]
       ipvsadm -L [-n] -c | --timeout | --daemon
       ipvsadm -S [-n]

This is appliance in the place of ipvsadm: it lists the services of the director that runs here.
Commands that change the table (-A -E -D -C -R -a -e -d -Z --set --start-daemon --stop-daemon)
answer with what to type instead. "appliance list --help" tells more of the listings.
`;

/** The version whose listings these are, in its own words: scripts look for it. */
function versionText(): string {
  return `ipvsadm v1.31 (in its place: appliance ${program.version}, ${program.commit})\n`;
}

/** The host, as far as a listing looks at it; tests hand in their own. */
export interface IpvsadmHost {
  readonly names: NameSource;
  /** Text of the kernel's own table; undefined: there is none. */
  readonly kernelTable: () => string | undefined;
}

interface Options {
  readonly context: CommandContext;
  readonly host: IpvsadmHost;
}

/** @throws {UsageError} `CLI_USAGE` for what has no place in a listing. */
function readRequest(given: ParsedArguments): ListRequest {
  const stray = changeOptions.find(({ name }) => name !== "ipv6" && given.has(name));
  const [unexpected = stray && `--${stray.name} in a listing`] = given.operands;
  if (unexpected !== undefined) throw new UsageError(`Unexpected ${unexpected}`);
  return readListRequest(given);
}

async function answer(given: ParsedArguments, options: Options): Promise<ExitStatus> {
  const { context } = options;
  if (given.has("help")) context.stdout(help);
  else if (given.has("version")) context.stdout(versionText());
  else {
    const refusal = explainChange(given);
    if (refusal !== undefined) {
      context.stderr(`ipvsadm: ${refusal}`);
      return exitStatus.failed;
    }
    const request = readRequest(given);
    const { names, kernelTable } = options.host;
    const source = createIpvsadmSource({ context, kernelTable });
    await printList({ request, source, context, names, isJson: false, program: "ipvsadm" });
  }
  return exitStatus.ok;
}

/** The command over a host. */
export function createIpvsadm(host: IpvsadmHost): Command {
  return {
    name: "ipvsadm",
    summary: "List virtual services as ipvsadm does",
    usage: "ipvsadm [-L] [OPTION…]",
    async run(args, context) {
      try {
        return await answer(parseArguments(args, spec), { context, host });
      } catch (error) {
        if (context.signal.aborted) return exitStatus.interrupted;
        // A bug is told by the caller, with its stack.
        if (!(error instanceof ApplianceError)) throw error;
        const hint = error instanceof UsageError ? '"ipvsadm -h" shows the options\n' : "";
        context.stderr(`ipvsadm: ${error.message}\n${hint}`);
        return exitStatus.failed;
      }
    },
  };
}

/** See the module's head. */
export const ipvsadm: Command = createIpvsadm({
  names: systemNames,
  kernelTable: readKernelTable,
});
