/**
 * Keys that virtual routers sign their advertisements with, out of their key files.
 *
 * In the packet a key is a number: the ID of its line, 0..255. A lone key may go without, and is 0.
 *
 * @module
 */

import { ApplianceError } from "../errors/index.ts";
import type { PlannedKey } from "../failover/index.ts";
import type { VirtualRouter } from "../model/index.ts";
import { describeKeyProblem, readKeys } from "../peer/index.ts";

/** Keys of each virtual router that has some, by its name. */
export type RouterKeys = ReadonlyMap<string, readonly PlannedKey[]>;

const numberPattern = /^(?:0|[1-9]\d{0,2})$/;
const numberMax = 255;

/**
 * Reads the key files of all virtual routers, each once.
 *
 * @throws {ApplianceError} `VRRP_KEY_FILE` with what is wrong in words.
 */
export function readRouterKeys(routers: readonly VirtualRouter[]): RouterKeys {
  const files = new Map<string, readonly PlannedKey[]>();
  const keys = new Map<string, readonly PlannedKey[]>();
  for (const { name, keyFile } of routers) {
    if (keyFile === undefined) continue;
    const known = files.get(keyFile) ?? readFile(keyFile);
    files.set(keyFile, known);
    keys.set(name, known);
  }
  return keys;
}

function readFile(path: string): readonly PlannedKey[] {
  const result = readKeys(path);
  if (!result.ok) throw refused(path, describeKeyProblem(result.problem));
  const { keys } = result;
  const isLone = keys.length === 1;
  const numbers = keys.map(({ id }) => (id === "" && isLone ? 0 : numberOf(id)));
  if (numbers.some((number) => Number.isNaN(number))) {
    const text = `each line needs an ID of 0 to ${numberMax}`;
    throw refused(path, isLone ? `expected an ID of 0 to ${numberMax}, or none` : text);
  }
  if (new Set(numbers).size < numbers.length) throw refused(path, "two keys have one ID");
  return keys.map(({ secret }, index) => ({ id: numbers[index]!, secret: secret.toHex() }));
}

function numberOf(id: string): number {
  const number = numberPattern.test(id) ? Number(id) : NaN;
  return number <= numberMax ? number : NaN;
}

function refused(path: string, why: string): ApplianceError {
  return new ApplianceError("VRRP_KEY_FILE", `Cannot use key file ${path}: ${why}`);
}
