import { expect, test } from "bun:test";

import { EPOLLIN } from "../../../ffi/constants/epoll.ts";
import { drainEventfd, openEventfd, Poller, signalEventfd } from "../../../ffi/epoll.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";

test("Poller tells descriptor, mask and generation of what is ready", () => {
  const poller = new Poller(8);
  const fd = openEventfd();
  try {
    expect(poller.add(fd, EPOLLIN, 77)).toBe(0);
    expect(poller.wait(0)).toBe(0);
    signalEventfd(fd);
    expect(poller.wait(0)).toBe(1);
    expect(poller.descriptor(0)).toBe(fd);
    expect(poller.generation(0)).toBe(77);
    expect(poller.mask(0)).toBe(EPOLLIN);
    drainEventfd(fd);
    expect(poller.wait(0)).toBe(0);
    expect(poller.add(fd, EPOLLIN, 78)).toBe(-1);
    expect(poller.remove(fd)).toBe(0);
    signalEventfd(fd);
    expect(poller.wait(0)).toBe(0);
  } finally {
    closeDescriptor(fd);
    poller.close();
  }
});
