import { expect, test } from "bun:test";

import { exitStatusOf } from "../../../src/daemon/exit-status.ts";
import { ApplianceError } from "../../../src/errors/index.ts";

function caused(code: string, errno: string): ApplianceError {
  const cause = Object.assign(new Error(errno), { code: errno });
  return new ApplianceError(code, "Cannot", { cause });
}

test.each([
  ["a wrong configuration", new ApplianceError("CONFIG_INVALID", ""), 65],
  ["a missing file", caused("CONFIG_FILE_MISSING", "ENOENT"), 66],
  ["an unreadable file", caused("CONFIG_FILE_PERMISSION", "EACCES"), 77],
  ["a device as file", new ApplianceError("CONFIG_FILE_UNREADABLE", ""), 66],
  ["another director", new ApplianceError("DIRECTOR_RUNNING", ""), 75],
  ["a runtime directory", caused("DIRECTOR_RUNTIME_DIR", "EROFS"), 77],
  ["too few descriptors", new ApplianceError("CONFIG_TOO_MANY_LISTENERS", ""), 77],
  ["a port in use", new ApplianceError("DIRECTOR_LISTEN", ""), 69],
  ["a port not permitted", caused("STATUS_LISTEN", "EACCES"), 77],
  ["a failed system call", Object.assign(new Error(""), { code: "EMFILE" }), 69],
  ["anything else", new Error("bug"), 70],
  ["no error at all", undefined, 70],
] as const)("exitStatusOf() %s", (_name, error, expected) => {
  expect(exitStatusOf(error)).toBe(expected);
});
