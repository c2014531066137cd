import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { createPidFiles } from "../../../../src/daemon/ldirectord/pid-files.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

function setUp(folder: string) {
  const failures: unknown[] = [];
  const file = (name: string, ...routers: string[]) => {
    return { pidFiles: [join(folder, name)], routers };
  };
  const served = [file("always"), file("one", "lb1"), file("both", "lb1", "lb2")];
  const files = createPidFiles(served, (error) => void failures.push(error));
  return { files, failures };
}

describe("createPidFiles()", () => {
  test("has a file as long as one of its virtual routers is active, or always", () => {
    using folder = createTempFolder();
    const { files } = setUp(folder.path);
    const there = () => readdirSync(folder.path).toSorted();
    expect(there()).toEqual(["always"]);
    files.follow("lb1", true);
    expect(there()).toEqual(["always", "both", "one"]);
    files.follow("lb2", true);
    files.follow("other", true);
    files.follow("lb1", false);
    expect(there()).toEqual(["always", "both"]);
    files.follow("lb2", false);
    expect(there()).toEqual(["always"]);
    files.follow("lb1", true);
    files.close();
    expect(there()).toEqual([]);
  });

  test("tells once of a file that cannot be written", () => {
    const { files, failures } = setUp("/nonexistent");
    expect(failures).toHaveLength(1);
    files.follow("other", true);
    expect(failures).toHaveLength(1);
    files.close();
  });
});
