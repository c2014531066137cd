/**
 * The engines that keep the promises of src/datapath/engine.ts, and what one of them may break.
 *
 * @module
 */

import { raiseDescriptorLimit } from "../../ffi/resource.ts";
import { createProxyEngine } from "../../src/datapath/index.ts";
import type { Engine, EngineListener } from "../../src/datapath/index.ts";
import { createPortableEngine } from "../../src/datapath/portable/engine.ts";

/** One engine under contract. */
export interface EngineCase {
  readonly name: string;
  create(listener: EngineListener): Promise<Engine>;
  /** Promises it does not keep, by the name of their test, with the reason. */
  readonly exceptions: Readonly<Record<string, string>>;
}

const descriptorsMax = raiseDescriptorLimit();

/** The native engine with a number of workers. */
function nativeEngine(workers: number): EngineCase {
  return {
    name: `native, ${workers} worker${workers === 1 ? "" : "s"}`,
    create: (listener) => createProxyEngine({ workers, descriptorsMax, sockmap: false, listener }),
    exceptions: {},
  };
}

/** Bun's own sockets. */
export const portableEngine: EngineCase = {
  name: "portable",
  create: (listener) => createPortableEngine({ listener, descriptorsMax }),
  exceptions: {
    "UDP answers come from the address the client asked, behind a wildcard":
      "Bun does not tell which address a datagram was sent to",
  },
};

/** Every engine, the oracle first. */
export const engineCases: readonly EngineCase[] = [portableEngine, nativeEngine(1)];

/** For traffic whose outcome does not depend on the order of picks. */
export const manyWorkers: EngineCase = nativeEngine(2);
