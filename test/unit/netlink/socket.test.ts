import { describe, expect, test } from "bun:test";

import { EBUSY, EINTR, ENODEV, EPERM } from "../../../ffi/errno.ts";
import { decoded, faulty } from "../../../src/netlink/decoded.ts";
import { isRefusal, NetlinkError } from "../../../src/netlink/error.ts";
import { NetlinkSocket, openNetlink } from "../../../src/netlink/index.ts";
import type { NetlinkMessage } from "../../../src/netlink/message.ts";
import { createFakeKernel, kernelAnswer } from "../../helpers/fake-kernel.ts";

const { ack, refusal, done, part } = kernelAnswer;
const question = { operation: "ask", type: 18, payload: Uint8Array.of(1, 2, 3, 4) };
const number = ({ payload }: NetlinkMessage) => decoded(payload[0]);

function thrown(act: () => unknown): NetlinkError {
  try {
    act();
  } catch (error) {
    if (error instanceof NetlinkError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

describe("NetlinkSocket.request()", () => {
  test("sends NLM_F_REQUEST and NLM_F_ACK, and numbers what it sends", () => {
    const kernel = createFakeKernel((request) => [ack(request)]);
    const socket = new NetlinkSocket(kernel);
    expect(socket.request(question)).toEqual([]);
    socket.request({ ...question, flags: 0x400 });
    expect(kernel.requests).toEqual([
      { type: 18, flags: 5, sequence: 1, port: 0, payload: question.payload },
      { type: 18, flags: 0x405, sequence: 2, port: 0, payload: question.payload },
    ]);
  });

  test("gives what was answered before the acknowledgement", () => {
    const kernel = createFakeKernel((request) => [
      part(request, 16, Uint8Array.of(42, 0, 0, 0), 0),
      ack(request),
    ]);
    expect(new NetlinkSocket(kernel).request(question, number)).toEqual([42]);
  });

  test("throws the kernel's refusal with its words", () => {
    const kernel = createFakeKernel((request) => [refusal(request, ENODEV, "Device not found")]);
    const error = thrown(() => new NetlinkSocket(kernel).request(question));
    expect(error).toMatchObject({
      code: "NETLINK_REFUSED",
      errno: 19,
      errnoName: "ENODEV",
      kernelText: "Device not found",
      message: "Cannot ask: ENODEV (Device not found)",
    });
    expect(isRefusal(error, EPERM, ENODEV)).toBe(true);
    expect(isRefusal(error, EPERM)).toBe(false);
    expect(isRefusal(new Error("other"), ENODEV)).toBe(false);
  });

  test("takes no answer to another request for its own", () => {
    const kernel = createFakeKernel((request) => [
      refusal({ ...request, sequence: request.sequence - 1 }, EPERM),
      ack(request),
    ]);
    expect(new NetlinkSocket(kernel).request(question)).toEqual([]);
  });

  test("gives up when no answer comes", () => {
    const error = thrown(() => new NetlinkSocket(createFakeKernel()).request(question));
    expect(error.code).toBe("NETLINK_TIMEOUT");
    expect(error.message).toStartWith("Cannot ask: no answer of the kernel in ");
  });

  test.each(["overrun", "truncated"] as const)("cannot read an answer that is %s", (kind) => {
    const kernel = createFakeKernel(() => [kind]);
    const error = thrown(() => new NetlinkSocket(kernel).request(question));
    expect(error.code).toBe("NETLINK_MALFORMED");
  });

  test("cannot read bytes that are no message", () => {
    const kernel = createFakeKernel(() => [Uint8Array.of(1, 2, 3)]);
    const error = thrown(() => new NetlinkSocket(kernel).request(question));
    expect(error.message).toBe("Cannot ask: the kernel's answer is unreadable (truncated)");
  });

  test("cannot read an answer that its decoder cannot", () => {
    const kernel = createFakeKernel((request) => [part(request, 16, Uint8Array.of(0), 0)]);
    const error = thrown(() =>
      new NetlinkSocket(kernel).request(question, () => faulty("missing")),
    );
    expect(error).toMatchObject({ code: "NETLINK_MALFORMED" });
    expect(error.message).toBe("Cannot ask: the kernel's answer is unreadable (missing)");
  });
});

describe("NetlinkSocket.dump()", () => {
  const piece = (request: NetlinkMessage, value: number, flags?: number) =>
    part(request, 16, Uint8Array.of(value, 0, 0, 0), flags);

  test("collects a list of several datagrams, and leaves out what its decoder does", () => {
    const kernel = createFakeKernel((request) => [
      Uint8Array.from([...piece(request, 1), ...piece(request, 2)]),
      piece(request, 3),
      done(request),
    ]);
    const odd = ({ payload }: NetlinkMessage) =>
      decoded(payload[0]! % 2 === 1 ? payload[0] : undefined);
    expect(new NetlinkSocket(kernel).dump(question, odd)).toEqual([1, 3]);
    expect(kernel.requests[0]!.flags).toBe(0x301);
  });

  test("asks again when the list changed meanwhile, and forgets the first", () => {
    const kernel = createFakeKernel((request, count) =>
      count < 3
        ? [piece(request, 1), piece(request, 2, 0x12), done(request)]
        : [piece(request, 5), done(request)],
    );
    expect(new NetlinkSocket(kernel).dump(question, number)).toEqual([5]);
    expect(kernel.requests).toHaveLength(3);
  });

  test.each([EINTR, EBUSY])("asks again after errno %i", (errno) => {
    const kernel = createFakeKernel((request, count) =>
      count === 1 ? [refusal(request, errno)] : [piece(request, 5), done(request)],
    );
    expect(new NetlinkSocket(kernel).dump(question, number)).toEqual([5]);
  });

  test("gives up when the list never rests", () => {
    const kernel = createFakeKernel((request) => [piece(request, 1, 0x12), done(request)]);
    const error = thrown(() => new NetlinkSocket(kernel).dump(question, number));
    expect(error.code).toBe("NETLINK_INTERRUPTED");
    expect(kernel.requests).toHaveLength(10);
  });

  test("throws the refusal that ends a list", () => {
    const kernel = createFakeKernel((request) => [
      piece(request, 1),
      done(request, ENODEV, "gone"),
    ]);
    const error = thrown(() => new NetlinkSocket(kernel).dump(question, number));
    expect(error.message).toBe("Cannot ask: ENODEV (gone)");
  });

  test("takes no notice of messages that say nothing", () => {
    const noop = 1;
    const kernel = createFakeKernel((request) => [
      part(request, noop, new Uint8Array(0)),
      piece(request, 5),
      done(request),
    ]);
    expect(new NetlinkSocket(kernel).dump(question, number)).toEqual([5]);
  });

  test("does not take a list with a hole for a whole one", () => {
    const kernel = createFakeKernel((request) => [
      piece(request, 1),
      part(request, 4, new Uint8Array(0)),
      done(request),
    ]);
    expect(thrown(() => new NetlinkSocket(kernel).dump(question, number)).code).toBe(
      "NETLINK_MALFORMED",
    );
  });
});

describe("NetlinkSocket.transact()", () => {
  const message = (sequence: number, flags = 0) =>
    Uint8Array.from([16, 0, 0, 0, 0, 10, flags, 0, sequence, 0, 0, 0, 0, 0, 0, 0]);
  /** Opening mark, two changes, end mark. */
  const build = (first: number) =>
    Uint8Array.from([
      ...message(first),
      ...message(first + 1),
      ...message(first + 2, 4),
      ...message(first + 3),
    ]);

  test("waits for the acknowledgement of the last change", () => {
    const kernel = createFakeKernel((request) => (request.flags === 4 ? [ack(request)] : []));
    const socket = new NetlinkSocket(kernel);
    socket.transact("change", 4, build);
    socket.transact("change", 4, build);
    expect(kernel.requests.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test("throws the first refusal, though the last change was acknowledged", () => {
    const kernel = createFakeKernel((request) => {
      if (request.sequence === 2) return [refusal(request, ENODEV, "first")];
      return request.flags === 4 ? [ack(request)] : [];
    });
    const error = thrown(() => new NetlinkSocket(kernel).transact("change", 4, build));
    expect(error.message).toBe("Cannot change: ENODEV (first)");
  });

  test("throws at once when the whole is refused by its opening mark", () => {
    const kernel = createFakeKernel((request) =>
      request.sequence === 1 ? [refusal(request, EPERM)] : [],
    );
    const error = thrown(() => new NetlinkSocket(kernel).transact("change", 4, build));
    expect(error.message).toBe("Cannot change: EPERM");
  });
});

test("NetlinkSocket numbers on from 1 before its numbers end", () => {
  const kernel = createFakeKernel((request) => [ack(request)]);
  const socket = new NetlinkSocket(kernel);
  const huge = 0xffff_fffe;
  expect(() => socket.transact("skip", huge, () => new Uint8Array(0))).toThrow("no answer");
  socket.request(question);
  expect(kernel.requests.at(-1)!.sequence).toBe(1);
});

test("NetlinkSocket closes its transport", () => {
  const kernel = createFakeKernel();
  {
    using socket = new NetlinkSocket(kernel);
    expect(socket.port).toBe(4711);
  }
  expect(kernel.isClosed).toBe(true);
});

test("openNetlink() says that the kernel has no such protocol", () => {
  const error = thrown(() => openNetlink(31));
  expect(error.code).toBe("NETLINK_NOT_SUPPORTED");
});
