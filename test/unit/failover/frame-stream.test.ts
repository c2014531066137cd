import { expect, test } from "bun:test";

import {
  decodeFrame,
  encodeFrame,
  frameLength,
  FrameStream,
} from "../../../src/failover/frame-stream.ts";

test("FrameStream gives whole messages, however they were cut", () => {
  const frames = [encodeFrame(5, { text: "ä" }), encodeFrame(6, [1, 2]), encodeFrame(7, null)];
  const bytes = Uint8Array.from(frames.flatMap((frame) => [...frame]));
  for (let piece = 1; piece <= bytes.length; piece++) {
    const stream = new FrameStream(frameLength);
    const read: unknown[] = [];
    for (let at = 0; at < bytes.length; at += piece) {
      for (const frame of stream.read(bytes.subarray(at, at + piece))) {
        read.push([frame[0], decodeFrame(frame)]);
      }
    }
    expect(read).toEqual([
      [5, { text: "ä" }],
      [6, [1, 2]],
      [7, null],
    ]);
  }
});

test("a message that claims to be too long is broken, and waits for nothing", () => {
  const endless = Uint8Array.of(5, 0xff, 0xff, 0xff, 0xff, 0x7b);
  const frames = new FrameStream(frameLength).read(endless);
  expect(frames.map((frame) => frame.length)).toEqual([6]);
  expect(decodeFrame(frames[0]!)).toBeUndefined();
});
