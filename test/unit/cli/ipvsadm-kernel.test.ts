import { expect, test } from "bun:test";

import { countForeignServices, readKernelTable } from "../../../src/cli/ipvsadm-kernel.ts";
import { sampleServices } from "../../helpers/list-sample.ts";

/** As the kernel prints the services of the sample. */
const lines = [
  "IP Virtual Server version 1.2.1 (size=4096)",
  "Prot LocalAddress:Port Scheduler Flags",
  "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn",
  "TCP  C0A806F0:0050 rr ",
  "  -> C0A80602:0050      Route   10     3          12        ",
  "TCP  C0A806F0:01BB wlc persistent 600 FFFFFFFF",
  "TCP  C0A806F0:20FB sh persistent 300 FFFFFF00",
  "UDP  C0A806F0:0035 wrr ops",
  "FWM  00000001 wrr persistent 600 FFFFFFFF",
  "TCP  [2001:0db8:0000:0000:0000:0000:0000:0005]:0077 wlc persistent 360 FFFFFFFF",
];

test.each([
  ["none", sampleServices, 0],
  ["one", sampleServices.slice(1), 1],
  ["the mark", sampleServices.filter(({ mark }) => mark === undefined), 1],
  ["all", [], 6],
])("countForeignServices: %s of another program", (_name, services, count) => {
  expect(countForeignServices(`${lines.join("\n")}\n`, services)).toBe(count);
});

test.each([
  ["nothing", ""],
  ["only titles", lines.slice(0, 3).join("\n")],
  ["lines cut short", "TCP  C0A806F0\nTCP  [2001:0db8]:0077 wlc\nFWM  1 rr\nUDP"],
])("countForeignServices counts none in %s", (_name, text) => {
  expect(countForeignServices(text, [])).toBe(0);
});

test("countForeignServices counts SCTP, which the director cannot have", () => {
  expect(countForeignServices("SCTP C0A806F0:0050 rr\n", sampleServices)).toBe(1);
});

test("readKernelTable is a table, or undefined where the kernel has none", () => {
  expect(readKernelTable() ?? "IP Virtual Server").toStartWith("IP Virtual Server");
});
