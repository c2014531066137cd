/**
 * The engine over an IPVS of memory, and a service for it.
 *
 * @module
 */
import { createIpvsEngine } from "../../../../src/datapath/index.ts";
import type { Engine, EngineEvent } from "../../../../src/datapath/index.ts";
import type { ForwardingService } from "../../../../src/model/index.ts";
import { createFakeClock } from "../../../helpers/fake-clock.ts";
import type { FakeClock } from "../../../helpers/fake-clock.ts";
import { createFakeIpvs } from "../../../helpers/fake-ipvs.ts";
import type { FakeIpvs } from "../../../helpers/fake-ipvs.ts";
import { serverAt, serviceWith } from "../../../helpers/traffic/forwarding.ts";

/** An engine over an IPVS of memory. */
export interface Bench {
  readonly engine: Engine;
  readonly ipvs: FakeIpvs;
  readonly clock: FakeClock;
  readonly events: EngineEvent[];
  /** Addresses of this host. */
  readonly local: Set<string>;
  /** What /proc/sys says. */
  readonly settings: Map<string, string>;
}

/** Makes one. */
export function createBench(): Bench {
  const ipvs = createFakeIpvs();
  const clock = createFakeClock();
  const events: EngineEvent[] = [];
  const local = new Set<string>();
  const settings = new Map<string, string>();
  const engine = createIpvsEngine({
    listener: (event) => events.push(event),
    isLocal: (address) => local.has(address),
    clock,
    open: ipvs.open,
    readSetting: (key) => settings.get(key),
  });
  return { engine, ipvs, clock, events, local, settings };
}

export const one = serverAt({ address: "192.0.2.11", port: 80 });
export const two = serverAt({ address: "192.0.2.12", port: 80 }, { weight: 2 });

/** A service of two servers, by gate. */
export function web(changes: Partial<ForwardingService> = {}): ForwardingService {
  const { timeouts: _timeouts, ...rest } = changes;
  return serviceWith({
    listen: [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }],
    forwarding: "gate",
    servers: [one, two],
    ...rest,
  });
}

/** Its name in the table. */
export const webId = "tcp 192.0.2.100:80";
/** What the kernel must have of it. */
export const goodTable = { [webId]: "rr [192.0.2.11:80 gate 1, 192.0.2.12:80 gate 2]" };
