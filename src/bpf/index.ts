/**
 * Programs in the kernel: object files, maps, links.
 *
 * @module
 */

export { BpfCollection, loadBpfCollection } from "./collection.ts";
export type { LoadOptions } from "./collection.ts";
export { DeviceLinks, hasDeviceLinks, hasTcx } from "./device-links.ts";
export type { DeviceLinkOptions, LinkDirection, LinkFinding } from "./device-links.ts";
export { closeBpfFileSystem, findBpfFolder, openBpfFileSystem } from "./file-system.ts";
export { hostBpfKernel } from "./kernel.ts";
export type { BpfKernel } from "./kernel.ts";
export type { BpfRing } from "../../ffi/bpf-ring.ts";
export { bpfLoadFault } from "./load-fault.ts";
export { parseBpfObject } from "./object.ts";
export type { BpfMapDeclaration, BpfObject, BpfProgramDeclaration } from "./object.ts";
export { countPossible, possibleProcessors } from "./processors.ts";
export { balancerObject, fenceObject, vipPathObject } from "./objects.ts";
