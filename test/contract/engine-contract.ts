/**
 * How promises are written down once and tested for every engine.
 *
 * @module
 */

import { afterAll, beforeAll, describe, test } from "bun:test";

import { EngineBench } from "./engine-bench.ts";
import { engineCases } from "./engine-list.ts";
import type { EnginePlace } from "./engine-place.ts";

/** Says what an engine promises, and shows it on a bench of its own. */
export type Promised = (name: string, show: (bench: EngineBench) => Promise<void>) => void;

/** Declares promises for every engine; those it may break are skipped with the reason. */
export function describeEngines(title: string, declare: (promised: Promised) => void): void {
  for (const engineCase of engineCases) {
    describe.skipIf(engineCase.needs.skip)(
      `${engineCase.name}: ${title} ${engineCase.needs.reason}`.trim(),
      () => {
        let place: EnginePlace | undefined;
        beforeAll(async () => {
          place = await engineCase.openPlace?.();
        });
        afterAll(async () => {
          await place?.[Symbol.asyncDispose]();
        });
        declare((name, show) => {
          const exception = engineCase.exception(name);
          if (exception === undefined) {
            test(name, async () => {
              await using bench = await EngineBench.open(engineCase, place);
              await show(bench);
            });
          } else test.skip(`${name} (${exception})`, () => undefined);
        });
      },
    );
  }
}
