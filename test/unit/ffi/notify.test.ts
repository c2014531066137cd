import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { encodeUnixAddress, sendUnixDatagram } from "../../../ffi/notify.ts";
import { startProcess } from "../../helpers/process.ts";
import { requirePeer } from "../../helpers/require-peer.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

const python = requirePeer("python3");

/** Binds the socket of its argument and prints one datagram. */
const receiverScript = `import socket,sys
s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@","\\0",1))
print("bound",flush=True)
print("got",s.recv(100).decode(),flush=True)`;

describe("encodeUnixAddress()", () => {
  test("a path ends with a zero byte", () => {
    expect(encodeUnixAddress("/a")).toEqual(new Uint8Array([1, 0, 0x2f, 0x61, 0]));
  });

  test("an abstract name begins with one", () => {
    expect(encodeUnixAddress("@ab")).toEqual(new Uint8Array([1, 0, 0, 0x61, 0x62]));
  });

  test.each([
    ["nothing", ""],
    ["a path too long", "/".repeat(108)],
  ])("refuses %s", (_name, path) => {
    expect(encodeUnixAddress(path)).toBeUndefined();
  });

  test("takes the longest path", () => {
    expect(encodeUnixAddress("/".repeat(107))).toHaveLength(110);
  });
});

describe("sendUnixDatagram()", () => {
  test("throws when nobody is there", () => {
    using folder = createTempFolder();
    const address = encodeUnixAddress(join(folder.path, "none"))!;
    expect(() => sendUnixDatagram(address, new Uint8Array([1]))).toThrow(
      expect.objectContaining({ code: "ENOENT" }),
    );
  });

  // Bun cannot receive datagrams on a Unix socket either; Python can, where it is installed.
  test.skipIf(python.skip)("sends to a path and to an abstract name", async () => {
    using folder = createTempFolder();
    for (const path of [join(folder.path, "notify"), `@appliance-test-${process.pid}`]) {
      await using receiver = startProcess(["python3", "-c", receiverScript, path]);
      await receiver.waitForOutput(/bound/);
      sendUnixDatagram(encodeUnixAddress(path)!, new TextEncoder().encode("READY=1"));
      await receiver.waitForOutput(/got READY=1/);
      expect(await receiver.exited).toBe(0);
    }
  });
});
