/**
 * Programs in the kernel: object files, maps, links.
 *
 * @module
 */

export { BpfCollection, loadBpfCollection } from "./collection.ts";
export type { LoadOptions } from "./collection.ts";
export { openBpfFileSystem } from "./file-system.ts";
export { hostBpfKernel } from "./kernel.ts";
export type { BpfKernel } from "./kernel.ts";
export { parseBpfObject } from "./object.ts";
export type { BpfMapDeclaration, BpfObject, BpfProgramDeclaration } from "./object.ts";
export { fenceObject } from "./objects.ts";
