/**
 * One direction of a connection against sockets that take as much as the test says.
 *
 * @module
 */

import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import { Lane } from "../../../../src/datapath/portable/lane.ts";
import type { LaneSocket } from "../../../../src/datapath/portable/lane.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 300);

/** A socket that takes `room` bytes, then none until there is room again. */
class FakeSocket implements LaneSocket {
  room = Number.POSITIVE_INFINITY;
  isPaused = false;
  /** What happened: bytes as text, `|` for the end. */
  written = "";

  write(bytes: Uint8Array): number {
    const taken = Math.min(this.room, bytes.length);
    this.room -= taken;
    this.written += Buffer.from(bytes.subarray(0, taken)).toString("latin1");
    return taken;
  }

  shutdown(): void {
    this.written += "|";
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

function openLane(room = Number.POSITIVE_INFINITY) {
  const source = new FakeSocket();
  const sink = new FakeSocket();
  sink.room = room;
  const lane = new Lane();
  lane.attachSource(source);
  lane.attachSink(sink);
  return { lane, source, sink };
}

describe("Lane", () => {
  test("hands bytes on at once while there is room", () => {
    const { lane, source, sink } = openLane();
    lane.push(bytes("abc"));
    lane.push(bytes("def"));
    expect(sink.written).toBe("abcdef");
    expect(source.isPaused).toBe(false);
  });

  test("pauses the source when the sink is full, and lets it go on when all is gone", () => {
    const { lane, source, sink } = openLane(2);
    lane.push(bytes("abcdef"));
    expect([sink.written, source.isPaused]).toEqual(["ab", true]);
    sink.room = 2;
    lane.flush();
    expect([sink.written, source.isPaused]).toEqual(["abcd", true]);
    sink.room = 10;
    lane.flush();
    expect([sink.written, source.isPaused]).toEqual(["abcdef", false]);
  });

  test("keeps the order of bytes that arrive while others wait", () => {
    const { lane, sink } = openLane(1);
    lane.push(bytes("ab"));
    sink.room = 5;
    // There is room again, but "b" comes first.
    lane.push(bytes("c"));
    lane.flush();
    expect(sink.written).toBe("abc");
  });

  test("copies what has to wait", () => {
    const { lane, sink } = openLane(0);
    const buffer = bytes("abc");
    lane.push(buffer);
    buffer.fill(0);
    sink.room = 3;
    lane.flush();
    expect(sink.written).toBe("abc");
  });

  test("ends the sink at once when nothing waits, and once only", () => {
    const { lane, sink } = openLane();
    lane.end();
    lane.end();
    lane.flush();
    expect(sink.written).toBe("|");
    expect([lane.isSourceEnded, lane.isDone]).toEqual([true, true]);
  });

  test("ends the sink after what waits", () => {
    const { lane, sink } = openLane(1);
    lane.push(bytes("ab"));
    lane.end();
    expect([sink.written, lane.isSourceEnded, lane.isDone]).toEqual(["a", true, false]);
    sink.room = 1;
    lane.flush();
    expect([sink.written, lane.isDone]).toEqual(["ab|", true]);
  });

  test("keeps bytes and the end until there is a sink, a header before them", () => {
    const source = new FakeSocket();
    const sink = new FakeSocket();
    const lane = new Lane();
    lane.attachSource(source);
    lane.push(bytes("request"));
    lane.end();
    expect([source.isPaused, lane.isDone]).toEqual([true, false]);
    lane.prepend(bytes("HEADER "));
    lane.attachSink(sink);
    expect(sink.written).toBe("HEADER request|");
  });

  test("takes a closed sink's -1 for no room", () => {
    const { lane, source, sink } = openLane();
    sink.write = () => -1;
    lane.push(bytes("abc"));
    lane.flush();
    expect([sink.written, source.isPaused]).toEqual(["", true]);
  });

  test("loses, doubles and reorders nothing, whatever the room", () => {
    const step = fc.oneof(
      fc.record({ push: fc.string({ minLength: 1, maxLength: 9, unit: "binary-ascii" }) }),
      fc.record({ room: fc.nat(12) }),
    );
    const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { lane, source, sink } = openLane(0);
      let pushed = "";
      for (const each of steps) {
        if ("push" in each) {
          pushed += each.push;
          lane.push(bytes(each.push));
        } else {
          sink.room = each.room;
          lane.flush();
        }
        expect(pushed.startsWith(sink.written)).toBe(true);
        expect(source.isPaused).toBe(sink.written.length < pushed.length);
      }
      lane.end();
      sink.room = Number.POSITIVE_INFINITY;
      lane.flush();
      expect(sink.written).toBe(`${pushed}|`);
    });
    fc.assert(property, { seed, numRuns });
  });
});
