/**
 * `appliance list`: the table of services and real servers in the form of `ipvsadm -L`.
 *
 * @module
 */

import { parseArguments } from "./arguments.ts";
import { connectionsMax, createControlClient } from "./client.ts";
import { exitStatus } from "./command.ts";
import type { Command } from "./command.ts";
import { systemNames } from "./list-name.ts";
import { printList } from "./list-print.ts";
import { listOptions, readListRequest } from "./list-request.ts";

const spec = { options: [...listOptions, { name: "connections" }, { name: "json" }] } as const;

/** See the module's head. */
export const list: Command = {
  name: "list",
  summary: "List services and real servers in the form of ipvsadm -L",
  usage:
    "list [-n] [--stats|--rate|--thresholds|--persistent-conn|-c|--timeout|--daemon] " +
    "[-t|-u ADDRESS:PORT] [-f MARK] [--exact] [--nosort] [-S] [--json]",
  details: `  -n, --numeric        addresses and ports as numbers
  --stats, --rate      counters; connections, packets and bytes per second
  --thresholds         upper and lower thresholds
  --persistent-conn    entries of persistence
  -c, --connections    connections, at most ${connectionsMax}
  --timeout, --daemon  timeouts; sync daemons of IPVS (the proxy has none)
  -t, -u ADDRESS:PORT  this service only; names will do
  -f MARK              the service of this firewall mark only
  --exact              numbers in full, however large
  --nosort             in the order of the configuration
  -S, --save           the rules of this table, as ipvsadm -R reads them
A real server is listed while it is healthy, or with weight 0 in a quiescent service.`,
  async run(args, context) {
    const given = parseArguments(args, spec);
    await printList({
      request: readListRequest(given),
      source: createControlClient(context),
      context,
      names: systemNames,
      isJson: given.has("json"),
      program: "appliance list",
    });
    return exitStatus.ok;
  },
};
