import { describe, expect, test } from "bun:test";

import { EINVAL, ENODEV, ENOENT } from "../../../ffi/errno.ts";
import { ClsactFilters } from "../../../src/fence/clsact-filters.ts";
import type { Filter, FilterDirection } from "../../../src/netlink/route/index.ts";
import { FakeTrafficControl, programIdOffset } from "./fake-traffic-control.ts";

const loopback = 1;
const lan = 5;

/** @param first Descriptor of the program for ingress; the next one is for egress. */
function create(control = new FakeTrafficControl(), first = 10) {
  const program = (way: FilterDirection): number => (way === "in" ? first : first + 1);
  const programId = (fd: number): number => fd + programIdOffset;
  return { control, filters: new ClsactFilters({ control, program, programId }) };
}

describe("ClsactFilters", () => {
  test("attaches both programs, once", () => {
    const { control, filters } = create();
    filters.attach(lan);
    filters.attach(lan);
    expect(control.names(lan, "out")).toEqual(["appliance-fence 1011"]);
    expect(control.names(lan, "in")).toEqual(["appliance-fence 1010"]);
    expect(filters.mend()).toEqual([]);
  });

  test("the next process gives each its own program, and drops doubles", () => {
    const { control, filters } = create();
    filters.attach(lan);
    const [{ handle }] = control.listFilters(lan, "in") as [Filter];
    const double = { index: lan, direction: "in", preference: 1, handle: handle + 1 } as const;
    control.setFilter({ ...double, program: 10, name: "appliance-fence" });
    filters.close();
    expect(control.isClosed).toBeTrue();
    const next = create(control, 20);
    next.filters.takeOver();
    expect(control.names(lan, "in")).toEqual(["appliance-fence 1020"]);
    expect(control.names(lan, "out")).toEqual(["appliance-fence 1021"]);
    expect(next.filters.mend()).toEqual([]);
    next.filters.remove();
    expect(control.listClsact()).toEqual([]);
  });

  test("mend() goes in front of a foreign filter, again and again", () => {
    const { control, filters } = create();
    filters.attach(lan);
    for (let round = 0; round < 3; round++) {
      control.deleteFilter({ index: lan, direction: "in", preference: 1, handle: 1 });
      control.intrude(lan, "in");
      expect(filters.mend()).toEqual([{ device: lan, direction: "in", fault: "not-first" }]);
      expect(control.names(lan, "in")).toEqual(["appliance-fence 1010", "foreign 1000"]);
      expect(filters.mend()).toEqual([]);
    }
  });

  test("mend() brings back what was deleted, with the qdisc", () => {
    const { control, filters } = create();
    filters.attach(lan);
    control.deleteClsact(lan);
    const both = ["out", "in"].map((direction) => ({ device: lan, direction, fault: "missing" }));
    expect(filters.mend() as unknown[]).toEqual(both);
    expect(filters.mend()).toEqual([]);
    expect(control.names(lan, "in")).toEqual(["appliance-fence 1010"]);
  });

  test.each([EINVAL, ENOENT])("mend() tries again while it is refused: errno %i", (errno) => {
    const { control, filters } = create();
    filters.attach(lan);
    control.deleteClsact(lan);
    control.setRefusal = errno;
    const problem = `errno ${errno}`;
    expect(filters.mend()).toMatchObject([{ problem }, { problem }]);
    expect(filters.mend()).toMatchObject([{ problem }, { problem }]);
    control.setRefusal = 0;
    const mended = filters.mend();
    expect(mended.map((found) => found.problem)).toEqual([undefined, undefined]);
    expect(filters.mend()).toEqual([]);
  });

  test("mend() says what stands in the way where it belongs", () => {
    const { control, filters } = create();
    filters.attach(lan);
    control.deleteClsact(lan);
    control.isTaken = true;
    const problem = "Interface 5 has an ingress qdisc, where the fence needs clsact";
    expect(filters.mend()).toMatchObject([{ fault: "missing", problem }, { problem }]);
  });

  test("mend() forgets a device that is gone", () => {
    const { control, filters } = create();
    filters.attach(lan);
    control.deleteClsact(lan);
    control.addRefusal = ENODEV;
    expect(filters.mend()).toEqual([]);
    control.addRefusal = 0;
    expect(filters.mend()).toEqual([]);
    expect(control.listClsact()).toEqual([]);
  });

  test("remove() leaves the qdisc to others that use it", () => {
    const { control, filters } = create();
    filters.attach(lan);
    control.intrude(lan, "out");
    filters.remove();
    expect(control.names(lan, "out")).toEqual(["foreign 1000"]);
    expect(control.names(lan, "in")).toEqual([]);
  });

  test("an ingress qdisc keeps it from a device", () => {
    const { control, filters } = create();
    control.isTaken = true;
    filters.takeOver();
    expect(() => filters.attach(lan)).toThrow(
      "Interface 5 has an ingress qdisc, where the fence needs clsact",
    );
  });

  test("takeOver() tries on the loopback, and leaves nothing there", () => {
    const { control, filters } = create();
    filters.takeOver();
    expect(control.listClsact()).toEqual([]);
    control.addClsact(loopback);
    filters.takeOver();
    expect(control.listFilters(loopback, "out")).toEqual([]);
    expect(control.listClsact()).toEqual([loopback]);
  });

  test.each(["addRefusal", "setRefusal"] as const)("says what the kernel lacks: %s", (which) => {
    const { control, filters } = create();
    control[which] = ENOENT;
    expect(() => filters.takeOver()).toThrow(
      "The fence needs TCX (Linux 6.6) or clsact with cls_bpf: errno 2",
    );
    expect(control.listClsact()).toEqual([]);
  });
});
