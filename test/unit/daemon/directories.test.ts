import { expect, test } from "bun:test";

import { controlSocketPath, directoriesOf } from "../../../src/daemon/directories.ts";

test.each([
  [{}, { state: "/var/lib/appliance", runtime: "/run/appliance" }],
  [
    { APPLIANCE_STATE_DIR: "/a", APPLIANCE_RUNTIME_DIR: "/b" },
    { state: "/a", runtime: "/b" },
  ],
  [
    { APPLIANCE_STATE_DIR: "", APPLIANCE_RUNTIME_DIR: "" },
    { state: "/var/lib/appliance", runtime: "/run/appliance" },
  ],
])("directoriesOf(%j)", (environment, expected) => {
  expect(directoriesOf(environment)).toEqual(expected);
});

test("controlSocketPath() is in the runtime directory", () => {
  expect(controlSocketPath({ runtime: "/run/appliance" })).toBe("/run/appliance/control.sock");
});
