/**
 * Which engine carries a service, and why.
 *
 * This build has one kernel-free engine, the proxy; the rules for the kernel's engines come with
 * them. Pure.
 *
 * @module
 */

import type { VirtualService } from "../model/index.ts";

/** The answer for one service. */
export type EngineDecision =
  | {
      readonly engine: "proxy";
      /** Set when the service asked for something else: what the operator must know. */
      readonly warning: string | undefined;
    }
  | {
      /** No engine can: why, and what is missing. */
      readonly refusal: string;
    };

const missingEngine = "needs the engine ipvs or bpf, not in this build yet";

/** Decides for one service; `gate` and `ipip` need the kernel, `masq` can do without. */
export function chooseEngine(service: Pick<VirtualService, "forwarding">): EngineDecision {
  switch (service.forwarding) {
    case "proxy":
      return { engine: "proxy", warning: undefined };
    case "masq":
      return {
        engine: "proxy",
        warning:
          "forwarding masq runs on the proxy: no kernel engine in this build; " +
          "real servers see the director's address",
      };
    case "gate":
    case "ipip":
      return { refusal: `forwarding ${service.forwarding} ${missingEngine}` };
  }
}
