/**
 * sock_diag(7): what connections the kernel has.
 *
 * @module
 */

export { countConnections } from "./count.ts";
