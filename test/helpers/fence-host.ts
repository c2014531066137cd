/**
 * A fence in a process of its own, inside a namespace of a test, steered over a Unix socket.
 *
 *     bun test/helpers/fence-host.ts SOCKET PINS ATTACHMENT DEVICE…
 *
 * POST /NAME with a JSON list of arguments calls one function of {@link commands}.
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { createBpfLink } from "../../ffi/bpf-link.ts";
import { loadBpfProgram, testBpfProgram } from "../../ffi/bpf.ts";
import { monotonicMs } from "../../ffi/clock.ts";
import {
  BPF_F_BEFORE,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
} from "../../ffi/constants/bpf.ts";
import {
  fenceObject,
  hostBpfKernel,
  loadBpfCollection,
  possibleProcessors,
} from "../../src/bpf/index.ts";
import { BpfFence, leaseFlagRealServer } from "../../src/fence/index.ts";
import { openTrafficControl } from "../../src/netlink/route/index.ts";

/** Answers of the commands. */
export type FenceHostCommand = keyof typeof commands;

function indexOf(device: string): number {
  return Number(readFileSync(`/sys/class/net/${device}/ifindex`, "utf8"));
}

const [socket, pins, attachment, ...devices] = process.argv.slice(2);
const fence = new BpfFence({
  kernel: hostBpfKernel,
  pins: pins!,
  processors: possibleProcessors(),
  attachment: attachment === "clsact" ? "clsact" : "tcx",
});
const leases = fence.openLeases();
for (const name of devices) {
  fence.attach({ index: indexOf(name), name, isLoopback: false, masterIndex: 0 });
}

/** "mov r0, 0; exit": TCX_PASS, which ends the chain. */
const foreignPass = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

const commands = {
  addresses(list: readonly (readonly [string, number])[]) {
    fence.setAddresses(new Map(list));
  },
  /** Opens an instance for some time. */
  open(instance: number, ms: number) {
    leases.open(instance, leases.closings(instance));
    leases.renew(instance, BigInt(Math.round((monotonicMs() + ms) * 1e6)));
  },
  renew(instance: number, ms: number) {
    leases.renew(instance, BigInt(Math.round((monotonicMs() + ms) * 1e6)));
  },
  end(instance: number) {
    leases.end(instance);
  },
  close(instance: number) {
    leases.close(instance);
  },
  flags(instance: number, flags: number) {
    leases.setFlag(instance, leaseFlagRealServer, (flags & leaseFlagRealServer) !== 0);
  },
  peers(macs: readonly string[]) {
    fence.setPeers(macs.map((mac) => Uint8Array.fromHex(mac.replaceAll(":", ""))));
  },
  mend: () => fence.mend(),
  counters: () => fence.counters(),
  remove() {
    fence.remove();
  },
  /** A program of somebody else, in front of the fence, in both directions. */
  intrude(device: string) {
    const type = BPF_PROG_TYPE_SCHED_CLS;
    if (attachment === "clsact") {
      using control = openTrafficControl();
      const program = loadBpfProgram({ type, instructions: foreignPass, license: "GPL" });
      for (const direction of ["in", "out"] as const) {
        const place = { index: indexOf(device), direction, preference: 1, handle: 1 };
        control.setFilter({ ...place, program, name: "foreign" });
      }
      return;
    }
    for (const hook of [BPF_TCX_INGRESS, BPF_TCX_EGRESS]) {
      const program = loadBpfProgram({ type, instructions: foreignPass, license: "GPL" });
      createBpfLink(program, { device: indexOf(device), hook, flags: BPF_F_BEFORE });
    }
  },
  /** Mean time of one packet to an address, ns. */
  cost(hex: string) {
    const collection = loadBpfCollection(fenceObject(), { kernel: hostBpfKernel, pins });
    return testBpfProgram(collection.program("tc_ingress"), Uint8Array.fromHex(hex), 100_000);
  },
};

Bun.serve({
  unix: socket!,
  async fetch(request) {
    const name = new URL(request.url).pathname.slice(1);
    const command: unknown = Reflect.get(commands, name);
    if (typeof command !== "function") return new Response(`no ${name}`, { status: 404 });
    try {
      const result: unknown = Reflect.apply(
        command,
        undefined,
        (await request.json()) as unknown[],
      );
      return Response.json(result ?? "done");
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
});
process.stdout.write("fenced\n");
