import { expect, test } from "bun:test";

import * as v from "valibot";

import type { Snapshot } from "../../../src/status/index.ts";
import { snapshotSchema } from "../../../src/status/snapshot.ts";
import { directorSnapshot } from "../../helpers/fake-status-source.ts";

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
/** Every key at any depth, also the optional ones; a record's keys are data. */
type Keys<T> = T extends readonly (infer Item)[]
  ? Keys<Item>
  : T extends object
    ? string extends keyof T
      ? never
      : keyof T | { [K in keyof T]-?: Keys<NonNullable<T[K]>> }[keyof T]
    : never;
type Output = DeepReadonly<v.InferOutput<typeof snapshotSchema>>;

// These two lines do not compile when a field is in one of them only.
const isSameType: Same<Output, Snapshot> = true;
const isSameKeys: Same<Keys<Output>, Keys<Snapshot>> = true;

test("snapshotSchema and the type of the source are the same", () => {
  expect([isSameType, isSameKeys]).toEqual([true, true]);
});

test("snapshotSchema takes what the source gives, field by field", () => {
  const snapshot = directorSnapshot();
  expect(v.parse(snapshotSchema, snapshot)).toEqual(snapshot as never);
});
