/**
 * Object files are embedded as files; importing one gives its path.
 *
 * @module
 */

declare module "*.bpf.o" {
  const path: string;
  export default path;
}
