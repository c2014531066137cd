import { describe, expect, test } from "bun:test";

import * as fc from "fast-check";

import {
  decodeCallerHello,
  decodeListenerHello,
  encodeCallerHello,
  encodeListenerHello,
  payloadBytesMax,
  PeerStream,
} from "../../../src/peer/stream.ts";
import { keysOf } from "../../helpers/peer/channel.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? 1);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);

const [key, foreign] = keysOf("k", "x");
const callerNonce = new Uint8Array(16).fill(1);
const listenerNonce = new Uint8Array(16).fill(2);

function streams(listenerKey = key!): [PeerStream, PeerStream] {
  const nonces = { callerNonce, listenerNonce };
  return [
    new PeerStream("caller", { key: key!, ...nonces }),
    new PeerStream("listener", { key: listenerKey, ...nonces }),
  ];
}

const text = (payload: string): Uint8Array => new TextEncoder().encode(payload);
const texts = (payloads: readonly Uint8Array[] | undefined): string[] | undefined =>
  payloads?.map((payload) => new TextDecoder().decode(payload));

describe("hello", () => {
  test("of a caller names its key, also one that is about to go", () => {
    const hello = encodeCallerHello(key!, callerNonce);
    expect(hello.subarray(0, 8).toHex()).toBe("4144505301000000");
    expect(decodeCallerHello(hello, keysOf("n", "k"))).toEqual({ key: key!, nonce: callerNonce });
    expect(decodeCallerHello(hello, [foreign!])).toBeUndefined();
  });

  test("of a listener has its nonce", () => {
    expect(decodeListenerHello(encodeListenerHello(listenerNonce))).toEqual(listenerNonce);
  });

  test("never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        decodeCallerHello(bytes, [key!]);
        decodeListenerHello(bytes);
      }),
      { seed, numRuns },
    );
  });
});

describe("PeerStream", () => {
  test("carries payloads both ways, in whatever pieces they come", () => {
    const [caller, listener] = streams();
    const bytes = [
      ...caller.seal(text("one")),
      ...caller.seal(text("")),
      ...caller.seal(text("3")),
    ];
    const got = bytes.flatMap((byte) => listener.push(Uint8Array.of(byte))!);
    expect(texts(got)).toEqual(["one", "", "3"]);
    expect(texts(caller.push(listener.seal(text("answer"))))).toEqual(["answer"]);
  });

  test.each([
    ["a frame twice", (frame: Uint8Array) => [frame, frame]],
    ["a changed byte", (frame: Uint8Array) => [frame.with(5, frame[5]! ^ 1)]],
    ["a changed HMAC", (frame: Uint8Array) => [frame.with(frame.length - 1, 0xff ^ frame.at(-1)!)]],
    ["more than there may be", () => [text("\xff\xff\xff\xff")]],
  ])("breaks at %s, and takes nothing more", (_name, attack) => {
    const [caller, listener] = streams();
    const results = attack(caller.seal(text("payload"))).map((bytes) => listener.push(bytes));
    expect(results.at(-1)).toBeUndefined();
    expect(listener.push(caller.seal(text("later")))).toBeUndefined();
  });

  test("does not take its own frames, those of another key or of another connection", () => {
    const [caller, listener] = streams();
    const frame = caller.seal(text("payload"));
    expect(caller.push(frame)).toBeUndefined();
    expect(streams(foreign)[1].push(frame)).toBeUndefined();
    const nonces = { callerNonce, listenerNonce: callerNonce };
    expect(new PeerStream("listener", { key: key!, ...nonces }).push(frame)).toBeUndefined();
    expect(texts(listener.push(frame))).toEqual(["payload"]);
  });

  test("bounds what it waits for", () => {
    const [, listener] = streams();
    const head = new Uint8Array(4);
    new DataView(head.buffer).setUint32(0, payloadBytesMax);
    expect(listener.push(head)).toEqual([]);
    new DataView(head.buffer).setUint32(0, payloadBytesMax + 1);
    expect(streams()[1].push(head)).toBeUndefined();
  });
});
