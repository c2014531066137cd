/**
 * What the tests of Heartbeat's reader share.
 *
 * @module
 */

import { importHeartbeat } from "../../../../../src/config/import/heartbeat/index.ts";
import type { HeartbeatHost } from "../../../../../src/config/import/heartbeat/index.ts";
import { createTold } from "../../../../../src/config/import/heartbeat/told.ts";

/** A collection, and its lines `line: message`. */
export function createLines() {
  const collection = createTold();
  return {
    told: collection,
    warnings: () =>
      collection.finish("f").warnings.map(({ line, message }) => `${line}: ${message}`),
    problems: () =>
      collection
        .refused()
        .problems.map(({ line, message, found }) => `${line}: ${message}, got ${found}`),
  };
}

/** A pair with multicast; each test adds what it is about. */
export const pairText = "bcast eth0\nauto_failback off\nnode lb1 lb2\n";

/** Texts of the three files; `authkeys` has mode 0600. */
export interface Texts {
  readonly haCf?: string;
  readonly haresources?: string;
  readonly authkeys?: string;
}

/** Translates texts. */
export function translate(texts: Texts, host: Partial<HeartbeatHost> = {}) {
  const { haCf = pairText, haresources = "lb1 192.0.2.100/24/eth0\n", authkeys } = texts;
  return importHeartbeat(
    {
      haCf: { file: "ha.cf", text: haCf },
      haresources: { file: "haresources", text: haresources },
      authkeys:
        authkeys === undefined ? undefined : { file: "authkeys", text: authkeys, mode: 0o600 },
    },
    { nodeName: "lb1", ...host },
  );
}

/** `file:line: message` of what was told, without what is only not in this build. */
export function told({ warnings }: ReturnType<typeof translate>): readonly string[] {
  return warnings
    .map(({ file, line, message }) => `${file}:${line}: ${message}`)
    .filter((line) => !line.includes("not in this build yet"));
}
