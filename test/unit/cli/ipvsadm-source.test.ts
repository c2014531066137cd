import { describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { createIpvsadmSource } from "../../../src/cli/ipvsadm-source.ts";
import { startStatusServer } from "../../../src/status/index.ts";
import { createCliFixture, runInContext } from "../../helpers/cli-fixture.ts";
import { createFakeStatusSource, serviceSnapshot } from "../../helpers/fake-status-source.ts";

const timeouts = { tcpMs: 900_000, tcpFinMs: 120_000, udpMs: 300_000 };

/** Two directors: the usual one, and `ldirectord-mail` below it. */
async function startTwo() {
  const stack = new AsyncDisposableStack();
  const fixture = stack.use(
    await createCliFixture({ timeouts, services: [serviceSnapshot({ name: "web" })] }),
  );
  const folder = join(fixture.runtime, "ldirectord-mail");
  mkdirSync(folder);
  const further = await startStatusServer({
    source: createFakeStatusSource({ services: [serviceSnapshot({ name: "mail" })] }),
    unixPath: join(folder, "control.sock"),
    peerUid: () => 1000,
  });
  stack.defer(() => further.stop());
  return { fixture, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** What a source tells in a runtime directory. */
async function ask(runtime: string) {
  const names: string[] = [];
  let connections = 0;
  let idleMs: number | undefined;
  const { stderr } = await runInContext(runtime, async (context) => {
    const source = createIpvsadmSource({ context, kernelTable: () => undefined });
    const table = await source.snapshot();
    names.push(...table.services.map(({ name }) => name));
    idleMs = table.timeouts?.tcpMs;
    connections = (await source.connections()).length;
    return 0;
  });
  return { names, idleMs, connections, stderr };
}

describe("createIpvsadmSource", () => {
  test("has the services of every director", async () => {
    await using two = await startTwo();
    expect(await ask(two.fixture.runtime)).toEqual({
      names: ["web", "mail"],
      idleMs: 900_000,
      connections: 2,
      stderr: "",
    });
  });

  test("passes over directors that have ended, and over other files", async () => {
    await using fixture = await createCliFixture({ services: [serviceSnapshot()] });
    mkdirSync(join(fixture.runtime, "ldirectord-gone"));
    writeFileSync(join(fixture.runtime, "ldirectord-file"), "");
    const { names, stderr } = await ask(fixture.runtime);
    expect([names, stderr]).toEqual([["web"], ""]);
  });

  test("has those of a further one, also when the usual one does not run", async () => {
    await using two = await startTwo();
    await two.fixture.server.stop();
    const { names, stderr } = await ask(two.fixture.runtime);
    expect([names, stderr]).toEqual([["mail"], ""]);
  });
});
