/**
 * Native configuration as tests write it.
 *
 * @module
 */

/** A real server: its address, or that with more keys of its table. */
export type ConfiguredServer = string | { readonly address: string; readonly weight: number };

/** One virtual service. */
export interface ConfiguredService {
  /** @default "web" */
  readonly name?: string;
  /** One address and port, or several. */
  readonly listen: string | readonly string[];
  readonly servers: readonly ConfiguredServer[];
  /** Further lines of its table. */
  readonly settings?: readonly string[];
}

/** Setting of a service: an HTTP check that finds a failure within a fraction of a second. */
export const quickHttpCheck =
  'check = { type = "negotiate", service = "http", ' +
  'interval = "100ms", timeout = "100ms", fast_interval = "20ms" }';

/** The table of one service. */
export function formatService(service: ConfiguredService): string {
  const { name = "web", listen, servers, settings = [] } = service;
  const rows = servers.map((server) => {
    const { address, weight } =
      typeof server === "string" ? { address: server, weight: 1 } : server;
    return `  { address = "${address}", weight = ${weight} },`;
  });
  return [
    "[[virtual_service]]",
    `name = "${name}"`,
    `listen = ${JSON.stringify(listen)}`,
    ...settings,
    "real_servers = [",
    ...rows,
    "]\n",
  ].join("\n");
}
