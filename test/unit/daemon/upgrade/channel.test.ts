import { describe, expect, test } from "bun:test";
import { fstatSync, openSync } from "node:fs";

import {
  openDescriptorPair,
  packetBytesMax,
  packetDescriptorsMax,
  sendPacket,
} from "../../../../ffi/descriptor-socket.ts";
import { closeDescriptor } from "../../../../ffi/socket.ts";
import { systemClock } from "../../../../src/clock/index.ts";
import { UpgradeChannel } from "../../../../src/daemon/upgrade/channel.ts";

function pair() {
  const [one, other] = openDescriptorPair();
  const ends = [new UpgradeChannel(systemClock, one), new UpgradeChannel(systemClock, other)];
  const [left, right] = [ends[0]!, ends[1]!];
  const close = (): void => ends.forEach((end) => end.close());
  return { left, right, fd: one, [Symbol.dispose]: close };
}

const longMs = 10_000;

describe("UpgradeChannel", () => {
  test("messages of any size arrive whole, also when nobody reads at first", async () => {
    using ends = pair();
    const large = new Uint8Array(20 * packetBytesMax + 17).map((_, index) => index % 251);
    const sent = ends.left
      .send({ bytes: large, descriptors: [] }, longMs)
      .then(() => ends.left.send({ bytes: Uint8Array.of(1), descriptors: [] }, longMs));
    const first = await ends.right.receive(longMs);
    expect(Buffer.compare(first!.bytes, large)).toBe(0);
    expect((await ends.right.receive(longMs))!.bytes).toEqual(Buffer.of(1));
    await sent;
  });

  test("more descriptors than a packet holds arrive in their order", async () => {
    using ends = pair();
    const files = ["/dev/null", "/dev/zero"].map((path) => openSync(path, "r"));
    const count = 2 * packetDescriptorsMax + 3;
    const descriptors = Array.from({ length: count }, (_, index) => files[index % 2]!);
    const sent = ends.left.send({ bytes: Uint8Array.of(1), descriptors }, longMs);
    const message = await ends.right.receive(longMs);
    await sent;
    expect(message!.bytes).toEqual(Buffer.of(1));
    const devices = message!.descriptors.map((fd) => fstatSync(fd).rdev);
    expect(devices).toEqual(descriptors.map((fd) => fstatSync(fd).rdev));
    for (const fd of [...files, ...message!.descriptors]) closeDescriptor(fd);
  });

  test("the end of the other side is undefined, an answer that does not come an error", async () => {
    using ends = pair();
    await expect(ends.right.receive(10)).rejects.toMatchObject({ code: "UPGRADE_TIMEOUT" });
    ends.left.close();
    expect(await ends.right.receive(longMs)).toBeUndefined();
    const message = { bytes: Uint8Array.of(1), descriptors: [] };
    const send = ends.right.send(message, longMs);
    await expect(send).rejects.toMatchObject({ code: "UPGRADE_FAILED" });
  });

  test("who never reads is given up", async () => {
    using ends = pair();
    while (sendPacket(ends.fd, { bytes: new Uint8Array(packetBytesMax), descriptors: [] }));
    const send = ends.left.send({ bytes: Uint8Array.of(1), descriptors: [] }, 10);
    await expect(send).rejects.toMatchObject({ code: "UPGRADE_TIMEOUT" });
  });
});
