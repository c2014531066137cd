/**
 * Random faults for {@link Simulation}: what befalls one node at one moment.
 *
 * @module
 */

import type { Simulation } from "./simulation.ts";

/** Kinds of fault a schedule may draw from. */
export type FaultKind =
  "kill" | "restart" | "freeze" | "command" | "force" | "carrier" | "guard" | "fitness" | "witness";

/**
 * Everything that a node can suffer alone; partitions are made by the tests. `force` is not among
 * them: with it an operator takes the address from a director that does not answer.
 */
export const faultKinds: readonly FaultKind[] = [
  "kill",
  "restart",
  "freeze",
  "command",
  "carrier",
  "guard",
  "fitness",
  "witness",
];

type Fault = (world: Simulation, node: number) => void;

const faults: Readonly<Record<FaultKind, Fault>> = {
  kill: (world, node) => {
    world.kill(node, world.random.chance(0.6));
  },
  restart: (world, node) => {
    world.start(node);
  },
  freeze: (world, node) => {
    // Around the lease and the dead time it matters most.
    const { random } = world;
    const forMs = random.chance(0.5) ? random.between(200, 700) : random.between(1, 3000);
    world.freeze(node, forMs, random.index(6));
  },
  command: (world, node) => {
    const { random } = world;
    if (random.chance(0.4)) world.event(node, { type: "standby" });
    else world.event(node, { type: "takeover", force: false });
  },
  force: (world, node) => {
    world.event(node, { type: "takeover", force: true });
  },
  carrier: (world, node) => {
    world.setCarrier(node, !world.nodes[node]!.hasCarrier);
  },
  guard: (world, node) => {
    world.alarmGuard(node);
  },
  fitness: (world, node) => {
    const { random } = world;
    world.event(node, { type: "fitness", isFit: random.chance(0.5), liveServers: random.index(4) });
  },
  witness: (world, node) => {
    world.event(node, { type: "witness", isReached: world.random.chance(0.5) });
  },
};

/** Makes `count` faults of these kinds, one after the other, with random pauses up to `pauseMs`. */
export function injectFaults(
  world: Simulation,
  kinds: readonly FaultKind[],
  { count, pauseMs }: { readonly count: number; readonly pauseMs: number },
): void {
  for (let index = 0; index < count; index++) {
    const kind = kinds[world.random.index(kinds.length)]!;
    faults[kind](world, world.random.index(world.nodes.length));
    world.run(
      world.random.chance(0.3) ? world.random.between(0, 30) : world.random.between(0, pauseMs),
    );
  }
}

/** Ends all faults: every node runs, is fit, reaches its witnesses and has a carrier. */
export function healAll(world: Simulation): void {
  for (const { index } of world.nodes) {
    world.nodes[index]!.freezeAfter = -1;
    for (const row of [world.network.cutLan, world.network.cutPeer]) row[index]!.fill(false);
    world.setCarrier(index, true);
    world.start(index);
    world.event(index, { type: "carrier", index: 0, isUp: true });
    world.event(index, { type: "fitness", isFit: true, liveServers: 0 });
    world.event(index, { type: "witness", isReached: true });
  }
}
