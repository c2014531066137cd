import { describe, expect, test } from "bun:test";

import type { Resolution } from "../../../src/daemon/lookup.ts";
import { createResolver, lookupDelayMs, nextHostState } from "../../../src/daemon/resolver.ts";
import type { HostState } from "../../../src/daemon/resolver.ts";
import { createFakeClock } from "../../helpers/fake-clock.ts";

const pending: HostState = { state: "pending", address: undefined };
const unresolved: HostState = { state: "unresolved", address: undefined };

function at(address: string): HostState {
  return { state: "resolved", address };
}

function answer(...addresses: readonly string[]): Resolution {
  return { addresses, ttlMs: 30_000 };
}

describe("nextHostState()", () => {
  test.each<readonly [string, HostState, Resolution | undefined, HostState]>([
    ["a first answer", pending, answer("192.0.2.2"), at("192.0.2.2")],
    ["no first answer", pending, undefined, unresolved],
    ["an answer at last", unresolved, answer("192.0.2.2"), at("192.0.2.2")],
    ["the lowest of several", pending, answer("192.0.2.3", "192.0.2.2"), at("192.0.2.2")],
    ["the one in use stays", at("192.0.2.3"), answer("192.0.2.2", "192.0.2.3"), at("192.0.2.3")],
    ["another address", at("192.0.2.3"), answer("192.0.2.9"), at("192.0.2.9")],
    ["no answer keeps the good one", at("192.0.2.3"), undefined, at("192.0.2.3")],
  ])("%s", (_name, before, found, expected) => {
    expect(nextHostState(before, found)).toEqual(expected);
  });
});

test.each([
  [undefined, 5000],
  [{ addresses: ["192.0.2.1"], ttlMs: undefined }, 60_000],
  [{ addresses: ["192.0.2.1"], ttlMs: 0 }, 1000],
  [{ addresses: ["192.0.2.1"], ttlMs: 30_000 }, 30_000],
  [{ addresses: ["192.0.2.1"], ttlMs: 86_400_000 }, 3_600_000],
])("lookupDelayMs(%j) is %p", (found, expected) => {
  expect(lookupDelayMs(found)).toBe(expected);
});

/** A resolver whose lookups are answered from `answers`. */
function setUp() {
  const clock = createFakeClock();
  const answers = new Map<string, Resolution>();
  const asked: string[] = [];
  const changes: string[] = [];
  const resolver = createResolver({
    clock,
    lookup: async (name) => {
      asked.push(name);
      return answers.get(name);
    },
    onChange: (host, before, after) =>
      changes.push(`${host} ${before.address ?? before.state} ${after.address ?? after.state}`),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { clock, answers, asked, changes, resolver, settle };
}

describe("createResolver()", () => {
  test("knows addresses without asking, in their canonical form", () => {
    const { resolver, asked } = setUp();
    resolver.apply(["192.0.2.1", "2001:db8::1"]);
    expect(resolver.state("192.0.2.1")).toEqual(at("192.0.2.1"));
    expect(resolver.state("2001:DB8:0::1")).toEqual(at("2001:db8::1"));
    expect(asked).toEqual([]);
  });

  test("a name is pending, then resolved, then asked again when its time is over", async () => {
    const { resolver, answers, asked, changes, clock, settle } = setUp();
    answers.set("web1", answer("192.0.2.1"));
    resolver.apply(["web1"]);
    expect(resolver.state("web1")).toEqual(pending);
    await settle();
    expect(resolver.state("web1")).toEqual(at("192.0.2.1"));
    answers.set("web1", answer("192.0.2.7"));
    clock.advance(29_999);
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await settle();
    expect(resolver.state("web1")).toEqual(at("192.0.2.7"));
    expect(changes).toEqual(["web1 pending 192.0.2.1", "web1 192.0.2.1 192.0.2.7"]);
    resolver.close();
  });

  test("keeps a good address while answers fail, and says nothing", async () => {
    const { resolver, answers, changes, clock, settle } = setUp();
    answers.set("web1", answer("192.0.2.1"));
    resolver.apply(["web1"]);
    await settle();
    answers.clear();
    clock.advance(30_000);
    await settle();
    clock.advance(5000);
    await settle();
    expect(resolver.state("web1")).toEqual(at("192.0.2.1"));
    expect(changes).toHaveLength(1);
    resolver.close();
  });

  test("tells once that a name cannot be resolved, and tries again", async () => {
    const { resolver, asked, changes, clock, settle } = setUp();
    resolver.apply(["web1"]);
    await settle();
    clock.advance(5000);
    await settle();
    expect(asked).toHaveLength(2);
    expect(changes).toEqual(["web1 pending unresolved"]);
    resolver.close();
  });

  test("apply() keeps what stays, forgets what goes", async () => {
    const { resolver, answers, asked, clock, settle } = setUp();
    answers.set("web1", answer("192.0.2.1"));
    answers.set("web2", answer("192.0.2.2"));
    resolver.apply(["web1", "web2"]);
    await settle();
    resolver.apply(["web1"]);
    await settle();
    expect(resolver.state("web1")).toEqual(at("192.0.2.1"));
    expect(resolver.state("web2")).toEqual(pending);
    expect(asked).toEqual(["web1", "web2"]);
    expect(clock.pendingCount()).toBe(1);
    resolver.close();
    expect(clock.pendingCount()).toBe(0);
  });

  test("an answer that comes after close() changes nothing", async () => {
    const { resolver, answers, changes, clock, settle } = setUp();
    answers.set("web1", answer("192.0.2.1"));
    resolver.apply(["web1"]);
    resolver.close();
    await settle();
    expect(changes).toEqual([]);
    expect(clock.pendingCount()).toBe(0);
  });
});
