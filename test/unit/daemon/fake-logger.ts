/**
 * A logger that keeps its lines.
 *
 * @module
 */

import { formatLine } from "../../../src/log/index.ts";
import type { Logger } from "../../../src/log/index.ts";

/** Lines are `level event key=value …`, without a time. */
export function createFakeLogger(): {
  readonly logger: Logger;
  readonly lines: () => readonly string[];
} {
  const lines: string[] = [];
  return {
    logger: {
      log: (level, event, fields) => void lines.push(`${level} ${formatLine(event, fields)}`),
    },
    lines: () => lines,
  };
}
