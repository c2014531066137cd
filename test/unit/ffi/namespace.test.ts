import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readlinkSync } from "node:fs";

import { enterNetwork } from "../../../ffi/namespace.ts";
import { runProcess } from "../../helpers/process.ts";
import { requireNetns } from "../../helpers/require-peer.ts";

const needs = requireNetns();
const own = "/proc/thread-self/ns/net";

describe.skipIf(needs.skip)(`enterNetwork ${needs.reason}`.trim(), () => {
  test("moves this thread there and back", async () => {
    const name = `ns${process.pid}`;
    await runProcess(["ip", "netns", "add", name]);
    const [here, there] = [openSync(own, "r"), openSync(`/run/netns/${name}`, "r")];
    const before = readlinkSync(own);
    try {
      enterNetwork(there);
      expect(readlinkSync(own)).not.toBe(before);
    } finally {
      enterNetwork(here);
      for (const fd of [here, there]) closeSync(fd);
      await runProcess(["ip", "netns", "del", name]);
    }
    expect(readlinkSync(own)).toBe(before);
  });

  test("takes nothing else for a namespace", () => {
    const fd = openSync("/proc/self/status", "r");
    try {
      expect(() => enterNetwork(fd)).toThrow("setns(2) failed with EINVAL");
    } finally {
      closeSync(fd);
    }
  });
});
