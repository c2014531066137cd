import { describe, expect, test } from "bun:test";

import { createConnectionSource } from "../../../src/daemon/connection-source.ts";
import type { EntryPortion, EntrySource } from "../../../src/daemon/entry-copy.ts";
import type { ConnectionCopies } from "../../../src/datapath/index.ts";

/** Copies of one engine; what was asked of them is written down. */
class FakeCopies implements ConnectionCopies {
  readonly asked: string[] = [];
  isFull = false;

  watch(isWatched: boolean): void {
    this.asked.push(isWatched ? "watch" : "unwatch");
  }

  *changed() {
    yield { entries: 1, bytes: Uint8Array.of(1) };
  }

  hasLost(): boolean {
    return this.isFull;
  }

  async *walk() {
    yield { entries: 2, bytes: Uint8Array.of(2) };
    yield { entries: 3, bytes: Uint8Array.of(3) };
  }

  take(bytes: Uint8Array): { entries: number; taken: number } | undefined {
    return bytes.length === 0 ? undefined : { entries: 9, taken: 8 };
  }
}

async function walk(source: EntrySource): Promise<EntryPortion[]> {
  const portions: EntryPortion[] = [];
  for await (const portion of source.walk()) portions.push(portion);
  return portions;
}

describe("createConnectionSource()", () => {
  test("hands on what the engine has, and notes changes only for somebody", async () => {
    const copies = new FakeCopies();
    const source = createConnectionSource({ copies });
    source.watch!(true);
    expect((await walk(source)).map(({ entries }) => entries)).toEqual([2, 3]);
    expect([...source.changed(100)!]).toEqual([{ entries: 1, body: Uint8Array.of(1) }]);
    source.watch!(false);
    expect(copies.asked).toEqual(["watch", "unwatch"]);
    expect(source.take(Uint8Array.of(1))).toEqual({ entries: 9, taken: 8 });
    expect(source.take(Uint8Array.of())).toBeUndefined();
  });

  test("changes that were lost are not known", () => {
    const copies = new FakeCopies();
    const source = createConnectionSource({ copies });
    source.watch!(true);
    copies.isFull = true;
    expect(source.changed(100)).toBeUndefined();
  });

  test("an engine with its first service is to be told whole, one that has gone is left", async () => {
    const [first, second] = [new FakeCopies(), new FakeCopies()];
    const engine: { copies: FakeCopies | undefined } = { copies: undefined };
    const source = createConnectionSource(engine);
    source.watch!(true);
    expect(await walk(source)).toEqual([]);
    expect([...source.changed(100)!]).toEqual([]);
    expect(source.take(Uint8Array.of(1))).toEqual({ entries: 0, taken: 0 });
    engine.copies = first;
    expect(source.changed(100)).toBeUndefined();
    expect([...source.changed(100)!]).toHaveLength(1);
    engine.copies = second;
    expect(source.changed(100)).toBeUndefined();
    engine.copies = undefined;
    source.watch!(false);
    // Closed with its engine: not to be touched.
    expect([first.asked, second.asked]).toEqual([["watch"], ["watch"]]);
  });
});
