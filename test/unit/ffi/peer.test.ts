import { expect, test } from "bun:test";
import { join } from "node:path";

import { AF_INET, SOCK_STREAM } from "../../../ffi/constants/socket.ts";
import { peerUid } from "../../../ffi/peer.ts";
import { closeDescriptor, openSocket } from "../../../ffi/socket.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

test("peerUid() tells the uid at the other end", async () => {
  using folder = createTempFolder();
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const unix = join(folder.path, "socket");
  const server = Bun.listen({
    unix,
    socket: {
      data() {},
      open: (socket) => resolve(peerUid((socket as unknown as { fd: number }).fd)),
    },
  });
  const client = await Bun.connect({ unix, socket: { data() {} } });
  expect(await promise).toBe(process.getuid!());
  client.terminate();
  server.stop(true);
});

test("peerUid() knows nobody behind another kind of socket", () => {
  const fd = openSocket(AF_INET, SOCK_STREAM);
  expect(peerUid(fd)).toBeUndefined();
  closeDescriptor(fd);
  expect(peerUid(-1)).toBeUndefined();
});
