/**
 * Failover in a process of its own, inside a namespace of a test: no configuration, no services.
 *
 *     bun test/helpers/failover-host.ts RUNTIME_DIRECTORY PLANS [PEER]        both JSON
 *     bun test/helpers/failover-host.ts guard
 *
 * Prints a JSON line for each event, and one with the state each 200 ms, each with its time `atMs`
 * on the monotonic clock. SIGTERM: standby and end. SIGUSR1: takeover. SIGUSR2: standby.
 * FAILOVER_HOST_COLLECTS=1: it makes garbage, and collects it by force.
 * SIGHUP: everything of the peer is here, which at first it is not with `isComplete: false` in PEER.
 *
 * @module
 */
import { monotonicMs } from "../../ffi/clock.ts";
import { Failover, runGuard } from "../../src/failover/index.ts";
import type { PeerPlan, UnplacedPlan } from "../../src/failover/index.ts";

const say = (value: object): void => {
  process.stdout.write(`${JSON.stringify({ ...value, atMs: monotonicMs() })}\n`);
};

/** Lists that live for a while, and a full collection of garbage twice a second. */
function collect(): void {
  let kept: unknown[] = [];
  setInterval(() => {
    for (let count = 0; count < 200; count++) kept.push(Array.from({ length: 1000 }, Math.random));
    if (kept.length > 4000) kept = [];
    Bun.gc(true);
  }, 500);
}

async function main(): Promise<void> {
  const [runtimeDirectory, plans, peer] = process.argv.slice(2);
  const failover = new Failover({
    runtimeDirectory: runtimeDirectory!,
    guardCommand: [process.execPath, import.meta.path, "guard"],
    listener: say,
    warn: (text) => say({ type: "warn", text }),
    onCrash: (error) => {
      say({ type: "crash", text: error.stack ?? error.message });
      process.exit(70);
    },
  });
  process.on("SIGTERM", () => void failover.close().then(() => process.exit(0)));
  process.on("SIGUSR1", () => void failover.takeover(undefined, false));
  process.on("SIGUSR2", () => void failover.standby(undefined));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test wrote it.
  const peerPlan = peer === undefined ? undefined : (JSON.parse(peer) as PeerPlan);
  if (peerPlan !== undefined && Reflect.get(peerPlan, "isComplete") === false) {
    await failover.setComplete(false);
  }
  process.on("SIGHUP", () => void failover.setComplete(true));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a test wrote it.
  await failover.apply(JSON.parse(plans!) as UnplacedPlan[], peerPlan);
  say({ type: "ready" });
  const view = (): object => {
    return {
      type: "view",
      instances: failover.view(),
      peer: failover.peer(),
      ...failover.realtime(),
    };
  };
  setInterval(() => say(view()), 200);
  if (process.env["FAILOVER_HOST_COLLECTS"] === "1") collect();
}

if (process.argv[2] === "guard") {
  process.exit(runGuard((text) => void process.stderr.write(`${text}\n`)));
} else {
  void main();
}
