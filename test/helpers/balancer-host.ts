/**
 * A bpf engine in a process of its own, inside a namespace of a test, steered over a Unix socket.
 *
 *     bun test/helpers/balancer-host.ts FOLDER
 *
 * FOLDER holds the socket `balancer.sock` and the bpf file system. POST /NAME with a JSON list of
 * arguments calls one function of {@link commands}.
 *
 * @module
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { monotonicMs } from "../../ffi/clock.ts";
import { BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { hostBpfKernel, openBpfFileSystem, possibleProcessors } from "../../src/bpf/index.ts";
import { openBpfEngine } from "../../src/datapath/index.ts";
import { BpfFence, fencePinsName } from "../../src/fence/index.ts";
import type { ForwardingService } from "../../src/model/index.ts";

/** Names of the commands. */
export type BalancerHostCommand = keyof typeof commands;

const runtimeDirectory = process.argv[2]!;
const events: unknown[] = [];
const engine = openBpfEngine({
  runtimeDirectory,
  connectionsMax: 65_536,
  listener: (event) => void events.push(event),
});
const hurry = new AbortController();
let fence: BpfFence | undefined;

const commands = {
  apply: (services: readonly ForwardingService[]) => engine.apply(services),
  async counters() {
    await engine.recount();
    return engine.counters();
  },
  drops: () => engine.drops(),
  connections: (limit: number) => engine.connections(limit),
  events: () => events,
  /** How many programs see what comes in through a device. */
  programs(device: string) {
    const index = Number(readFileSync(`/sys/class/net/${device}/ifindex`, "utf8"));
    return hostBpfKernel.programs(index, BPF_TCX_INGRESS).length;
  },
  /** Pins that are there. */
  pins: () =>
    readdirSync(join(runtimeDirectory, "bpf"), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory() && !entry.name.endsWith(".debug"))
      .map(({ name }) => name),
  leave: () => engine.leave(),
  close: (timeoutMs: number) => engine.close(timeoutMs, hurry.signal),
  /** Fences an address; its lease runs for some time. 0: it has none. */
  lease(address: string, ms: number) {
    fence ??= new BpfFence({
      kernel: hostBpfKernel,
      pins: openBpfFileSystem(fencePinsName, runtimeDirectory),
      processors: possibleProcessors(),
    });
    fence.setAddresses(new Map([[address, 3]]));
    const leases = fence.openLeases();
    leases.end(3);
    if (ms > 0) {
      leases.open(3, leases.closings(3));
      leases.renew(3, BigInt(Math.round((monotonicMs() + ms) * 1e6)));
    }
    leases.unmap();
  },
  /** Takes the fence away; its maps stay, for as long as the balancer needs them. */
  unfence() {
    fence?.setAddresses(new Map());
    fence?.remove();
    fence = undefined;
  },
};

const socket = join(runtimeDirectory, "balancer.sock");
rmSync(socket, { force: true });
Bun.serve({
  unix: socket,
  async fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    const command: unknown = Reflect.get(commands, name);
    if (typeof command !== "function") return new Response(`no ${name}`, { status: 404 });
    try {
      const list = (await request.json()) as unknown[];
      const result: unknown = await Reflect.apply(command, undefined, list);
      return Response.json(result ?? "done");
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
});
process.stdout.write("balancing\n");
