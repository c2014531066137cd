import { describe, expect, test } from "bun:test";

import { ClientCopy } from "../../../src/daemon/client-copy.ts";
import type { BoundClient } from "../../../src/datapath/index.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { waitFor } from "../../helpers/wait.ts";

function clientOf(number: number): BoundClient {
  const client = `10.0.${number >> 8}.${number & 255}`;
  return { service: "web", client, server: "192.0.2.11:80", remainingMs: 5000 };
}

/** Two directors; `one` sends to `two`. */
function createPair(clients: readonly BoundClient[]) {
  const clock = createFakeClock(1000);
  const asked: { readonly withinMs: number; readonly limit: number }[] = [];
  const bound: BoundClient[] = [];
  let completions = 0;
  let isAnswering = true;
  const two = new ClientCopy({
    clock,
    engine: { bindClients: (list) => bound.push(...list) - bound.length + list.length },
    ask: async () => undefined,
    onComplete: () => void completions++,
  });
  const sizes: number[] = [];
  const one = new ClientCopy({
    clock,
    engine: {
      boundClients(withinMs, limit) {
        asked.push({ withinMs, limit });
        return withinMs === Infinity ? clients : clients.slice(0, 1);
      },
    },
    async ask(text) {
      if (!isAnswering) return undefined;
      sizes.push(JSON.parse(text).clients.length);
      return two.take(text);
    },
    onComplete: () => undefined,
  });
  const stopAnswering = (): void => void (isAnswering = false);
  const completed = (): number => completions;
  return { clock, one, two, asked, bound, sizes, completed, stopAnswering };
}

describe("ClientCopy", () => {
  test("sends everything in portions, then what came since the last round", async () => {
    const { clock, one, two, asked, bound, sizes, completed } = createPair(
      Array.from({ length: 2500 }, (_, number) => clientOf(number)),
    );
    one.start();
    await waitFor(() => completed() === 1, { what: "everything" });
    expect(sizes).toEqual([1000, 1000, 500]);
    expect(bound).toHaveLength(2500);
    expect(bound[0]).toEqual(clientOf(0));
    expect(two.view()).toMatchObject({ received: 2500, isComplete: true });
    await waitFor(() => one.view().lagMs === 0, { what: "the end of the round" });
    clock.advance(1000);
    await waitFor(() => sizes.length === 4, { what: "another round" });
    expect(sizes[3]).toBe(1);
    // A second, and a little of what the last round saw.
    expect(asked.map(({ withinMs }) => withinMs)).toEqual([Infinity, 1500]);
    expect(one.view()).toMatchObject({ sent: 2501 });
    one.stop();
    expect(completed()).toBe(1);
  });

  test("nothing to send is everything, too", async () => {
    const { one, sizes, completed } = createPair([]);
    one.start();
    await waitFor(() => completed() === 1, { what: "everything" });
    expect(sizes).toEqual([0]);
    one.stop();
  });

  test("sends who came since, when the other director is about to take over", async () => {
    const { clock, one, asked, sizes } = createPair([clientOf(1)]);
    await one.flush();
    expect(asked).toEqual([]);
    one.start();
    await waitFor(() => one.view().lagMs === 0, { what: "the first round" });
    clock.advance(300);
    await one.flush();
    expect(asked.at(-1)!.withinMs).toBe(800);
    expect(sizes).toEqual([1, 1]);
    one.stop();
  });

  test("ends when the peer does not answer, and begins anew with everything", async () => {
    const { clock, one, asked, stopAnswering } = createPair([clientOf(1)]);
    one.start();
    await waitFor(() => one.view().lagMs === 0, { what: "the first round" });
    stopAnswering();
    clock.advance(1000);
    await waitFor(() => asked.length === 2, { what: "the second round" });
    expect(one.view().lagMs).toBe(1000);
    one.start();
    expect(asked.at(-1)!.withinMs).toBe(Infinity);
    one.stop();
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "7"],
    ["no list", "{}"],
    ["too many", JSON.stringify({ clients: Array.from({ length: 1001 }, () => ["", "", "", 1]) })],
    ["a row that is none", JSON.stringify({ clients: [["web", "10.0.0.1", "x"]] })],
    ["a time that is none", JSON.stringify({ clients: [["web", "10.0.0.1", "x", "5"]] })],
  ])("%s is refused and changes nothing", (_name, text) => {
    const { two, bound } = createPair([]);
    expect(two.take(text)).toBe("it cannot read them");
    expect(bound).toEqual([]);
    expect(two.view()).toMatchObject({ received: 0, isComplete: false });
  });
});
