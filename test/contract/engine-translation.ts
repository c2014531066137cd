/**
 * An engine that is told of loopback and works with the networks of a place.
 *
 * @module
 */
import type { Engine } from "../../src/datapath/index.ts";
import type { Endpoint } from "../../src/net/address.ts";
import type { EnginePlace } from "./engine-place.ts";

/** Replaces addresses of networks in whatever an engine tells. */
function replaceAll<Value>(place: EnginePlace, value: Value): Value {
  const replaced = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "string") return part;
    return part.replaceAll(/\d+\.\d+\.\d+\.\d+/g, (address) => place.loopback(address));
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same with other addresses.
  return JSON.parse(replaced) as Value;
}

/** Stands between a test and an engine. */
export function placeEngine(engine: Engine, place: EnginePlace): Engine {
  const endpoint = (one: Endpoint): Endpoint => ({ ...one, address: place.loopback(one.address) });
  return {
    name: engine.name,
    refuse: (service) => engine.refuse(place.service(service)),
    async apply(services) {
      return replaceAll(place, await engine.apply(services.map((one) => place.service(one))));
    },
    counters: () =>
      engine.counters().map((service) => ({
        ...service,
        servers: service.servers.map((server) => ({
          ...server,
          key: replaceAll(place, server.key),
        })),
      })),
    async connections(limit) {
      const entries = await engine.connections(limit);
      return entries.map((entry) => ({
        ...entry,
        client: endpoint(entry.client),
        virtual: endpoint(entry.virtual),
        server: endpoint(entry.server),
      }));
    },
    close: (timeoutMs, hurry) => engine.close(timeoutMs, hurry),
  };
}
