import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { createSystemAccess } from "../../../src/host/system-access.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

describe("createSystemAccess()", () => {
  test("keeps files below its root, and those of the state directory where they are", () => {
    using folder = createTempFolder();
    const root = join(folder.path, "root");
    const state = join(folder.path, "state");
    const host = createSystemAccess({ root, state });
    expect(host.readFile("/etc/a.conf")).toBeUndefined();
    host.writeFile("/etc/a.conf", "one\n");
    host.writeFile("/etc/a.conf", "two\n");
    host.writeFile(`${state}/record.json`, "{}");
    expect(readFileSync(`${root}/etc/a.conf`, "utf8")).toBe("two\n");
    expect(host.readFile("/etc/a.conf")).toBe("two\n");
    expect(host.list("/etc")).toEqual(["a.conf"]);
    expect(existsSync(`${state}/record.json`)).toBe(true);
    host.makeLink("/etc/b", "/nowhere");
    host.makeLink("/etc/b", "/etc/a.conf");
    expect(host.readLink("/etc/b")).toBe("/etc/a.conf");
    expect(host.readLink("/etc/a.conf")).toBeUndefined();
    // A link that leads nowhere exists all the same.
    expect(host.exists("/etc/b")).toBe(true);
    for (const path of ["/etc/a.conf", "/etc/b", "/etc/b"]) host.remove(path);
    expect(host.list("/etc")).toEqual([]);
    expect(host.list("/missing")).toEqual([]);
  });

  test("tells systemd nothing of another root", async () => {
    using folder = createTempFolder();
    const host = createSystemAccess({ root: folder.path, state: "/state" });
    host.writeFile("/run/systemd/system", "");
    expect(await host.reloadUnits()).toBeUndefined();
  });

  test("names the files that it may not write", () => {
    using folder = createTempFolder();
    const host = createSystemAccess({ root: folder.path, state: "/state" });
    host.writeFile("/etc/a", "");
    // Nobody makes files below a file, not even root.
    expect(host.missingRights(["/etc/a/b"])).toContain(`cannot write ${folder.path}/etc/a/b`);
    const able = host.missingRights(["/etc/a", "/etc/b/c"]);
    expect(able.filter((text) => text.includes("write"))).toEqual([]);
  });

  test("reads this machine without changing it", () => {
    const host = createSystemAccess({ root: "/", state: "/state" });
    const lo = host.interfaces().find(({ name }) => name === "lo");
    expect(lo).toMatchObject({ index: 1, isLoopback: true, usesArp: false });
    expect(lo?.hardwareAddress).toBe("");
    expect(host.addresses()).toContainEqual({
      interface: "lo",
      label: "lo",
      address: "127.0.0.1",
      prefixBits: 8,
    });
    expect(host.readSysctl("net/ipv4/ip_forward")).toMatch(/^[01]$/);
    expect(host.readSysctl("net/ipv4/no_such_thing")).toBeUndefined();
    expect(host.moduleState("no_such_module")).toBe("missing");
    expect(host.readLimits()).toContain("Max open files");
    expect(host.readProcNet("tcp")).toContain("local_address");
    expect(host.routes().every((route) => route.interface !== "")).toBe(true);
  });
});
