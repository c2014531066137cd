/**
 * The real server's end of a tunnel of ipip, in a namespace of a test, until it is killed.
 *
 *     bun test/helpers/decapsulator-host.ts DEVICE
 *
 * @module
 */
import { readFileSync } from "node:fs";

import { createBpfLink } from "../../ffi/bpf-link.ts";
import decapsulatePath from "../../ffi/bpf/decapsulate.bpf.o" with { type: "file" };
import { BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { hostBpfKernel, loadBpfCollection, parseBpfObject } from "../../src/bpf/index.ts";

const device = Number(readFileSync(`/sys/class/net/${process.argv[2]!}/ifindex`, "utf8"));
const object = parseBpfObject(readFileSync(decapsulatePath));
const collection = loadBpfCollection(object, { kernel: hostBpfKernel, pins: undefined });
createBpfLink(collection.program("tc_ingress"), { device, hook: BPF_TCX_INGRESS, flags: 0 });
process.stdout.write("decapsulating\n");
// The link is gone with the process.
setInterval(() => undefined, 60_000);
