/**
 * Prints how many programs see what comes in through an interface of this namespace, by its number.
 *
 *     bun test/helpers/tcx-count.ts INDEX
 *
 * @module
 */
import { BPF_TCX_INGRESS } from "../../ffi/constants/bpf.ts";
import { hostBpfKernel } from "../../src/bpf/index.ts";

const index = Number(process.argv[2]);
process.stdout.write(`${hostBpfKernel.programs(index, BPF_TCX_INGRESS).length}\n`);
