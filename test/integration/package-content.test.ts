/**
 * The Debian packages: what is in them, and whether Debian's own tools accept them.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { constants, copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { buildPackages } from "../helpers/package.ts";
import { runProcess } from "../helpers/process.ts";
import {
  executablePath,
  requireAll,
  requireExecutable,
  requireNetns,
  requirePeer,
} from "../helpers/require-peer.ts";
import { createTempFolder } from "../helpers/temp-folder.ts";

/** Compresses 120 MB, several times. */
setDefaultTimeout(180_000);

const needs = requireAll(requireExecutable(), requirePeer("dpkg-deb"));
const needsRoot = requireAll(needs, requireNetns());
const needsLintian = requireAll(needs, requirePeer("lintian"));
const needsGroff = requireAll(needs, requirePeer("groff"));
const needsAnalyze = requireAll(needs, requirePeer("systemd-analyze"));

const packageJsonPath = new URL("../../package.json", import.meta.url).pathname;
const { version, dependencies } = JSON.parse(readFileSync(packageJsonPath, "utf8"));
const folder = createTempFolder();
const executable = join(folder.path, "executable");
/** What `appliance_*.deb` unpacks to. */
const root = join(folder.path, "root");
let packages = { appliance: "", compat: "" };

beforeAll(async () => {
  if (needs.skip) return;
  // Of this name it stays the same, whoever builds it anew.
  copyFileSync(executablePath, executable, constants.COPYFILE_FICLONE);
  packages = await buildPackages(folder.path, executable);
  await succeed(["dpkg-deb", "--extract", packages.appliance, root]);
});
afterAll(() => folder[Symbol.dispose]());

async function succeed(command: readonly string[], env = {}): Promise<string> {
  const { status, stdout, stderr } = await runProcess(command, { env });
  expect(`${status} ${stderr}`).toStartWith("0 ");
  return stdout;
}

/** `mode owner path[ -> target]` of what is no folder, as dpkg-deb lists it. */
async function contents(path: string): Promise<string[]> {
  const lines = (await succeed(["dpkg-deb", "--contents", path])).trim().split("\n");
  return lines
    .map((line) => line.trim().split(/\s+/))
    .filter(([mode]) => !mode!.startsWith("d"))
    .map(([mode, owner, , , , ...name]) => `${mode} ${owner} ${name.join(" ")}`);
}

test.skipIf(needs.skip)("npm run package names the packages by version and processor", () => {
  expect(packages.appliance).toBe(join(folder.path, `appliance_${version}_amd64.deb`));
  expect(packages.compat).toBe(join(folder.path, `appliance-compat_${version}_all.deb`));
});

test.skipIf(needs.skip)("npm run package gives the same bytes twice", async () => {
  using other = createTempFolder();
  const again = await buildPackages(other.path, executable);
  for (const name of ["appliance", "compat"] as const) {
    expect(Bun.file(again[name]).size).toBeGreaterThan(1000);
    const [one, two] = await Promise.all([digest(packages[name]), digest(again[name])]);
    expect(two).toBe(one);
  }
});

async function digest(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher("sha256");
  hash.update(await Bun.file(path).bytes());
  return hash.digest("hex");
}

test.skipIf(needs.skip)("appliance holds these files, all of root, none to be run", async () => {
  expect(await contents(packages.appliance)).toEqual([
    "-rw-r--r-- root/root ./etc/needrestart/conf.d/appliance.conf",
    "-rw-r--r-- root/root ./usr/lib/systemd/system/appliance-realserver.service",
    "-rw-r--r-- root/root ./usr/lib/systemd/system/appliance.service",
    "-rw-r--r-- root/root ./usr/lib/sysusers.d/appliance.conf",
    "-rwxr-xr-x root/root ./usr/sbin/appliance",
    "-rw-r--r-- root/root ./usr/share/bash-completion/completions/appliance",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/changelog.gz",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/copyright",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/examples/appliance.toml",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/examples/grafana.json",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/examples/prometheus.rules.yml",
    "-rw-r--r-- root/root ./usr/share/doc/appliance/sbom.cdx.json",
    "-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/appliance.fish",
    "-rw-r--r-- root/root ./usr/share/lintian/overrides/appliance",
    "-rw-r--r-- root/root ./usr/share/man/man5/appliance.toml.5.gz",
    "-rw-r--r-- root/root ./usr/share/man/man8/appliance.8.gz",
    "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_appliance",
  ]);
});

test.skipIf(needs.skip)("appliance-compat holds a link for each name it answers to", async () => {
  const links = (await contents(packages.compat)).filter((line) => !line.includes("/share/doc/"));
  expect(links).toEqual([
    "lrwxrwxrwx root/root ./etc/ha.d/resource.d/LVSSyncDaemonSwap -> /usr/sbin/appliance",
    "lrwxrwxrwx root/root ./usr/bin/cl_status -> ../sbin/appliance",
    "lrwxrwxrwx root/root ./usr/sbin/ipvsadm -> appliance",
    "lrwxrwxrwx root/root ./usr/sbin/ldirectord -> appliance",
    "lrwxrwxrwx root/root ./usr/share/heartbeat/hb_standby -> ../../sbin/appliance",
    "lrwxrwxrwx root/root ./usr/share/heartbeat/hb_takeover -> ../../sbin/appliance",
    "lrwxrwxrwx root/root ./usr/share/man/man8/cl_status.8.gz -> appliance.8.gz",
    "lrwxrwxrwx root/root ./usr/share/man/man8/ipvsadm.8.gz -> appliance.8.gz",
    "lrwxrwxrwx root/root ./usr/share/man/man8/ldirectord.8.gz -> appliance.8.gz",
  ]);
});

