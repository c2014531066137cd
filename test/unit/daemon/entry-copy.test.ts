import { describe, expect, test } from "bun:test";

import { EntryCopy } from "../../../src/daemon/entry-copy.ts";
import type { EntryPortion, EntrySource } from "../../../src/daemon/entry-copy.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { waitFor } from "../../helpers/wait.ts";

const portionOf = (text: string): EntryPortion => {
  return { entries: text.length, body: new TextEncoder().encode(text) };
};

/** Entries are letters; what was asked for is written down. */
function createSource(all: readonly string[]) {
  const asked: string[] = [];
  const taken: string[] = [];
  const state = {
    changed: ["x"] as readonly string[] | undefined,
    fault: undefined as Error | undefined,
  };
  const source: EntrySource = {
    roundMs: 1000,
    watch: (isWatched) => void asked.push(isWatched ? "watch" : "unwatch"),
    walk() {
      asked.push("walk");
      return all.map(portionOf);
    },
    changed(withinMs) {
      asked.push(`changed ${withinMs}`);
      if (state.fault !== undefined) throw state.fault;
      return state.changed?.map(portionOf);
    },
    take(body) {
      const text = new TextDecoder().decode(body);
      if (text === "bad") return undefined;
      taken.push(text);
      return { entries: text.length, taken: 1 };
    },
  };
  return { source, asked, taken, state };
}

/** Two directors; `one` sends to `two`. */
function createPair(all: readonly string[] = ["abc", "de"]) {
  const clock = createFakeClock(1000);
  const [here, there] = [createSource(all), createSource([])];
  const messages: number[] = [];
  const problems: unknown[] = [];
  let completions = 0;
  const answers = { isTaken: true, gate: Promise.resolve() };
  const two = new EntryCopy({
    clock,
    source: there.source,
    tell: async () => false,
    onComplete: () => void completions++,
    onProblem: (error) => void problems.push(error),
  });
  const one = new EntryCopy({
    clock,
    source: here.source,
    async tell(message) {
      messages.push(message.length);
      await answers.gate;
      return answers.isTaken && two.take(message);
    },
    onComplete: () => undefined,
    onProblem: (error) => void problems.push(error),
  });
  const hasRounds = async (count: number): Promise<void> => {
    await waitFor(() => clock.pendingCount() === 1 && one.view().lagMs === 0, {
      what: `round ${count}`,
    });
  };
  const completed = (): number => completions;
  const { asked, state } = here;
  return {
    clock,
    one,
    two,
    asked,
    state,
    taken: there.taken,
    messages,
    problems,
    answers,
    completed,
    hasRounds,
  };
}

describe("EntryCopy", () => {
  test("sends everything, then the end, then what changed since the last round", async () => {
    const { clock, one, two, asked, taken, completed, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    expect(asked).toEqual(["unwatch", "watch", "walk"]);
    expect(taken).toEqual(["abc", "de"]);
    expect(completed()).toBe(1);
    expect(two.view()).toMatchObject({ received: 5, taken: 2, isComplete: true });
    clock.advance(1000);
    await hasRounds(2);
    // A second, and a little of what the last round saw.
    expect(asked.at(-1)).toBe("changed 1500");
    expect(one.view()).toMatchObject({ sent: 6, entries: 5, isComplete: false });
    one.stop();
    expect([asked.at(-1), completed(), clock.pendingCount()]).toEqual(["unwatch", 1, 0]);
  });

  test("nothing to send is everything, too", async () => {
    const { one, messages, completed, hasRounds } = createPair([]);
    one.start();
    await hasRounds(1);
    expect([messages, completed()]).toEqual([[1], 1]);
    one.stop();
  });

  test("sends everything again each minute", async () => {
    const { clock, one, asked, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    for (let second = 1; second <= 60; second++) {
      clock.advance(1000);
      await hasRounds(second);
    }
    expect(asked.filter((what) => what === "walk")).toHaveLength(2);
    expect(asked.at(-1)).toBe("walk");
    one.stop();
  });

  test("changes that were lost cost a whole round, but not each second", async () => {
    const { clock, one, asked, state, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    state.changed = undefined;
    for (let second = 1; second <= 10; second++) {
      clock.advance(1000);
      await hasRounds(second);
    }
    expect(asked.filter((what) => what === "walk")).toHaveLength(3);
    one.stop();
  });

  test("sends what changed when the other director is about to take over", async () => {
    const { clock, one, asked, taken, hasRounds } = createPair();
    await one.flush();
    expect(asked).toEqual([]);
    one.start();
    await hasRounds(1);
    clock.advance(300);
    await one.flush();
    expect(asked.at(-1)).toBe("changed 800");
    expect(taken).toEqual(["abc", "de", "x"]);
    one.stop();
  });

  test("a handover waits for a round that is under way", async () => {
    const { clock, one, messages, answers, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    answers.gate = gate;
    clock.advance(1000);
    await waitFor(() => messages.length === 4, { what: "the round" });
    let isFlushed = false;
    const flushed = one.flush().then(() => (isFlushed = true));
    await Bun.sleep(0);
    expect([isFlushed, messages.length]).toEqual([false, 4]);
    open();
    await flushed;
    // Everything and its end; the round's change; what the handover found.
    expect(messages).toEqual([4, 3, 1, 2, 2]);
    one.stop();
  });

  test("ends when the peer does not take it, and begins anew with everything", async () => {
    const { clock, one, asked, answers, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    answers.isTaken = false;
    clock.advance(1000);
    await waitFor(() => asked.at(-1) === "unwatch", { what: "the end" });
    expect([one.view().lagMs, clock.pendingCount()]).toEqual([1000, 0]);
    answers.isTaken = true;
    one.start();
    await hasRounds(1);
    expect(asked.at(-1)).toBe("walk");
    one.stop();
  });

  test("entries that cannot be read are told, and copied with the next connection", async () => {
    const { clock, one, asked, state, problems, hasRounds } = createPair();
    one.start();
    await hasRounds(1);
    const fault = new Error("the map is gone");
    state.fault = fault;
    clock.advance(1000);
    await waitFor(() => asked.at(-1) === "unwatch", { what: "the end" });
    expect(problems).toEqual([fault]);
    await one.flush();
    expect(problems).toEqual([fault, fault]);
    state.fault = undefined;
    one.start();
    await hasRounds(1);
    one.stop();
  });

  test.each([
    ["nothing", []],
    ["another kind", [7]],
    ["what its source cannot read", [0, ...new TextEncoder().encode("bad")]],
  ])("%s is refused and changes nothing", (_name, bytes) => {
    const { two, taken } = createPair();
    expect(two.take(Uint8Array.from(bytes))).toBe(false);
    expect(taken).toEqual([]);
    expect(two.view()).toMatchObject({ received: 0, isComplete: false });
  });
});
