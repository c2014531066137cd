/**
 * The engines that keep the promises of src/datapath/engine.ts, and what one of them may break.
 * IPVS needs its module: test/integration/ipvs-vm.test.ts boots a kernel that has it.
 *
 * @module
 */

import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { createBpfEngine, createProxyEngine } from "../../src/datapath/index.ts";
import type { Engine, EngineListener } from "../../src/datapath/index.ts";
import { createPortableEngine } from "../../src/datapath/portable/engine.ts";
import { requireBpf } from "../helpers/require-bpf.ts";
import { requireAll, requireNetns, satisfied } from "../helpers/require-peer.ts";
import type { Requirement } from "../helpers/require-peer.ts";
import { bpfException } from "./engine-bpf.ts";
import { EnginePlace } from "./engine-place.ts";
import { placeEngine } from "./engine-translation.ts";

/** One engine under contract. */
export interface EngineCase {
  readonly name: string;
  readonly needs: Requirement;
  create(listener: EngineListener, place: EnginePlace | undefined): Promise<Engine>;
  /** Why it does not keep a promise, by the name of its test; undefined: it does. */
  exception(promise: string): string | undefined;
  /** Where it is tested; missing: on loopback. */
  openPlace?(): Promise<EnginePlace>;
}

const descriptorsMax = raiseDescriptorLimit();

/** The native engine with a number of workers. */
function nativeEngine(workers: number): EngineCase {
  return {
    name: `native, ${workers} worker${workers === 1 ? "" : "s"}`,
    needs: satisfied,
    create: (listener) => createProxyEngine({ workers, descriptorsMax, sockmap: false, listener }),
    exception: () => undefined,
  };
}

const portableExceptions: Readonly<Record<string, string>> = {
  "UDP answers come from the address the client asked, behind a wildcard":
    "Bun does not tell which address a datagram was sent to",
};

/** Bun's own sockets. */
export const portableEngine: EngineCase = {
  name: "portable",
  needs: satisfied,
  create: (listener) => createPortableEngine({ listener, descriptorsMax }),
  exception: (promise) => portableExceptions[promise],
};

/** The program in the kernel, by masq. */
const bpfEngine: EngineCase = {
  name: "bpf",
  needs: requireAll(requireNetns(), requireBpf()),
  async create(listener, place) {
    const { runtimeDirectory } = place!;
    const engine = createBpfEngine({ runtimeDirectory, listener, connectionsMax: 4096 });
    return placeEngine(engine, place!);
  },
  exception: bpfException,
  openPlace: () => EnginePlace.open(),
};

/** Every engine, the oracle first. */
export const engineCases: readonly EngineCase[] = [portableEngine, nativeEngine(1), bpfEngine];

/** For traffic whose outcome does not depend on the order of picks. */
export const manyWorkers: EngineCase = nativeEngine(2);