test.skipIf(needs.skip)("the packages say what they are and what they stand in for", async () => {
  const field = async (path: string, name: string): Promise<string> =>
    (await succeed(["dpkg-deb", "--field", path, name])).trim();
  expect(await field(packages.appliance, "Package")).toBe("appliance");
  expect(await field(packages.appliance, "Version")).toBe(version);
  expect(await field(packages.appliance, "Architecture")).toBe("amd64");
  expect(await field(packages.appliance, "Depends")).toStartWith("libc6 (>= 2.25), systemd |");
  for (const name of ["Conflicts", "Replaces"]) {
    expect(await field(packages.compat, name)).toBe("ldirectord, ipvsadm, heartbeat");
  }
  expect(await field(packages.compat, "Provides")).toBe("ldirectord, ipvsadm");
  expect(await field(packages.compat, "Architecture")).toBe("all");
});

test.skipIf(needs.skip)("the example validates with the executable beside it", async () => {
  const example = join(root, "usr/share/doc/appliance/examples/appliance.toml");
  const text = await succeed([join(root, "usr/sbin/appliance"), "validate", example]);
  expect(text).toContain("ok, 3 virtual services");
});

test.skipIf(needs.skip)("the SBOM names the runtime and every dependency with its version", () => {
  const sbom = JSON.parse(
    readFileSync(join(root, "usr/share/doc/appliance/sbom.cdx.json"), "utf8"),
  );
  expect(sbom.bomFormat).toBe("CycloneDX");
  expect(sbom.metadata.component.version).toBe(version);
  const versions = new Map<string, string>(
    sbom.components.map((one: { name: string; version: string }) => [one.name, one.version]),
  );
  for (const [name, wanted] of Object.entries<string>(dependencies)) {
    expect(`${name} ${versions.get(name)}`).toBe(`${name} ${wanted}`);
  }
  expect(versions.get("bun")).toBe(Bun.version);
  // Tools that only build and test are not in the executable.
  expect(versions.has("typescript")).toBeFalse();
  for (const { name, licenses, hashes } of sbom.components) {
    expect(`${name} ${licenses.length} ${hashes[0].content.length}`).toBe(`${name} 1 128`);
  }
});

test.skipIf(needs.skip)("the copyright has a paragraph for each embedded package", () => {
  const text = readFileSync(join(root, "usr/share/doc/appliance/copyright"), "utf8");
  for (const name of Object.keys(dependencies)) {
    expect(text).toContain(`Files: node_modules/${name}/*\n`);
  }
  expect(text).toContain("WebKit (LGPL-2.1");
});

test.skipIf(needsGroff.skip).each([
  ["man8/appliance.8", ["appliance validate [FILE...]", "--no-persist", "EXIT STATUS", "SIGHUP"]],
  ["man5/appliance.toml.5", ["real_servers", "half_closed", 'default: "wlc"']],
])("the page %s is formatted without a warning and says it all", async (page, words) => {
  const path = join(root, `usr/share/man/${page}.gz`);
  const source = join(folder.path, page.replace("/", "-"));
  await Bun.write(source, Bun.gunzipSync(await Bun.file(path).bytes()));
  const command = ["groff", "-man", "-ww", "-Kutf8", "-Tutf8", "-P-cbou", "-rLL=100n"];
  const { stdout, stderr } = await runProcess([...command, source]);
  expect(stderr).toBe("");
  const text = stdout.replaceAll("‐", "-").replaceAll("−", "-");
  for (const word of words) expect(text).toContain(word);
});

/** Only what the loader needs beside the executable: no configuration, no other program. */
async function bareRoot(): Promise<string> {
  const bare = join(folder.path, "bare");
  const libraries = (await succeed(["ldd", executable])).match(/\/\S+/g) ?? [];
  for (const path of [executable, ...libraries]) {
    const to = join(bare, path === executable ? "appliance" : path);
    mkdirSync(dirname(to), { recursive: true });
    // The mode too: the loader is run itself.
    copyFileSync(path, to);
  }
  for (const name of ["proc", "dev"]) mkdirSync(join(bare, name));
  for (const name of ["null", "urandom"]) await Bun.write(join(bare, "dev", name), "");
  return bare;
}

test.skipIf(needsRoot.skip)("the executable alone runs where nothing else is", async () => {
  const bare = await bareRoot();
  await Bun.write(
    join(bare, "a.toml"),
    '[[virtual_service]]\nname = "a"\nlisten = "127.0.0.1:80"\nfallback = "127.0.0.1:81"\n',
  );
  const script = `cd ${bare} && mount -t proc proc proc &&
    for name in null urandom; do mount --bind /dev/$name dev/$name; done
    ip link set lo up
    chroot . /appliance validate /a.toml
    chroot . /appliance run --config /a.toml & director=$!
    for _ in $(seq 100); do chroot . /appliance status && break; sleep 0.1; done
    kill $director; wait $director; echo "ended with $?"`;
  const command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child"];
  const { stdout } = await runProcess([...command, "sh", "-c", script]);
  expect(stdout).toContain("/a.toml: ok, 1 virtual service");
  expect(stdout).toContain("a  tcp 127.0.0.1:80 proxy wlc");
  expect(stdout).toEndWith("ended with 0\n");
});

test.skipIf(needsAnalyze.skip)("the unit's exposure is at most 3.0", async () => {
  const unit = join(root, "usr/lib/systemd/system/appliance.service");
  const command = ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=30"];
  await succeed([...command, unit]);
});

test.skipIf(needsLintian.skip)("lintian finds neither errors nor warnings", async () => {
  const command = ["lintian", "--allow-root", "--no-cfg", "--fail-on=error,warning"];
  const { status, stdout } = await runProcess([...command, packages.appliance, packages.compat], {
    env: { LC_ALL: "C.UTF-8" },
  });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
