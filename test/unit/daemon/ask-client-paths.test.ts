import { expect, test } from "bun:test";

import { askClientPaths } from "../../../src/daemon/ask-client-paths.ts";
import type { AskClientPathsOptions } from "../../../src/daemon/ask-client-paths.ts";
import type { Config, VirtualService } from "../../../src/model/index.ts";
import { realServer, virtualService } from "./fixture.ts";

const listen = [{ address: "192.0.2.100", portFirst: 80, portLast: 80 }];

function ask(
  service: Partial<VirtualService>,
  options: Partial<AskClientPathsOptions> = {},
): ReturnType<typeof askClientPaths> {
  const virtualServices = [virtualService({ forwarding: "gate", listen, ...service })];
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no other field is looked at.
  const config = { virtualServices, director: { scriptUser: "appliance" } } as unknown as Config;
  return askClientPaths(config, {
    services: new Set(["web"]),
    isLocal: (address) => address === "192.0.2.3",
    findObstacle: () => undefined,
    ...options,
  });
}

test("real servers are asked as clients would, and once more where they fail", async () => {
  let opened = 0;
  let ended = 0;
  const paths = {
    open(): never {
      opened += 1;
      throw new Error("no path");
    },
    keep: () => undefined,
    [Symbol.dispose]: () => void (ended += 1),
  };
  // Loopback is no path of clients; its plain check is refused or passes, whoever runs this.
  const realServers = [realServer("127.0.0.1", 80), realServer("192.0.2.3", 80)];
  const answers = await ask({ realServers }, { paths });
  expect(answers).toMatchObject([
    {
      service: "web",
      forwarding: "gate",
      server: "127.0.0.1",
      port: 80,
      virtualAddresses: ["192.0.2.100"],
      fault: "unreachable: loopback is no path of clients",
    },
  ]);
  expect([opened, ended]).toEqual([0, 1]);
});

test.each([
  ["the proxy", { forwarding: "proxy" }, ["web"]],
  ["UDP", { protocol: "udp" }, ["web"]],
  ["a service that the kernel does not carry here", {}, []],
  ["a name", { realServers: [realServer("web1.example.com", 80)] }, ["web"]],
] as const)("%s has no such path, and nothing is asked", async (_, service, names) => {
  const findObstacle = (): never => {
    throw new Error("asked for");
  };
  const realServers = [realServer("192.0.2.11", 80)];
  const services = new Set<string>(names);
  expect(await ask({ realServers, ...service }, { services, findObstacle })).toEqual([]);
});

test("an obstacle is the answer", async () => {
  const realServers = [realServer("192.0.2.11", 80)];
  expect(await ask({ realServers }, { findObstacle: () => "this kernel is old" })).toBe(
    "this kernel is old",
  );
});
