import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Resolution } from "../../../src/daemon/lookup.ts";
import {
  createMaintenance,
  listNames,
  maintenanceFilesMax,
  maintenanceIntervalMs,
} from "../../../src/daemon/maintenance.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";
import { settle } from "./director-fixture.ts";

const web1 = { host: "192.0.2.11", port: 80, address: "192.0.2.11" };

/** A directory in memory, and a watch of it. */
function setUp() {
  const clock = createFakeClock();
  const world = {
    files: [] as readonly string[],
    fault: undefined as Error | undefined,
    names: new Map<string, Resolution>(),
    changes: 0,
    reads: [] as string[],
    gate: Promise.resolve() as Promise<unknown>,
  };
  const told: string[] = [];
  const maintenance = createMaintenance({
    clock,
    list: async (directory) => {
      world.reads.push(directory);
      await world.gate;
      if (world.fault !== undefined) throw world.fault;
      return world.files;
    },
    lookup: async (name) => world.names.get(name),
    report: ({ level, reason }) => void told.push(`${level}: ${reason}`),
    onChange: () => void (world.changes += 1),
  });
  const look = async (): Promise<void> => {
    clock.advance(maintenanceIntervalMs);
    await settle();
  };
  return { clock, world, told, maintenance, look };
}

test("a file counts from the first reading on, and as long as it is there", async () => {
  const { world, maintenance, look } = setUp();
  world.files = ["192.0.2.11"];
  await maintenance.apply("/m");
  expect(maintenance.fileOf(web1)).toBe("192.0.2.11");
  expect(world.changes).toBe(0);
  world.files = [];
  await look();
  expect(maintenance.fileOf(web1)).toBeUndefined();
  world.files = ["192.0.2.11:80"];
  await look();
  expect(maintenance.fileOf(web1)).toBe("192.0.2.11:80");
  expect(world.changes).toBe(2);
  await look();
  expect(world.changes).toBe(2);
});

test("a name counts when its address is known", async () => {
  const { world, maintenance } = setUp();
  world.files = ["web1"];
  world.names.set("web1", { addresses: ["192.0.2.11"], ttlMs: 30_000 });
  await maintenance.apply("/m");
  await settle();
  expect(maintenance.fileOf(web1)).toBe("web1");
  expect(world.changes).toBe(1);
});

test("what cannot be read leaves everything as it was, and is told once", async () => {
  const { world, maintenance, look, told } = setUp();
  world.files = ["192.0.2.11"];
  await maintenance.apply("/m");
  world.fault = new Error("EIO");
  await look();
  await look();
  expect(maintenance.fileOf(web1)).toBe("192.0.2.11");
  expect(told).toEqual(["warning: cannot be read, what it said holds: EIO"]);
  world.fault = undefined;
  await look();
  world.fault = new Error("EIO");
  await look();
  expect(told).toHaveLength(2);
});

test("files beyond the bound do not count, which is told", async () => {
  const { world, maintenance, told } = setUp();
  world.files = [...Array(maintenanceFilesMax).fill("x"), "192.0.2.11"];
  await maintenance.apply("/m");
  expect(maintenance.fileOf(web1)).toBeUndefined();
  expect(told).toEqual([`warning: only its first ${maintenanceFilesMax} files count`]);
});

test("another directory takes the place of the first, none ends it", async () => {
  const { world, maintenance, look, clock } = setUp();
  world.files = ["192.0.2.11"];
  await maintenance.apply("/m");
  await maintenance.apply("/n");
  await look();
  expect(world.reads).toEqual(["/m", "/n", "/n"]);
  await maintenance.apply(undefined);
  expect(maintenance.fileOf(web1)).toBeUndefined();
  expect(clock.pendingCount()).toBe(0);
  await maintenance.apply("/m");
  maintenance.close();
  expect(clock.pendingCount()).toBe(0);
});

test("nobody waits for a directory that hangs; what it says in the end counts", async () => {
  const { world, maintenance, clock, told } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  world.files = ["192.0.2.11"];
  const applied = maintenance.apply("/m");
  clock.advance(1000);
  await applied;
  expect(maintenance.fileOf(web1)).toBeUndefined();
  expect(told).toEqual(["warning: is not read after 1 s, nobody waits for it"]);
  resolve();
  await settle();
  expect(maintenance.fileOf(web1)).toBe("192.0.2.11");
  expect(world.changes).toBe(1);
});

test("listNames() has the names in a directory, and none in one that is not there", async () => {
  using folder = createTempFolder();
  const path = join(folder.path, "m");
  expect(await listNames(path)).toEqual([]);
  mkdirSync(path);
  writeFileSync(join(path, "web2"), "");
  writeFileSync(join(path, "web1:80"), "");
  expect(await listNames(path)).toEqual(["web1:80", "web2"]);
  rmSync(path, { recursive: true });
  writeFileSync(path, "");
  await expect(listNames(path)).rejects.toThrow("ENOTDIR");
});
