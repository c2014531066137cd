/**
 * What test/contract/clsact.test.ts runs inside a network namespace: filters of this program and,
 * as a second opinion, tc.
 *
 * @module
 */
import { loadBpfProgram } from "../../ffi/bpf.ts";
import { BPF_PROG_TYPE_SCHED_CLS } from "../../ffi/constants/bpf.ts";
import { hostBpfKernel } from "../../src/bpf/index.ts";
import { errorText } from "../../src/errors/index.ts";
import { ClsactFilters } from "../../src/fence/clsact-filters.ts";
import { openRouteSocket, openTrafficControl } from "../../src/netlink/route/index.ts";
import { runScenario, sh } from "../helpers/netns-script.ts";

const type = BPF_PROG_TYPE_SCHED_CLS;
/** "mov r0, -1; exit": TC_ACT_UNSPEC. */
const next = Uint8Array.of(0xb7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x95, 0, 0, 0, 0, 0, 0, 0);

function makeVeth(): number {
  sh("ip", "link", "add", "v0", "type", "veth", "peer", "v1");
  using route = openRouteSocket();
  return route.getLink("v0")!.index;
}

function openFilters(): ClsactFilters {
  const load = (name: string): number =>
    loadBpfProgram({ type, instructions: next, license: "GPL", name });
  const programs = { in: load("inward"), out: load("outward") };
  return new ClsactFilters({
    control: openTrafficControl(),
    program: (direction) => programs[direction],
    programId: (program) => hostBpfKernel.programId(program),
  });
}

/** Filters of v0 as tc shows them: preference, name, program. */
function filtersOf(direction: "egress" | "ingress"): string[] {
  return sh("tc", "filter", "show", "dev", "v0", direction)
    .split("\n")
    .filter((line) => line.includes("handle"))
    .map((line) => {
      const found = / pref (\d+) (\S+) .*?handle \S+(?: (\S+) .* name (\S+))?/.exec(line);
      return (found ?? [line]).slice(1).join(" ").trim();
    });
}

/** A filter of classic bpf that matches nothing, of IPv4 alone. */
function addForeign(direction: "egress" | "ingress", preference: number): void {
  const place = ["dev", "v0", direction, "protocol", "ip", "pref", String(preference)];
  sh("tc", "filter", "add", ...place, "bpf", "bytecode", "1,6 0 0 0,", "classid", "1:1");
}

const qdiscs = (device: string): boolean =>
  sh("tc", "qdisc", "show", "dev", device).includes("clsact");

function attempt(act: () => void): string {
  try {
    act();
    return "done";
  } catch (error) {
    return errorText(error);
  }
}

await runScenario({
  attach: () => {
    const device = makeVeth();
    const filters = openFilters();
    filters.takeOver();
    const tried = [qdiscs("lo"), qdiscs("v0")];
    filters.attach(device);
    const attached = [filtersOf("egress"), filtersOf("ingress")];
    const mended = filters.mend();
    filters.close();
    const later = openFilters();
    later.takeOver();
    const taken = later.mend();
    later.remove();
    return { tried, attached, mended, taken, isLeft: qdiscs("v0") };
  },
  shared: () => {
    const device = makeVeth();
    sh("tc", "qdisc", "add", "dev", "v0", "clsact");
    addForeign("ingress", 9);
    const filters = openFilters();
    filters.takeOver();
    filters.attach(device);
    const attached = filtersOf("ingress");
    filters.remove();
    return { attached, left: filtersOf("ingress"), hasQdisc: qdiscs("v0") };
  },
  inTheWay: () => {
    const device = makeVeth();
    const filters = openFilters();
    filters.attach(device);
    // An ingress qdisc in its place: nothing can be put back there.
    sh("tc", "qdisc", "del", "dev", "v0", "clsact");
    sh("tc", "qdisc", "add", "dev", "v0", "ingress");
    const faults = filters.mend().map(({ fault }) => fault);
    sh("tc", "qdisc", "del", "dev", "v0", "ingress");
    sh("tc", "qdisc", "add", "dev", "v0", "clsact");
    addForeign("egress", 1);
    const occupied = filters.mend().map(({ direction, fault }) => [direction, fault]);
    sh("tc", "filter", "del", "dev", "v0", "egress");
    const mended = [filters.mend().length, filters.mend().length];
    sh("ip", "link", "del", "v0");
    return { faults, occupied, mended, gone: filters.mend() };
  },
  ingress: () => {
    const device = makeVeth();
    sh("tc", "qdisc", "add", "dev", "v0", "ingress");
    return attempt(() => openFilters().attach(device)).replace(String(device), "N");
  },
});
