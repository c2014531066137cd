/**
 * Two directors on loopback: each is the other's peer. They have one address here, so each calls a
 * relay that stands for the other's port.
 */
import { afterEach, describe, expect, test } from "bun:test";

import { systemClock } from "../../../src/clock/index.ts";
import type { RevisedOverrides } from "../../../src/daemon/override-merge.ts";
import { formatOverrides } from "../../../src/daemon/overrides.ts";
import type { ServerOverride } from "../../../src/daemon/overrides.ts";
import { PeerCaller } from "../../../src/daemon/peer-caller.ts";
import { PeerCopy } from "../../../src/daemon/peer-copy.ts";
import type { PeerCopyOptions } from "../../../src/daemon/peer-copy.ts";
import { PeerListener } from "../../../src/daemon/peer-listener.ts";
import type { Report } from "../../../src/daemon/report.ts";
import type { PeerPlan } from "../../../src/failover/index.ts";
import { keysOf } from "../../helpers/peer/channel.ts";
import { waitFor } from "../../helpers/wait.ts";

const keys = [{ id: "", secret: "6b".repeat(32) }];
const drained: ServerOverride = {
  admin: "draining",
  kill: false,
  weight: undefined,
  by: "uid 0",
  at: "2026-01-01T00:00:00.000Z",
};
const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function setOf(revision: number, ...servers: readonly string[]): RevisedOverrides {
  return { revision, overrides: new Map(servers.map((server) => [`web\n${server}`, drained])) };
}

function createCopy(first: RevisedOverrides, engine: PeerCopyOptions["engine"] = {}) {
  let held = first;
  const reports: Report[] = [];
  const copy = new PeerCopy({
    clock: systemClock,
    report: (report) => void reports.push(report),
    current: () => held,
    adopt: async (next) => {
      held = next;
    },
    engine,
    onComplete: () => undefined,
  });
  ends.push(() => copy.close());
  return { copy, reports, held: () => held };
}

/** A port on loopback that nobody has. */
async function freePort(): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  resolve(server.port);
  server.stop(true);
  return promise;
}

const planFor = (port: number): PeerPlan => ({ address: "127.0.0.1", port, keys, digest: "" });

/** The peer of a copy: calls it. */
async function callCopy(port: number): Promise<PeerCaller> {
  const caller = new PeerCaller({
    clock: systemClock,
    address: "127.0.0.1",
    port,
    keys: keysOf("k"),
    onOpen: () => undefined,
  });
  ends.push(() => caller.close());
  await waitFor(() => caller.isOpen, { what: "a connection" });
  return caller;
}

async function tell(caller: PeerCaller, text: string): Promise<string> {
  const answer = await caller.ask(new TextEncoder().encode(text), 5000);
  return new TextDecoder().decode(answer);
}

describe("PeerCopy", () => {
  test("without a peer nothing is told, and that is no problem", async () => {
    expect(await createCopy(setOf(1)).copy.tell()).toBeUndefined();
  });

  test("says that it was not copied while there is no connection", async () => {
    const { copy } = createCopy(setOf(1));
    copy.apply({ ...planFor(9), address: "127.0.0.9" });
    expect(await copy.tell()).toBe("there is no connection to it");
  });

  test("adopts what was changed later, and keeps what is its own otherwise", async () => {
    const { copy, held, reports } = createCopy(setOf(3, "192.0.2.1:80"));
    const port = await freePort();
    copy.apply(planFor(port));
    const caller = await callCopy(port);
    const later = setOf(4, "192.0.2.2:80");
    expect(await tell(caller, `o${formatOverrides(later.overrides, 4)}`)).toBe("taken");
    expect(held()).toEqual(later);
    expect(reports).toMatchObject([{ name: "override", by: "the other director" }]);
    expect(await tell(caller, `o${formatOverrides(new Map(), 2)}`)).toBe("taken");
    expect(held()).toEqual(later);
    expect(await tell(caller, "x")).toBe("it is of another version");
    expect(await tell(caller, "c\0{}")).toBe("it cannot read them");
    expect(await tell(caller, "n\x02")).toBe("it cannot read them");
    expect(await tell(caller, "o{ damaged")).toBe("it cannot read them: it is not JSON");
    expect(held()).toEqual(later);
  });

  test("a handover does not wait for a peer that does not answer", async () => {
    const answers: string[] = [];
    const listener = new PeerListener({
      clock: systemClock,
      hostname: "127.0.0.2",
      port: 0,
      peer: "127.0.0.1",
      keys: keysOf("k"),
      async answer(payload) {
        answers.push(new TextDecoder().decode(payload.subarray(0, 1)));
        // Rounds are taken, what a handover finds is not answered in time.
        if (isSlow) await Bun.sleep(500);
        return new TextEncoder().encode("taken");
      },
      onProblem: () => undefined,
    });
    let isSlow = false;
    ends.push(() => listener.close());
    await waitFor(() => listener.port !== undefined, { what: "a port" });
    const { copy } = createCopy(setOf(1), {
      boundClients: () => [{ service: "web", client: "1", server: "2", remainingMs: 1 }],
    });
    copy.apply({ ...planFor(listener.port!), address: "127.0.0.2" });
    await waitFor(() => copy.view()?.clients.lagMs !== undefined, { what: "the first round" });
    isSlow = true;
    const before = answers.length;
    await copy.flush();
    // It went out, and was not waited for.
    await waitFor(() => answers.length > before, { what: "the client" });
    expect(copy.view()!.clients.sent).toBe(1);
  });

  test("tells everything to a peer that comes, and then each change", async () => {
    const told: string[] = [];
    const listener = new PeerListener({
      clock: systemClock,
      hostname: "127.0.0.2",
      port: 0,
      // Both ends are on one host: the caller's packets come from here.
      peer: "127.0.0.1",
      keys: keysOf("k"),
      answer: async (payload) => {
        const text = new TextDecoder().decode(payload);
        if (text.startsWith("o")) told.push(text.slice(1));
        return new TextEncoder().encode("taken");
      },
      onProblem: () => undefined,
    });
    ends.push(() => listener.close());
    await waitFor(() => listener.port !== undefined, { what: "a port" });
    const { copy, reports } = createCopy(setOf(7, "192.0.2.1:80"));
    copy.apply({ ...planFor(listener.port!), address: "127.0.0.2" });
    await waitFor(() => told.length === 1, { what: "what is told at first" });
    expect(told[0]).toStartWith('{ "version": 1, "revision": 7, "overrides": [\n{"service":"web"');
    expect(await copy.tell()).toBeUndefined();
    expect(told).toHaveLength(2);
    copy.apply(undefined);
    expect(await copy.tell()).toBeUndefined();
    expect(told).toHaveLength(2);
    // Its own port is the same number on all addresses, which is taken here: that was told.
    expect(reports.every(({ name }) => name === "peer")).toBe(true);
  });
});
