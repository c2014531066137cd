/**
 * Foreign programs at both TCX hooks of a device, in front of all others and as many as there is
 * room for, until it is ended.
 *
 *     bun test/helpers/tcx-crowd.ts DEVICE [COUNT]
 *
 * They let everything on to the next one.
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { createBpfLink } from "../../ffi/bpf-link.ts";
import { loadBpfProgram } from "../../ffi/bpf.ts";
import {
  BPF_F_BEFORE,
  BPF_PROG_TYPE_SCHED_CLS,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
} from "../../ffi/constants/bpf.ts";
import { SyscallError } from "../../ffi/errno.ts";

const [device = "", count = "64"] = process.argv.slice(2);
const index = Number(readFileSync(`/sys/class/net/${device}/ifindex`, "utf8"));
/** "mov r0, -1; exit": TCX_NEXT. */
const next = Uint8Array.of(0xb7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** @returns False if there is no room. */
function attach(hook: number): boolean {
  const type = BPF_PROG_TYPE_SCHED_CLS;
  const program = loadBpfProgram({ type, instructions: next, license: "GPL" });
  try {
    createBpfLink(program, { device: index, hook, flags: BPF_F_BEFORE });
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.code === "ERANGE") return false;
    throw error;
  }
}

/** A fence that goes back to the head has two programs there for a moment. */
const mendMs = 300;
for (const hook of [BPF_TCX_INGRESS, BPF_TCX_EGRESS]) {
  let left = Number(count);
  const attachAll = (): void => {
    while (left > 0 && attach(hook)) left--;
  };
  attachAll();
  await Bun.sleep(mendMs);
  attachAll();
}
process.stdout.write("attached\n");
setInterval(() => undefined, 60_000);
