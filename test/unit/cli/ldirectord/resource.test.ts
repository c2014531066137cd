import { describe, expect, test } from "bun:test";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { findResourceDirector } from "../../../../src/cli/ldirectord/resource.ts";
import type { ResourceDirector } from "../../../../src/cli/ldirectord/resource.ts";
import { createCliFixture, runInContext } from "../../../helpers/cli-fixture.ts";
import { directorSnapshot } from "../../../helpers/fake-status-source.ts";
import { createTempFolder } from "../../../helpers/temp-folder.ts";

async function find(runtime: string, path: string): Promise<ResourceDirector | undefined> {
  let found: ResourceDirector | undefined;
  await runInContext(runtime, async (context) => {
    found = await findResourceDirector(path, context);
    return 0;
  });
  return found;
}

const snapshot = directorSnapshot();
const [service] = snapshot.services;

function running(file: string, owner?: { routers: string[]; active: boolean }) {
  const configuration = { ...snapshot.configuration, files: ["/x/haresources", file] };
  return { configuration, services: [{ ...service!, owner }] };
}

describe("findResourceDirector()", () => {
  test("finds the director that has the file for one of its virtual routers", async () => {
    using folder = createTempFolder();
    const file = join(folder.path, "web.cf");
    writeFileSync(file, "");
    symlinkSync(file, join(folder.path, "link.cf"));
    const owner = { routers: ["lb1"], active: false };
    await using fixture = await createCliFixture(running(file, owner));
    expect(await find(fixture.runtime, file)).toEqual({ pid: snapshot.pid });
    expect(await find(fixture.runtime, join(folder.path, "link.cf"))).toEqual({
      pid: snapshot.pid,
    });
    expect(await find(fixture.runtime, join(folder.path, "other.cf"))).toBeUndefined();
  });

  test("a file that is served always is nobody's resource", async () => {
    await using fixture = await createCliFixture(running("/x/web.cf"));
    expect(await find(fixture.runtime, "/x/web.cf")).toBeUndefined();
    expect(await find("/nonexistent", "/x/web.cf")).toBeUndefined();
  });
});
