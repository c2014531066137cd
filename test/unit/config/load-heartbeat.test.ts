import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { ConfigError, loadConfig } from "../../../src/config/index.ts";
import {
  findLdirectordFile,
  findScript,
  heartbeatFolder,
  heartbeatHost,
  readNetworks,
} from "../../../src/config/load-heartbeat.ts";
import { createTempFolder } from "../../helpers/temp-folder.ts";

let temp: ReturnType<typeof createTempFolder>;
let folder: string;

/** Writes one of the files. */
function write(name: string, text: string, mode = 0o644): void {
  writeFileSync(join(folder, name), text, { mode });
}

beforeEach(() => {
  temp = createTempFolder();
  folder = join(temp.path, "ha.d");
  mkdirSync(folder);
  write("ha.cf", `bcast eth0\nauto_failback off\nnode ${hostname()} other\n`);
  write("haresources", `${hostname()} ldirectord::web.cf 192.0.2.100/24/eth0\n`);
  write("authkeys", "auth 1\n1 crc\n", 0o600);
  write("web.cf", "virtual=192.0.2.100:80\n\treal=192.0.2.11:80 masq\n");
});

afterEach(() => temp[Symbol.dispose]());

/** Problems of a configuration as `file: path: message`, without the folder. */
async function problemsOf(file: string): Promise<readonly string[]> {
  const error = await loadConfig([file], { cores: 1 }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw error;
  return error.problems.map(({ file: name, line, path, message, found }) =>
    `${name}:${line}: ${path}: ${message}, got ${found}`.replaceAll(`${folder}/`, ""),
  );
}

describe("loadConfig() of Heartbeat's folder", () => {
  test.each([["folder"], ["ha.cf"]])("takes its %s: routers and services", async (what) => {
    const { config, files, ldirectord } = await loadConfig(
      [what === "folder" ? folder : join(folder, "ha.cf")],
      { cores: 1 },
    );
    expect(config.virtualRouters).toMatchObject([
      { name: hostname(), priority: 150, interfaces: ["eth0"], downAfterMs: 30_000 },
    ]);
    expect(config.virtualServices.map(({ name }) => name)).toEqual(["tcp:192.0.2.100:80"]);
    expect(files).toEqual([join(folder, "haresources"), join(folder, "web.cf")]);
    expect(ldirectord?.file).toBe(join(folder, "web.cf"));
  });

  test("takes an ldirectord.cf that is also named by itself once", async () => {
    const files = [folder, join(folder, "web.cf")];
    const { config } = await loadConfig(files, { cores: 1 });
    expect(config.virtualServices).toHaveLength(1);
  });

  test("warnings have the file and the line of the directive", async () => {
    write("ha.cf", `bcast eth0\nauto_failback off\nnode ${hostname()} other\nhopfudge 1\n`);
    const { warnings } = await loadConfig([folder], { cores: 1 });
    const told = warnings.map(({ file, line }) => `${file.replace(`${folder}/`, "")}:${line}`);
    expect(told).toContain("ha.cf:4");
  });

  test("other scripts are resources, in the order of the line", async () => {
    const line = "ldirectord::web.cf 192.0.2.100/24/eth0 db::one /opt/mail";
    write("haresources", `${hostname()} ${line}\n`);
    const { config } = await loadConfig([folder], { cores: 1 });
    expect(config.virtualRouters[0]!.resources).toEqual([
      ["/etc/ha.d/resource.d/db", "one"],
      ["/opt/mail"],
    ]);
  });

  test("an authkeys that others can read is a problem", async () => {
    chmodSync(join(folder, "authkeys"), 0o644);
    expect(await problemsOf(folder)).toEqual([
      "authkeys:0: : Expected mode 0600, so that nobody else reads the secret, got 0644",
    ]);
  });

  test("an ldirectord.cf that is not there is a problem", async () => {
    rmSync(join(folder, "web.cf"));
    expect((await problemsOf(folder)).join("\n")).toContain(
      'Expected an ldirectord.cf for each ldirectord:: of haresources, got "web.cf"',
    );
  });

  test("a haresources that is not there is a problem", async () => {
    rmSync(join(folder, "haresources"));
    expect((await problemsOf(folder)).join("\n")).toContain("Expected haresources beside ha.cf");
  });

  test("a ha.cf that is not there is missing", () => {
    rmSync(join(folder, "ha.cf"));
    expect(loadConfig([join(folder, "ha.cf")], { cores: 1 })).rejects.toMatchObject({
      code: "CONFIG_FILE_MISSING",
    });
  });
});

test("heartbeatFolder() knows the folder and its ha.cf", () => {
  expect(heartbeatFolder(folder)).toBe(folder);
  expect(heartbeatFolder(join(folder, "ha.cf"))).toBe(folder);
  expect(heartbeatFolder(join(folder, "web.cf"))).toBeUndefined();
  expect(heartbeatFolder(temp.path)).toBeUndefined();
  expect(heartbeatFolder("/nonexistent")).toBeUndefined();
});

test("findLdirectordFile() looks beside the files and below conf", () => {
  mkdirSync(join(folder, "conf"));
  write("conf/deep.cf", "");
  expect(findLdirectordFile(folder, "web.cf")).toBe(join(folder, "web.cf"));
  expect(findLdirectordFile(folder, "deep.cf")).toBe(join(folder, "conf", "deep.cf"));
  expect(findLdirectordFile("/nonexistent", join(folder, "web.cf"))).toBe(join(folder, "web.cf"));
  expect(findLdirectordFile(folder, "nobody.cf")).toBeUndefined();
});

test("heartbeatHost() takes authkeys as the key file", () => {
  const host = heartbeatHost({ services: "", hosts: "", hostName: "lb1" }, "/etc/ha.d");
  expect(host).toMatchObject({ nodeName: "lb1", keyFile: "/etc/ha.d/authkeys" });
});

test("readNetworks() leaves the loopback out", () => {
  for (const { interface: name, prefixBits } of readNetworks()) {
    expect(name).not.toBe("lo");
    expect(prefixBits).toBeWithin(0, 129);
  }
});

test("findScript() knows nothing of a script that is not there", () => {
  expect(findScript("no-such-script-of-heartbeat")).toBeUndefined();
});
