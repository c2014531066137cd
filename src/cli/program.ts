/**
 * Which build this is. The build defines both constants; run from the sources they are missing.
 *
 * @module
 */

declare const APPLIANCE_VERSION: string | undefined;
declare const APPLIANCE_COMMIT: string | undefined;

/** Version and commit of this program, as shown in status and by `version`. */
export const program: { readonly version: string; readonly commit: string } = {
  version: typeof APPLIANCE_VERSION === "string" ? APPLIANCE_VERSION : "0.1.0-dev",
  commit: typeof APPLIANCE_COMMIT === "string" ? APPLIANCE_COMMIT : "unknown",
};
