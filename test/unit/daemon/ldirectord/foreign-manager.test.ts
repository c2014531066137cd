import { describe, expect, test } from "bun:test";

import {
  findForeignManager,
  foreignManagerText,
  listProcesses,
  readTextStart,
} from "../../../../src/daemon/ldirectord/foreign-manager.ts";
import { endWithThisProcess } from "../../../helpers/process.ts";
import { waitFor } from "../../../helpers/wait.ts";

const files: Readonly<Record<string, string>> = {
  "/etc/ha.d/haresources": "# ldirectord::c.cf\nnode 192.0.2.100 ldirectord::web.cf httpd\n",
  "/k/haresources": "node ldirectord\n",
  "/etc/keepalived/keepalived.conf":
    "virtual_server 192.0.2.1 80 {\n}\nvirtual_server fwmark 7 {\n",
  "/k.conf": "  virtual_server 2001:db8::1 443 {\n",
};

function find(path: string, commandLine: string, isCalledByScript = false) {
  return findForeignManager(
    {
      path,
      virtuals: ["192.0.2.1:80", "[2001:db8::1]:443", "7"],
      processes: [{ pid: 9, words: commandLine.split(" ") }],
      readText: (file) => files[file],
    },
    isCalledByScript,
  )?.program;
}

describe("findForeignManager()", () => {
  const byDefault = "/etc/ha.d/ldirectord.cf";
  test.each([
    [byDefault, "/usr/bin/perl -w /usr/sbin/ldirectord start", "ldirectord"],
    [byDefault, "/usr/bin/perl /usr/sbin/ldirectord ldirectord.cf start", "ldirectord"],
    [byDefault, "perl /usr/sbin/ldirectord other.cf start", undefined],
    ["/etc/ha.d/web.cf", "perl -w /usr/sbin/ldirectord web.cf start", "ldirectord"],
    ["/etc/ha.d/web.cf", "perl -w /usr/sbin/ldirectord /etc/ha.d/web.cf start", "ldirectord"],
    ["/etc/ha.d/web.cf", "perl -w /usr/sbin/ldirectord /srv/web.cf start", undefined],
    ["/etc/ha.d/web.cf", "perl -w /usr/sbin/ldirectord start", undefined],
    ["/etc/ha.d/web.cf", "vi /usr/sbin/ldirectord web.cf", undefined],
    ["/etc/ha.d/web.cf", "heartbeat: master control process", "heartbeat"],
    ["/etc/ha.d/c.cf", "heartbeat: master control process", undefined],
    ["/k/ldirectord.cf", "heartbeat: master control process", undefined],
    [byDefault, "/usr/sbin/keepalived -D", "keepalived"],
    [byDefault, "/usr/sbin/keepalived -f /k.conf", "keepalived"],
    [byDefault, "/usr/sbin/keepalived -f /none.conf", undefined],
    [byDefault, "nginx: worker process", undefined],
  ] as const)("for %s beside %j: %s", (path, commandLine, expected) => {
    expect(find(path, commandLine)).toBe(expected);
  });

  test("what heartbeat starts as its resource is not refused for heartbeat", () => {
    expect(find("/etc/ha.d/web.cf", "heartbeat: master control process", true)).toBeUndefined();
  });

  test("says who it is and what to type", () => {
    const manager = { program: "ldirectord", pid: 9, what: "a.cf", remedy: "kill 9" } as const;
    expect(foreignManagerText("a.cf", manager)).toBe(
      "Cannot start for a.cf: ldirectord (pid 9) manages a.cf already; type: kill 9",
    );
  });
});

test("listProcesses() finds a process by its script, and leaves this one out", async () => {
  const child = endWithThisProcess(Bun.spawn(["cat"], { argv0: "keepalived", stdin: "pipe" }));
  const pids = (): readonly number[] => [...listProcesses()].map(({ pid }) => pid);
  await waitFor(() => pids().includes(child.pid), { what: "process" });
  expect(pids()).not.toContain(process.pid);
  child.kill();
  await child.exited;
});

test("readTextStart() reads files and nothing else", () => {
  expect(readTextStart("/proc/self/comm")).not.toBe("");
  expect(readTextStart("/nonexistent")).toBeUndefined();
  expect(readTextStart("/")).toBeUndefined();
});
