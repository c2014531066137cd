/**
 * Checks each pattern of one configuration once, and loads the engine only if there is one.
 *
 * @module
 */

import type * as PatternModule from "../pattern.ts";

/** Why a pattern cannot be used; undefined if it can. */
export type PatternCheck = (pattern: string) => string | undefined;

/** Creates a check that remembers its answers; its life is one validation. */
export function createPatternCheck(): PatternCheck {
  const answers = new Map<string, string | undefined>();
  return (pattern) => {
    if (answers.has(pattern)) return answers.get(pattern);
    // Loaded here, not at the top: a director without patterns goes without the engine.
    const { patternFault }: typeof PatternModule = require("../pattern.ts");
    const answer = patternFault(pattern);
    answers.set(pattern, answer);
    return answer;
  };
}
