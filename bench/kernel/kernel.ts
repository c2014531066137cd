/**
 * The bpf engine beside HAProxy (mode tcp, one thread) on one director, in namespaces of one
 * bridge.
 *
 * Goal (product, "numbers to reach"): gate at least 1.5 times HAProxy's requests and 1.2 times its
 * new connections, masq at least 2.5 times its bulk. Rounds are interleaved in a new order each,
 * and what was measured in one round is compared. Client, director and real servers share the
 * machine's processors, so who does less leaves more to the others.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { BalancerLan, forwardingService, virtual } from "../../test/helpers/balancer-lan.ts";
import type { Host } from "../../test/helpers/netns.ts";
import { startNginx } from "../../test/helpers/nginx.ts";
import { createTempFolder } from "../../test/helpers/temp-folder.ts";
import { waitFor } from "../../test/helpers/wait.ts";
import { figure, formatTable, median, medianRatio } from "../harness/statistics.ts";
import { loadKinds, loadPages, runWrk } from "../load/wrk.ts";
import type { LoadKind } from "../load/wrk.ts";

const port = 8000;
const kinds = loadKinds.filter(({ name }) => name !== "ka500");

/** What {@link benchKernel} is told. */
export interface KernelBenchOptions {
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
}

async function isServing(host: Host): Promise<boolean> {
  const connect = `exec 3<>/dev/tcp/127.0.0.1/${port}`;
  return (await host.run(["bash", "-c", connect])).status === 0;
}

async function startServers(lan: BalancerLan, owner: AsyncDisposableStack): Promise<void> {
  const pages = loadPages();
  for (const real of lan.reals) {
    const prefix = ["ip", "netns", "exec", real.netns];
    const accepts = () => waitFor(() => isServing(real), { what: `nginx on ${real.name}` });
    owner.use(await startNginx({ pages, host: "0.0.0.0", port, prefix, accepts }));
  }
}

async function startHaproxy(lan: BalancerLan, owner: AsyncDisposableStack): Promise<void> {
  const folder = owner.use(createTempFolder());
  const path = join(folder.path, "haproxy.cfg");
  const servers = lan.reals.map(({ name, address }) => `  server ${name} ${address}:${port}`);
  const text = `global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen web
  bind 0.0.0.0:${port}
  balance roundrobin
${servers.join("\n")}
`;
  writeFileSync(path, text);
  lan.director.spawn(["haproxy", "-db", "-f", path]);
  await waitFor(() => isServing(lan.director), { what: "HAProxy" });
}

/** Measures, and gives a table: requests a second, and ratios to HAProxy. */
export async function benchKernel(
  { rounds, seconds }: KernelBenchOptions,
  owner: AsyncDisposableStack,
): Promise<string> {
  const lan = owner.use(await BalancerLan.create());
  await startServers(lan, owner);
  await startHaproxy(lan, owner);
  await lan.apply(
    forwardingService([virtual.gate, port], lan.servers(port)),
    forwardingService([virtual.masq, port], lan.servers(port), { forwarding: "masq" }),
  );
  const hosts: Readonly<Record<string, string>> = {
    haproxy: lan.director.address,
    "bpf gate": virtual.gate,
    "bpf masq": virtual.masq,
  };
  const prefix = ["ip", "netns", "exec", lan.client.netns];
  const rates = new Map<string, number[]>();
  const measure = async (kind: LoadKind, name: string): Promise<void> => {
    const options = { host: hosts[name]!, port, seconds, prefix };
    const { requestsPerSecond, errors } = await runWrk(kind, options);
    if (errors !== "") throw new Error(`${name}, ${kind.name}: ${errors}`);
    const key = `${kind.name} ${name}`;
    rates.set(key, [...(rates.get(key) ?? []), requestsPerSecond]);
  };
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) {
      const order = Object.keys(hosts).toSorted(() => Math.random() - 0.5);
      for (const name of order) await measure(kind, name);
    }
  }
  const rows = Object.keys(hosts).map((name) => [
    name,
    ...kinds.map((kind) => {
      const own = rates.get(`${kind.name} ${name}`)!;
      const ratio = medianRatio(own, rates.get(`${kind.name} haproxy`)!);
      return `${figure(median(own), 0)} (${figure(ratio, 2)})`;
    }),
  ]);
  const head = ["requests/s (to HAProxy)", ...kinds.map(({ name }) => name)];
  return formatTable([head, ...rows]);
}
