/**
 * Owns the table of the fall-back fence in a namespace of a test, as another program might, until
 * it is ended.
 *
 * @module
 */
import { openNftFence } from "../../src/netlink/nftables/index.ts";

const fence = openNftFence("appliance");
fence.replace({ devices: [], instances: [] });
process.stdout.write("held\n");
setInterval(() => fence.isInPlace(), 60_000);
