/**
 * Failover in a process of its own, inside a namespace of a test: no configuration, no services.
 *
 *     bun test/helpers/failover-host.ts RUNTIME_DIRECTORY PLANS        PLANS: JSON
 *     bun test/helpers/failover-host.ts guard
 *
 * Prints a JSON line for each event, and one with the state each 200 ms. SIGTERM: standby and end.
 * SIGUSR1: takeover. SIGUSR2: standby.
 *
 * @module
 */
import { Failover, runGuard } from "../../src/failover/index.ts";
import type { UnplacedPlan } from "../../src/failover/index.ts";

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

async function main(): Promise<void> {
  const [runtimeDirectory, plans] = process.argv.slice(2);
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
  await failover.apply(JSON.parse(plans!) as UnplacedPlan[]);
  say({ type: "ready" });
  setInterval(() => say({ type: "view", instances: failover.view(), ...failover.realtime() }), 200);
}

if (process.argv[2] === "guard") {
  process.exit(runGuard((text) => void process.stderr.write(`${text}\n`)));
} else {
  void main();
}
