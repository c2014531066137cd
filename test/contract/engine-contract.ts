/**
 * How promises are written down once and tested for every engine.
 *
 * @module
 */

import { describe, test } from "bun:test";

import { EngineBench } from "./engine-bench.ts";
import { engineCases } from "./engine-list.ts";

/** Says what an engine promises, and shows it on a bench of its own. */
export type Promised = (name: string, show: (bench: EngineBench) => Promise<void>) => void;

/** Declares promises for every engine; those it may break are skipped with the reason. */
export function describeEngines(title: string, declare: (promised: Promised) => void): void {
  for (const engineCase of engineCases) {
    describe(`${engineCase.name}: ${title}`, () => {
      declare((name, show) => {
        const exception = engineCase.exceptions[name];
        if (exception === undefined) {
          test(name, async () => {
            await using bench = await EngineBench.open(engineCase);
            await show(bench);
          });
        } else test.skip(`${name} (${exception})`, () => undefined);
      });
    });
  }
}
