/**
 * Asks each real server of gate, ipip and masq once as a client would, for `appliance doctor`.
 *
 * @module
 */

import { createCheckFactory } from "../check/index.ts";
import type { CheckFactory, CheckResult, CheckTarget, ClientPaths } from "../check/index.ts";
import { systemClock } from "../clock/index.ts";
import type { ClientPathAnswer, ClientPathAnswers } from "../host/index.ts";
import type { Config, RealServer, VirtualService } from "../model/index.ts";
import { canonicalAddress } from "../net/address.ts";
import { findVipPathObstacle, VipPaths } from "../vip-path/index.ts";
import { vipTargetOf } from "./health-target.ts";
import { createLocalAddresses } from "./local-address.ts";

/** A real server on the same network answers within a few ms. */
const timeoutMs = 1000;
/** Asked at once: as many as a director would have under way. */
const atOnceMax = 64;
/** Asked in all: a table of more is no help to a reader, and takes long where none answers. */
const askedMax = 1024;

/** What asking needs; tests hand in fakes. */
export interface AskClientPathsOptions {
  /** Names of services that the kernel carries; the others are not asked. */
  readonly services: ReadonlySet<string>;
  readonly isLocal?: ((address: string) => boolean) | undefined;
  readonly paths?: (ClientPaths & Disposable) | undefined;
  readonly findObstacle?: (() => string | undefined) | undefined;
}

interface Question {
  readonly service: VirtualService;
  readonly server: RealServer;
  readonly target: CheckTarget & { readonly vip: NonNullable<CheckTarget["vip"]> };
}

/** Real servers by address, on other hosts, with a port. A name may stand for any address. */
function questionsOf({ virtualServices }: Config, options: AskClientPathsOptions): Question[] {
  const isLocal = options.isLocal ?? createLocalAddresses(systemClock);
  return virtualServices.flatMap((service) => {
    const vip = vipTargetOf(service);
    if (vip === undefined || service.protocol !== "tcp" || !options.services.has(service.name)) {
      return [];
    }
    return service.realServers.flatMap((server) => {
      const address = canonicalAddress(server.host);
      const port = server.check.port ?? server.port;
      if (address === undefined || port === 0 || isLocal(address)) return [];
      const [listen] = service.listen;
      const target = {
        address,
        port,
        host: server.host,
        protocol: "tcp",
        virtualAddress: listen?.address ?? "",
        virtualPort: listen?.portFirst ?? 0,
        sendProxy: "off",
        vip,
      } as const;
      return [{ service, server, target }];
    });
  });
}

function faultOf(result: CheckResult): string | undefined {
  return result.up ? undefined : `${result.reason}: ${result.detail}`;
}

async function ask(
  factory: CheckFactory,
  { service, server, target }: Question,
): Promise<ClientPathAnswer> {
  const run = (type: "vip" | "connect"): Promise<CheckResult> =>
    factory.create({ ...server.check, type }, "tcp").run(target, timeoutMs);
  const fault = faultOf(await run("vip"));
  const { address, port, vip } = target;
  return {
    service: service.name,
    forwarding: vip.forwarding,
    server: address,
    port,
    virtualAddresses: vip.addresses,
    fault,
    plainFault: fault === undefined ? undefined : faultOf(await run("connect")),
  };
}

/** Asks all of them; the text says why none could be asked. */
export async function askClientPaths(
  config: Config,
  options: AskClientPathsOptions,
): Promise<ClientPathAnswers> {
  const questions = questionsOf(config, options).slice(0, askedMax);
  if (questions.length === 0) return [];
  const { findObstacle = findVipPathObstacle } = options;
  const obstacle = findObstacle();
  if (obstacle !== undefined) return obstacle;
  using paths = options.paths ?? new VipPaths();
  const factory = createCheckFactory(systemClock, config.director.scriptUser, paths);
  try {
    const answers: ClientPathAnswer[] = [];
    for (let start = 0; start < questions.length; start += atOnceMax) {
      const turn = questions.slice(start, start + atOnceMax);
      answers.push(...(await Promise.all(turn.map((question) => ask(factory, question)))));
    }
    return answers;
  } finally {
    factory.close();
  }
}
