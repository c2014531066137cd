/**
 * The balancer's program with tables and without devices: packets are handed to it one by one
 * (BPF_PROG_TEST_RUN). Nothing is sent.
 *
 * @module
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { testBpfProgram } from "../../ffi/bpf.ts";
import type { BpfTestRun } from "../../ffi/bpf.ts";
import { hostBpfKernel, possibleProcessors } from "../../src/bpf/index.ts";
import { indexKey, sizes } from "../../src/datapath/bpf/layout.ts";
import { Numbers } from "../../src/datapath/bpf/numbers.ts";
import { BalancerProgram } from "../../src/datapath/bpf/program.ts";
import type { PlannedService } from "../../src/datapath/bpf/server-records.ts";
import { ForwardingTables } from "../../src/datapath/bpf/tables.ts";
import type { ForwardingService } from "../../src/model/index.ts";
import { familyOf } from "../../src/net/address.ts";
import { createBpfFolder } from "./require-bpf.ts";

/** What the program said: TCX_NEXT, TCX_DROP, TCX_REDIRECT. */
export const verdict = { pass: -1, drop: 2, send: 7 } as const;

/** Own addresses that packets of ipip carry. */
export const tunnelSources = { 4: "192.0.2.200", 6: "2001:db8::200" } as const;

const tablesOfTraffic = [
  "connections4",
  "connections6",
  "openings4",
  "openings6",
  "persistents",
] as const;

/** A program of its own. `using` takes it away. */
export class TestBalancer implements Disposable {
  readonly program: BalancerProgram;
  readonly numbers = new Numbers();
  readonly tables: ForwardingTables;
  readonly #folder = createBpfFolder();
  #isRemoved = false;
  planned: readonly PlannedService[] = [];

  constructor(connectionsMax = 4096) {
    const pins = join(this.#folder.path, "balancer");
    const fencePins = join(this.#folder.path, "fence");
    for (const folder of [pins, fencePins]) mkdirSync(folder);
    this.program = new BalancerProgram({
      kernel: hostBpfKernel,
      pins,
      fencePins,
      connectionsMax,
      processors: possibleProcessors(),
    });
    this.tables = new ForwardingTables(this.program, this.numbers);
  }

  /** Makes these the whole state; every server is behind interface 1, `local` is this host. */
  write(services: readonly ForwardingService[], local?: string): void {
    const full = (): void => {
      throw new Error("no number is left");
    };
    this.planned = this.numbers.assign(services, full).map((one) => ({
      ...one,
      ways: new Map(
        one.servers.map(({ index, server }) => {
          const source = tunnelSources[familyOf(server.address)];
          const way = { device: 1, isDirect: true, source, mtu: 1500 };
          return [index, { ...way, isLocal: server.address === local }];
        }),
      ),
    }));
    const problems = this.tables.write(this.planned, false);
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
  }

  /** As if nothing had ever been written or come in: quicker than a program of one's own. */
  clear(): void {
    const { kernel } = this.program;
    for (const { id } of this.planned) {
      kernel.update(this.program.map("turns"), indexKey(id), new Uint8Array(4));
    }
    this.write([]);
    for (const name of tablesOfTraffic) {
      const map = this.program.map(name);
      const { key: bytes } = sizes[name];
      let key = kernel.nextKey(map, undefined, bytes);
      for (; key !== undefined; key = kernel.nextKey(map, undefined, bytes)) {
        kernel.remove(map, key);
      }
    }
  }

  /** Entries of a table. */
  count(name: (typeof tablesOfTraffic)[number]): number {
    const { kernel } = this.program;
    const map = this.program.map(name);
    const { key: bytes } = sizes[name];
    let count = 0;
    let key = kernel.nextKey(map, undefined, bytes);
    for (; key !== undefined; key = kernel.nextKey(map, key, bytes)) count += 1;
    return count;
  }

  /** Folder of the pins: `balancer` and `fence` in it. */
  get folder(): string {
    return this.#folder.path;
  }

  /** Hands in a packet. */
  run(packet: Uint8Array, repeat = 1): BpfTestRun {
    return testBpfProgram(this.program.program, packet, repeat);
  }

  /** Takes everything out of the kernel. */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.tables.close();
    this.program.remove();
  }

  [Symbol.dispose](): void {
    this.remove();
    this.#folder[Symbol.dispose]();
  }
}
