import { describe, expect, test } from "bun:test";

import { createStatusApp } from "../../../src/status/app.ts";
import {
  createEventHub,
  eventClientsMax,
  heartbeatMs,
  missedEvents,
  parseEventId,
} from "../../../src/status/events.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createFakeStatusSource, statusEvent } from "../../helpers/fake-status-source.ts";

function createFixture() {
  const source = createFakeStatusSource();
  const clock = createFakeClock();
  return { source, clock, hub: createEventHub(source, clock) };
}

/** Text of the next chunk; undefined at the end. */
async function next(reader: {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}): Promise<string | undefined> {
  const { value } = await reader.read();
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

/** Ids of the events in a stream's text. */
function idsOf(text: string | undefined): number[] {
  return [...(text ?? "").matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
}

describe("createEventHub", () => {
  test("sends each event as one message, with its id", async () => {
    const { source, hub } = createFixture();
    const reader = hub.open(undefined)!.getReader();
    expect(await next(reader)).toBe("retry: 2000\n\n");
    source.emit(statusEvent(1, { text: "line\nfeed" }));
    const text = await next(reader);
    expect(text).toStartWith("id: 1\ndata: {");
    expect(text).toEndWith("}\n\n");
    expect(JSON.parse(text!.split("\ndata: ")[1]!)).toEqual(statusEvent(1, { text: "line\nfeed" }));
    hub.close();
  });

  test("sends a comment every 15 s", async () => {
    const { clock, hub } = createFixture();
    const reader = hub.open(undefined)!.getReader();
    await next(reader);
    clock.advance(2 * heartbeatMs);
    expect([await next(reader), await next(reader)]).toEqual([
      ": heartbeat\n\n",
      ": heartbeat\n\n",
    ]);
    hub.close();
  });

  test("resumes after Last-Event-ID, then goes on without a double", async () => {
    const { source, hub } = createFixture();
    for (const id of [1, 2, 3, 4]) source.emit(statusEvent(id));
    const reader = hub.open(2)!.getReader();
    const first = await next(reader);
    expect(idsOf(first)).toEqual([3, 4]);
    expect(first).not.toContain("event: gap");
    source.emit(statusEvent(5));
    expect(idsOf(await next(reader))).toEqual([5]);
    hub.close();
  });

  test("lets go of a client that leaves", async () => {
    const { source, clock, hub } = createFixture();
    const reader = hub.open(undefined)!.getReader();
    expect([source.listenerCount(), hub.clientCount()]).toEqual([1, 1]);
    await reader.cancel();
    expect([source.listenerCount(), hub.clientCount(), clock.pendingCount()]).toEqual([0, 0, 0]);
  });

  test("drops a client that does not read, and only that one", async () => {
    const { source, hub } = createFixture();
    const slow = hub.open(undefined)!;
    const reader = hub.open(undefined)!.getReader();
    for (let id = 1; id <= 300; id++) {
      source.emit(statusEvent(id));
      await next(reader);
    }
    expect(hub.clientCount()).toBe(1);
    let chunks = 0;
    for await (const chunk of slow) chunks += chunk.length > 0 ? 1 : 0;
    expect(chunks).toBe(256);
    hub.close();
  });

  test("has room for 32 clients and says so to the next", async () => {
    const { source, clock } = createFixture();
    const app = createStatusApp(source, { clock });
    const ask = () => app.fetch(new Request("http://localhost/events"), { via: "control" });
    const responses = [];
    for (let index = 0; index < eventClientsMax; index++) responses.push(await ask());
    expect(responses.map(({ status }) => status)).toEqual(Array(32).fill(200));
    const refused = await ask();
    expect([refused.status, refused.headers.get("Retry-After")]).toEqual([503, "10"]);
    expect(((await refused.json()) as { code: string }).code).toBe("STATUS_TOO_MANY_CLIENTS");
    await responses[0]!.body!.cancel();
    const again = await ask();
    expect(again.status).toBe(200);
    app.close();
  });

  test("close ends the streams and takes no more", async () => {
    const { source, hub } = createFixture();
    const reader = hub.open(undefined)!.getReader();
    await next(reader);
    hub.close();
    expect(await next(reader)).toBeUndefined();
    expect([source.listenerCount(), hub.open(undefined)]).toEqual([0, undefined]);
  });

  test("the route passes Last-Event-ID on", async () => {
    const { source, clock } = createFixture();
    for (const id of [1, 2, 3]) source.emit(statusEvent(id));
    const app = createStatusApp(source, { clock });
    const headers = { "Last-Event-ID": "1" };
    const request = new Request("http://localhost/events", { headers });
    const response = await app.fetch(request, { via: "control" });
    expect(idsOf(await next(response.body!.getReader()))).toEqual([2, 3]);
    app.close();
  });
});

describe("missedEvents", () => {
  const newestFirst = [5, 4, 3].map((id) => statusEvent(id));
  test.each([
    ["nothing missed", 5, [], false],
    ["one missed", 4, [5], false],
    ["all that is kept", 2, [3, 4, 5], false],
    ["more than is kept", 1, [3, 4, 5], true],
    ["an id of the director before", 77, [3, 4, 5], true],
  ])("%s", (_name, lastId, ids, hasGap) => {
    const missed = missedEvents(newestFirst, lastId);
    expect([missed.events.map(({ id }) => id), missed.hasGap]).toEqual([ids, hasGap]);
  });

  test("nothing has happened at all", () => {
    expect(missedEvents([], 0)).toEqual({ events: [], hasGap: false });
  });
});

test.each([
  [undefined, undefined],
  ["12", 12],
  ["", undefined],
  ["-1", undefined],
  ["1e3", undefined],
  ["9".repeat(16), undefined],
])("parseEventId(%p) is %p", (header, expected) => expect(parseEventId(header)).toBe(expected));
