import { describe, expect, test } from "bun:test";
import { openSync } from "node:fs";

import { openDescriptorPair, packetBytesMax } from "../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import {
  awaitConfirmation,
  BatonReader,
  confirmBaton,
  readConfirmation,
  sendBaton,
} from "../../../src/failover/baton.ts";
import type { Baton } from "../../../src/failover/baton.ts";

function pair() {
  const [one, other] = openDescriptorPair();
  const open = new Set([one, other]);
  const close = (fd: number): void => {
    if (open.delete(fd)) closeDescriptor(fd);
  };
  const closeAll = (): void => [one, other].forEach((fd) => close(fd));
  return { one, other, close, [Symbol.dispose]: closeAll };
}

/** A baton of a certain length. */
function batonOf(nameLength: number): Baton {
  return { instances: [{ name: "n".repeat(nameLength), state: { router: {}, peer: {} } }] };
}

describe("sendBaton()", () => {
  test.each([1, packetBytesMax, 2 * packetBytesMax])(
    "a baton with a name of %d letters arrives whole, with its descriptor",
    (length) => {
      using sockets = pair();
      const file = openSync("/dev/null", "r");
      expect(sendBaton(sockets.one, batonOf(length), [file])).toBe(true);
      const news = new BatonReader().read(sockets.other);
      expect(news).toMatchObject({ type: "baton", baton: batonOf(length) });
      if (news.type === "baton") expect(news.baton.descriptors).toHaveLength(1);
      closeDescriptor(file);
      if (news.type === "baton") closeDescriptor(news.baton.descriptors[0]!);
    },
  );

  test("is read part by part", () => {
    using sockets = pair();
    const reader = new BatonReader();
    expect(reader.read(sockets.other)).toEqual({ type: "none" });
    sendBaton(sockets.one, batonOf(3), []);
    expect(reader.read(sockets.other)).toMatchObject({ type: "baton" });
  });

  test("an end tells that the other one is gone, on both sides", () => {
    using sockets = pair();
    sockets.close(sockets.one);
    expect(new BatonReader().read(sockets.other)).toEqual({ type: "end" });
    expect(sendBaton(sockets.other, batonOf(1), [])).toBe(false);
    expect(confirmBaton(sockets.other)).toBe(false);
    expect(readConfirmation(sockets.other)).toBe(false);
  });

  test("a confirmation is there once it was given", () => {
    using sockets = pair();
    expect(readConfirmation(sockets.one)).toBeUndefined();
    expect(confirmBaton(sockets.other)).toBe(true);
    expect(readConfirmation(sockets.one)).toBe(true);
    let beats = 0;
    const confirm = (): void => {
      beats += 1;
      if (beats === 3) confirmBaton(sockets.other);
    };
    expect([awaitConfirmation(sockets.one, confirm), beats]).toEqual([true, 3]);
    sockets.close(sockets.other);
    expect(awaitConfirmation(sockets.one, confirm)).toBe(false);
  });
});
