/**
 * What the Debian packages hold, and where: `{path, type, mode, bytes | target}` for archive.mjs.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { gzipSync } from "node:zlib";

import { root, SetupError } from "./common.mjs";
import { formatCopyright, formatSbom } from "./components.mjs";
import { formatApplianceManual, formatConfigurationManual } from "./manual.mjs";

const debian = join(root, "packaging/debian");
const program = "usr/sbin/appliance";
/** Of 80, without the mark of an item. */
const changelogColumns = 75;

/** Text of a file of packaging/debian with its `@NAME@` filled in. */
export function fillTemplate(path, values) {
  return readFileSync(join(debian, path), "utf8").replaceAll(/@([A-Z]+)@/g, (all, name) => {
    if (values[name] === undefined)
      throw new SetupError(`${path} names ${all}, which has no value`);
    return values[name];
  });
}

function file(path, content, mode = 0o644) {
  return { path, type: "file", mode, bytes: Buffer.from(content) };
}

function link(path, target) {
  return { path, type: "link", mode: 0o777, target };
}

/** Compressed as Debian wants documents, without a name and a time. */
function compressed(path, content) {
  return file(`${path}.gz`, gzipSync(Buffer.from(content), { level: 9 }));
}

/** Words in lines as long as a Debian changelog may have them. */
function wrap(text) {
  const lines = [""];
  for (const word of text.trim().split(/\s+/)) {
    const line = lines.at(-1) === "" ? word : `${lines.at(-1)} ${word}`;
    if (line.length <= changelogColumns) lines[lines.length - 1] = line;
    else lines.push(word);
  }
  return lines;
}

/**
 * CHANGELOG.md as a Debian changelog: each version with its lines, all of one time, since the
 * document has months only.
 */
export function formatChangelog({ name, maintainer, date }) {
  const text = readFileSync(join(root, "CHANGELOG.md"), "utf8");
  const sections = text.split(/^## /m).slice(1);
  return sections
    .map((section) => {
      const [, version] = /^(\S+)/.exec(section);
      const items = section.split(/^- /m).slice(1);
      const lines = items.map((item) => `  * ${wrap(item.split(/\n(?:\n|#)/)[0]).join("\n    ")}`);
      const stamp = new Date(date * 1000).toUTCString().replace("GMT", "+0000");
      const head = `${name} (${version}) unstable; urgency=medium`;
      return `${head}\n\n${lines.join("\n")}\n\n -- ${maintainer}  ${stamp}\n`;
    })
    .join("\n");
}

function completion(executable, shell) {
  const { status, stdout } = spawnSync(executable, ["completion", shell], { encoding: "utf8" });
  if (status !== 0) throw new SetupError(`appliance completion ${shell} ended with ${status}`);
  return stdout;
}

/** Documents that each package has. */
function documents(name, options) {
  const folder = `usr/share/doc/${name}`;
  return [
    file(`${folder}/copyright`, formatCopyright()),
    compressed(`${folder}/changelog`, formatChangelog({ ...options, name: "appliance" })),
  ];
}

/**
 * The package `appliance`.
 *
 * @param executable Goes into the package.
 * @param nativeExecutable The same program for this machine, which is asked for its help.
 * @param date Of everything, seconds since 1970.
 */
export function applianceFiles(options) {
  const { executable, nativeExecutable, version, date } = options;
  const own = (name) => readFileSync(join(debian, "appliance", name));
  const day = new Date(date * 1000).toISOString().slice(0, 10);
  const manual = { executable: nativeExecutable, version, date: day };
  const units = "usr/lib/systemd/system";
  return [
    file(program, readFileSync(executable), 0o755),
    { path: "etc/appliance", type: "folder", mode: 0o755 },
    file("etc/needrestart/conf.d/appliance.conf", own("needrestart.conf")),
    file(`${units}/appliance.service`, own("appliance.service")),
    file(`${units}/appliance-realserver.service`, own("appliance-realserver.service")),
    file("usr/lib/sysusers.d/appliance.conf", own("sysusers.conf")),
    compressed("usr/share/man/man8/appliance.8", formatApplianceManual(manual)),
    compressed("usr/share/man/man5/appliance.toml.5", formatConfigurationManual(manual)),
    file("usr/share/bash-completion/completions/appliance", completion(nativeExecutable, "bash")),
    file("usr/share/zsh/vendor-completions/_appliance", completion(nativeExecutable, "zsh")),
    file(
      "usr/share/fish/vendor_completions.d/appliance.fish",
      completion(nativeExecutable, "fish"),
    ),
    file(
      "usr/share/doc/appliance/examples/appliance.toml",
      readFileSync(join(root, "packaging/appliance.toml.example")),
    ),
    file(
      "usr/share/doc/appliance/examples/grafana.json",
      readFileSync(join(root, "packaging/grafana/appliance.json")),
    ),
    file(
      "usr/share/doc/appliance/examples/prometheus.rules.yml",
      readFileSync(join(root, "packaging/prometheus/appliance.rules.yml")),
    ),
    file("usr/share/doc/appliance/sbom.cdx.json", formatSbom({ version })),
    file("usr/share/lintian/overrides/appliance", own("lintian-overrides")),
    ...documents("appliance", options),
  ];
}

/** Where programs are that others call by path; the executable knows them by their name. */
const compatLinks = [
  ["ldirectord", "usr/sbin/ldirectord"],
  ["ipvsadm", "usr/sbin/ipvsadm"],
  ["cl_status", "usr/bin/cl_status"],
  ["hb_standby", "usr/share/heartbeat/hb_standby"],
  ["hb_takeover", "usr/share/heartbeat/hb_takeover"],
  ["LVSSyncDaemonSwap", "etc/ha.d/resource.d/LVSSyncDaemonSwap"],
];

/** The links whose names src/cli/invoked-as.ts has; others would print a usage error. */
export function knownLinks() {
  const source = readFileSync(join(root, "src/cli/invoked-as.ts"), "utf8");
  return compatLinks.filter(([name]) => source.includes(`["${name}", `));
}

/** The package `appliance-compat`. */
export function compatFiles(options) {
  const links = knownLinks();
  // Debian's rule: relative inside /usr, absolute from elsewhere.
  const target = (path) =>
    path.startsWith("usr/") ? posix.relative(posix.dirname(path), program) : `/${program}`;
  const pages = links
    .filter(([, path]) => /^usr\/s?bin\//.test(path))
    .map(([name]) => link(`usr/share/man/man8/${name}.8.gz`, "appliance.8.gz"));
  return [
    ...links.map(([, path]) => link(path, target(path))),
    ...pages,
    ...documents("appliance-compat", options),
  ];
}
