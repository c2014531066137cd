import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { createBpfMap, lookupBpfMap } from "../../../ffi/bpf.ts";
import { BPF_F_MMAPABLE, BPF_MAP_TYPE_ARRAY } from "../../../ffi/constants/bpf.ts";
import { closeDescriptor } from "../../../ffi/socket.ts";
import {
  instancesMax,
  leaseFlagForward,
  leaseFlagRealServer,
  LeaseTable,
} from "../../../src/fence/index.ts";
import { requireBpf } from "../../helpers/require-bpf.ts";

const bpf = requireBpf();

describe.skipIf(bpf.skip)(`LeaseTable ${bpf.reason}`.trim(), () => {
  let map = 0;
  let leases: LeaseTable;

  /** What the kernel sees of an instance. */
  function kernelSees(instance: number): { end: bigint; isOpen: boolean; flags: number } {
    const value = new Uint8Array(32);
    lookupBpfMap(map, new Uint8Array(Uint32Array.of(instance).buffer), value);
    const view = new DataView(value.buffer);
    return {
      end: view.getBigUint64(0, true),
      isOpen: view.getUint32(8, true) === view.getUint32(12, true),
      flags: view.getUint32(16, true),
    };
  }

  beforeEach(() => {
    const type = BPF_MAP_TYPE_ARRAY;
    const sizes = { keyBytes: 4, valueBytes: 32, entriesMax: instancesMax };
    map = createBpfMap({ type, ...sizes, flags: BPF_F_MMAPABLE });
    leases = new LeaseTable(map);
  });
  afterEach(() => {
    leases.unmap();
    closeDescriptor(map);
  });

  test("renew() and end() are seen by the kernel at once, of that instance only", () => {
    leases.renew(3, 5_000_000_000_000n);
    expect(kernelSees(3)).toEqual({ end: 5_000_000_000_000n, isOpen: true, flags: 0 });
    expect(kernelSees(2).end).toBe(0n);
    expect(kernelSees(4).end).toBe(0n);
    leases.end(3);
    expect(kernelSees(3).end).toBe(0n);
  });

  test("close() stands until open(), also when somebody renews", () => {
    leases.renew(0, 9n);
    leases.close(0);
    leases.renew(0, 99n);
    expect(leases.isClosed(0)).toBe(true);
    expect(kernelSees(0)).toEqual({ end: 99n, isOpen: false, flags: 0 });
    leases.end(0);
    leases.open(0, leases.closings(0));
    expect(leases.isClosed(0)).toBe(false);
    expect(kernelSees(0)).toEqual({ end: 0n, isOpen: true, flags: 0 });
  });

  test("an owner that opens later than it decided cannot undo what the guard did meanwhile", () => {
    const seen = leases.closings(0);
    leases.close(0);
    leases.open(0, seen);
    leases.renew(0, 99n);
    expect(leases.isClosed(0)).toBe(true);
    expect(kernelSees(0).isOpen).toBe(false);
  });

  test("open() of a lease that runs is a bug: it would open at once", () => {
    leases.close(1);
    leases.renew(1, 99n);
    expect(() => leases.open(1, 1)).toThrow("Invariant violated");
  });

  describe("drain()", () => {
    const drainEnd = (instance: number): bigint => {
      const value = new Uint8Array(32);
      lookupBpfMap(map, new Uint8Array(Uint32Array.of(instance).buffer), value);
      return new DataView(value.buffer).getBigUint64(24, true);
    };

    test("ends the lease, and lets what comes be served until an end of its own", () => {
      leases.renew(4, 100n);
      leases.drain(4, 500n, 99n);
      expect(kernelSees(4)).toEqual({ end: 0n, isOpen: true, flags: 0 });
      expect([drainEnd(4), drainEnd(3), drainEnd(5)]).toEqual([500n, 0n, 0n]);
    });

    test("opens nothing for an owner that was stopped: lease over, or closed by the guard", () => {
      leases.renew(4, 100n);
      leases.drain(4, 500n, 100n);
      leases.renew(5, 100n);
      leases.close(5);
      leases.drain(5, 500n, 99n);
      expect([drainEnd(4), drainEnd(5)]).toEqual([0n, 0n]);
    });

    test.each([
      ["close()", () => leases.close(4)],
      ["open()", () => leases.open(4, leases.closings(4))],
    ])("%s ends it", (_name, end) => {
      leases.renew(4, 100n);
      leases.drain(4, 500n, 99n);
      end();
      expect(drainEnd(4)).toBe(0n);
    });
  });

  test("setFlag() leaves end, closed and other flags alone", () => {
    leases.renew(255, 7n);
    leases.setFlag(255, 4, true);
    leases.setFlag(255, 1, true);
    leases.setFlag(255, 4, false);
    expect(kernelSees(255)).toEqual({ end: 7n, isOpen: true, flags: 1 });
  });

  test("setFlag() leaves the other flag alone", () => {
    leases.setFlag(4, leaseFlagRealServer, true);
    leases.setFlag(4, leaseFlagForward, true);
    expect(kernelSees(4).flags).toBe(3);
    leases.setFlag(4, leaseFlagForward, false);
    expect(kernelSees(4).flags).toBe(1);
  });

  test("closeAll() closes the first and the last", () => {
    leases.renew(0, 1n);
    leases.closeAll();
    expect(kernelSees(0)).toEqual({ end: 0n, isOpen: false, flags: 0 });
    expect(kernelSees(255)).toEqual({ end: 0n, isOpen: false, flags: 0 });
  });

  test("two tables of one map are one", () => {
    const other = new LeaseTable(map);
    other.close(9);
    expect(leases.isClosed(9)).toBe(true);
    other.unmap();
  });
});
