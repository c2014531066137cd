import { describe, expect, test } from "bun:test";
import { fstatSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { F_SETFD } from "../../../ffi/constants/fcntl.ts";
import { SOCK_CLOEXEC } from "../../../ffi/constants/socket.ts";
import {
  closeOnExec,
  openDescriptorPair,
  packetBytesMax,
  packetDescriptorsMax,
  receivePacket,
  sendPacket,
} from "../../../ffi/descriptor-socket.ts";
import { libc } from "../../../ffi/libc.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

function pair() {
  const [one, other] = openDescriptorPair();
  let isOpen = true;
  const close = (): void => {
    if (isOpen) closeDescriptor(one);
    isOpen = false;
  };
  const end = (): void => {
    close();
    closeDescriptor(other);
  };
  return { one, other, close, [Symbol.dispose]: end };
}

describe("openDescriptorPair()", () => {
  test("packets arrive as they were sent, each for itself", () => {
    using sockets = pair();
    expect(receivePacket(sockets.other)).toBeUndefined();
    for (const text of ["one", "two"]) {
      expect(sendPacket(sockets.one, { bytes: Buffer.from(text), descriptors: [] })).toBe(true);
    }
    const texts = [receivePacket(sockets.other), receivePacket(sockets.other)];
    expect(texts.map((packet) => Buffer.from(packet!.bytes).toString())).toEqual(["one", "two"]);
  });

  test("a packet carries as many descriptors as it may, which are the same files", () => {
    using folder = createTempFolder();
    using sockets = pair();
    const path = join(folder.path, "file");
    writeFileSync(path, "content");
    const fd = openSync(path, "r");
    const descriptors = Array.from({ length: packetDescriptorsMax }, () => fd);
    const bytes = new Uint8Array(packetBytesMax).fill(7);
    expect(sendPacket(sockets.one, { bytes, descriptors })).toBe(true);
    const packet = receivePacket(sockets.other)!;
    expect(packet.bytes).toEqual(bytes);
    expect(new Set(packet.descriptors).size).toBe(packetDescriptorsMax);
    const text = Buffer.alloc(7);
    readSync(packet.descriptors[0]!, text, 0, 7, 0);
    expect(text.toString()).toBe("content");
    expect(fstatSync(packet.descriptors.at(-1)!).ino).toBe(fstatSync(fd).ino);
    for (const one of [fd, ...packet.descriptors]) closeDescriptor(one);
  });

  test("who does not read is told of by false, and the end by a packet without bytes", () => {
    using sockets = pair();
    const packet = { bytes: new Uint8Array(packetBytesMax), descriptors: [] };
    let sent = 0;
    while (sendPacket(sockets.one, packet)) sent += 1;
    expect(sent).toBeGreaterThan(0);
    for (let left = sent; left > 0; left--) {
      expect(receivePacket(sockets.other)!.bytes.length).toBe(packetBytesMax);
    }
    sockets.close();
    expect(receivePacket(sockets.other)).toEqual({ bytes: new Uint8Array(0), descriptors: [] });
    expect(() => sendPacket(sockets.other, packet)).toThrow("EPIPE");
  });

  test("closeOnExec() marks a descriptor that was inherited", () => {
    using sockets = pair();
    const isMarked = (): boolean => {
      const [, flags] = readFileSync(`/proc/self/fdinfo/${sockets.one}`, "utf8").split(/flags:\s+/);
      return (Number.parseInt(flags!, 8) & SOCK_CLOEXEC) !== 0;
    };
    libc.fcntl(sockets.one, F_SETFD, 0);
    expect(isMarked()).toBe(false);
    closeOnExec(sockets.one);
    expect(isMarked()).toBe(true);
  });
});
